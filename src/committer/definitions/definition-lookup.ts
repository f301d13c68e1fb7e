import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Checked } from '../validation/outcome.ts';
import { passed } from '../validation/outcome.ts';
import type { ValidationRules } from '../validation/rules.ts';
import type { NamespaceDefinition } from './definition.ts';
import { lifecycleDefinition } from './lifecycle-definitions.ts';
import { lsccDefinition } from './lscc-definitions.ts';
import { isSystemChaincode, systemDefinition } from './system-chaincodes.ts';
import type { ValidationState } from './validation-state.ts';

export interface DefinitionLookupParts {
  readonly bundle: ChannelBundle;
  readonly state: ValidationState;
  readonly rules: ValidationRules;
}

/** Definitions as of before one block; each is read once, however many transactions of the block need it. */
export class DefinitionLookup {
  readonly #parts: DefinitionLookupParts;
  readonly #found = new Map<string, Promise<Checked<NamespaceDefinition>>>();

  constructor(parts: DefinitionLookupParts) {
    this.#parts = parts;
  }

  find(namespace: string): Promise<Checked<NamespaceDefinition>> {
    const known = this.#found.get(namespace);
    if (known !== undefined) return known;
    const found = this.#read(namespace);
    this.#found.set(namespace, found);
    return found;
  }

  async #read(namespace: string): Promise<Checked<NamespaceDefinition>> {
    const { bundle, state, rules } = this.#parts;
    if (rules.validator === 'v20') return lifecycleDefinition(state, namespace, bundle);
    return isSystemChaincode(namespace) ? passed(systemDefinition(namespace, bundle)) : lsccDefinition(state, namespace);
  }
}
