import { expect, it } from 'vitest';
import { sha256 } from '../common/bytes.ts';
import { packageIdValue } from './lifecycle-definition.ts';
import { PackageSources } from './package-sources.ts';

const ID = `cc_1:${'ab'.repeat(32)}`;
const source = sha256(packageIdValue(ID));

it('finds what is installed by the hash of its id, from the moment on that it is', () => {
  const installed: { packageId: string; label: string }[] = [];
  const sources = new PackageSources({ list: () => installed });
  expect(sources.find(source)).toBeUndefined();
  installed.push({ packageId: `cc_2:${'cd'.repeat(32)}`, label: 'cc_2' }, { packageId: ID, label: 'cc_1' });
  expect(sources.find(source)).toEqual({ packageId: ID, label: 'cc_1' });
  installed.pop();
  expect(sources.find(source)).toBeUndefined();
});
