import { utf8 } from '../../src/common/bytes.ts';
import type { LifecycleDefinition } from '../../src/lifecycle/lifecycle-definition.ts';

/** The first definition of a chaincode of the 2.x lifecycle, with whatever a test needs otherwise. */
export const lifecycleDefinition = (changed: Partial<LifecycleDefinition> = {}): LifecycleDefinition => ({
  sequence: 1n,
  version: '1.0',
  initRequired: false,
  endorsementPlugin: 'escc',
  validationPlugin: 'vscc',
  validationParameter: utf8('policy'),
  collections: {},
  ...changed,
});
