import { equalBytes } from '../src/common/bytes.ts';
import { SelvageError } from '../src/common/errors.ts';
import { samePolicy } from '../src/msp/channelconfig/config-tree.ts';
import type { common } from '../src/protos/messages.ts';

/**
 * The update that turns one configuration into another: what changed with its next version, and of what stayed the same only
 * what must be named.
 * @throws {SelvageError} `CONFIG_INVALID` when nothing changed or a channel group is missing
 * @see Compute in hyperledger/fabric v2.5, internal/configtxlator/update/update.go
 */
export function computeUpdate(original: common.Config, updated: common.Config, channelId: string): common.ConfigUpdate {
  if (original.channelGroup === undefined) throw refused('no channel group included for original config');
  if (updated.channelGroup === undefined) throw refused('no channel group included for updated config');
  const { changed, readSet, writeSet } = groupChange(original.channelGroup, updated.channelGroup);
  if (!changed) throw refused('no differences detected between original and updated config');
  return { channelId, type: 0, readSet, writeSet, isolatedData: new Map() };
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);

interface GroupChange {
  readonly changed: boolean;
  readonly readSet: common.ConfigGroup;
  readonly writeSet: common.ConfigGroup;
}

/** What became of the members of one kind of one group. `same` is only named when the group's own version moves. */
interface MemberChanges<T> {
  readonly read: ReadonlyMap<string, T>;
  readonly write: ReadonlyMap<string, T>;
  readonly same: ReadonlyMap<string, T>;
  /** Something was added or removed, which needs a new version of the group. */
  readonly membership: boolean;
}

const NO_GROUP: common.ConfigGroup = { version: 0n, groups: new Map(), values: new Map(), policies: new Map(), modPolicy: '' };

function groupChange(original: common.ConfigGroup, updated: common.ConfigGroup): GroupChange {
  const groups = groupChanges(original.groups, updated.groups);
  const values = itemChanges(original.values, updated.values, VALUE);
  const policies = itemChanges(original.policies, updated.policies, POLICY);
  const kinds = [groups, values, policies];
  const stub = { ...NO_GROUP, version: original.version };

  if (kinds.some(({ membership }) => membership) || original.modPolicy !== updated.modPolicy) {
    const named = { groups: merged(groups.same), values: merged(values.same), policies: merged(policies.same) };
    return {
      changed: true,
      readSet: { ...stub, groups: named.groups(groups.read), values: named.values(values.read), policies: named.policies(policies.read) },
      writeSet: {
        version: original.version + 1n,
        modPolicy: updated.modPolicy,
        groups: named.groups(groups.write),
        values: named.values(values.write),
        policies: named.policies(policies.write),
      },
    };
  }
  if (kinds.every(({ read, write }) => read.size === 0 && write.size === 0)) return { changed: false, readSet: stub, writeSet: stub };
  return {
    changed: true,
    readSet: { ...stub, groups: groups.read, values: values.read, policies: policies.read },
    writeSet: { ...stub, groups: groups.write, values: values.write, policies: policies.write },
  };
}

const merged =
  <T>(same: ReadonlyMap<string, T>) =>
  (changed: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...changed, ...same]);

function groupChanges(
  original: ReadonlyMap<string, common.ConfigGroup>,
  updated: ReadonlyMap<string, common.ConfigGroup>,
): MemberChanges<common.ConfigGroup> {
  const read = new Map<string, common.ConfigGroup>();
  const write = new Map<string, common.ConfigGroup>();
  const same = new Map<string, common.ConfigGroup>();
  for (const [name, group] of original) {
    const next = updated.get(name);
    if (next === undefined) continue;
    const { changed, readSet, writeSet } = groupChange(group, next);
    if (changed) {
      read.set(name, readSet);
      write.set(name, writeSet);
    } else {
      same.set(name, readSet);
    }
  }
  for (const [name, group] of updated) {
    if (!original.has(name)) write.set(name, { ...groupChange(NO_GROUP, group).writeSet, version: 0n, modPolicy: group.modPolicy });
  }
  return { read, write, same, membership: !sameKeys(original, updated) };
}

/** How one kind of leaf is compared, and how it is named without its content. */
interface Leaf<T> {
  equal(a: T, b: T): boolean;
  stub(version: bigint): T;
}

const VALUE: Leaf<common.ConfigValue> = {
  equal: (a, b) => a.modPolicy === b.modPolicy && equalBytes(a.value, b.value),
  stub: (version) => ({ version, value: new Uint8Array(0), modPolicy: '' }),
};

const POLICY: Leaf<common.ConfigPolicy> = {
  equal: (a, b) => a.modPolicy === b.modPolicy && samePolicy(a.policy, b.policy),
  stub: (version) => ({ version, policy: undefined, modPolicy: '' }),
};

function itemChanges<T extends { readonly version: bigint }>(
  original: ReadonlyMap<string, T>,
  updated: ReadonlyMap<string, T>,
  leaf: Leaf<T>,
): MemberChanges<T> {
  const write = new Map<string, T>();
  const same = new Map<string, T>();
  for (const [name, item] of original) {
    const next = updated.get(name);
    if (next === undefined) continue;
    if (leaf.equal(item, next)) same.set(name, leaf.stub(item.version));
    else write.set(name, { ...next, version: item.version + 1n });
  }
  for (const [name, item] of updated) if (!original.has(name)) write.set(name, { ...item, version: 0n });
  return { read: new Map(), write, same, membership: !sameKeys(original, updated) };
}

const sameKeys = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean =>
  a.size === b.size && [...a.keys()].every((key) => b.has(key));
