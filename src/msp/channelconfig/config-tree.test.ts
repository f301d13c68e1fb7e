import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { common } from '../../protos/messages.ts';
import { equalGroups, flatten, rebuild } from './config-tree.ts';

const decoded = (init: common.ConfigGroupInit): common.ConfigGroup => common.ConfigGroup.decode(common.ConfigGroup.encode(init));
const value = (modPolicy = 'Admins') => ({ value: new Uint8Array([1]), modPolicy });
const tree = (orderer: common.ConfigGroupInit, modPolicy = 'Admins') => decoded({ modPolicy, groups: new Map([['Orderer', orderer]]) });

describe('a configuration tree', () => {
  it('is the same after it was laid flat', () => {
    const group = tree({
      modPolicy: 'Admins',
      values: new Map([['BatchSize', value()]]),
      policies: new Map([['Admins', { policy: { type: 1 } }]]),
    });
    assert.deepEqual(
      [...flatten(group).keys()],
      ['[Group]  /Channel', '[Group]  /Channel/Orderer', '[Value]  /Channel/Orderer/BatchSize', '[Policy] /Channel/Orderer/Admins'],
    );
    assert.ok(equalGroups(rebuild(flatten(group)), group));
  });

  it('has only the members its groups name', () => {
    const full = flatten(
      tree({
        modPolicy: 'Admins',
        values: new Map([
          ['BatchSize', value()],
          ['Other', value()],
        ]),
      }),
    );
    const fewer = flatten(tree({ modPolicy: 'Admins', version: 1n, values: new Map([['BatchSize', value()]]) }));
    const rebuilt = rebuild(new Map([...full, ...fewer]));
    assert.deepEqual([...(rebuilt.groups.get('Orderer')?.values.keys() ?? [])], ['BatchSize']);
  });

  it('cannot be built when a member is missing', () => {
    const map = new Map(flatten(tree({ values: new Map([['BatchSize', value()]]) })));
    map.delete('[Value]  /Channel/Orderer/BatchSize');
    assert.throws(() => rebuild(map), { code: 'CONFIG_INVALID', message: 'Missing value at path: [Value]  /Channel/Orderer/BatchSize' });
  });

  it('gets a policy for what nobody may change once orderers have capabilities', () => {
    const values = new Map([['BatchSize', value('')]]);
    const policies = new Map([['Readers', { policy: { type: 1 } }]]);
    const before = rebuild(flatten(tree({ values, policies }, '')));
    assert.equal(before.groups.get('Orderer')?.modPolicy, '');
    const after = rebuild(flatten(tree({ values: new Map([...values, ['Capabilities', value('')]]), policies }, '')));
    const orderer = after.groups.get('Orderer');
    assert.deepEqual(
      [after.modPolicy, orderer?.modPolicy, orderer?.values.get('BatchSize')?.modPolicy, orderer?.policies.get('Readers')?.modPolicy],
      Array(4).fill('Admins'),
    );
  });

  it('refuses names Fabric refuses', () => {
    for (const name of ['', '.', '..', 'a b', 'a_b', 'ä', 'x'.repeat(250)]) {
      assert.throws(() => flatten(decoded({ groups: new Map([[name, {}]]) })), {
        code: 'CONFIG_INVALID',
        message: 'Illegal characters in key: [Group]  ',
      });
    }
    flatten(decoded({ groups: new Map([['a.B-9', {}]]) }));
  });

  it('differs where anything differs', () => {
    const one = tree({ modPolicy: 'Admins', values: new Map([['BatchSize', value()]]) });
    const others: common.ConfigGroupInit[] = [
      { modPolicy: 'Writers', values: new Map([['BatchSize', value()]]) },
      { modPolicy: 'Admins', version: 1n, values: new Map([['BatchSize', value()]]) },
      { modPolicy: 'Admins', values: new Map([['BatchSize', { ...value(), version: 1n }]]) },
      { modPolicy: 'Admins', values: new Map([['BatchSize', { ...value(), value: new Uint8Array([2]) }]]) },
      { modPolicy: 'Admins', values: new Map([['Batch', value()]]) },
      { modPolicy: 'Admins', values: new Map([['BatchSize', value()]]), policies: new Map([['Admins', {}]]) },
    ];
    for (const other of others) assert.ok(!equalGroups(one, tree(other)));
  });
});
