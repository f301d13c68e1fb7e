import { compareUtf8, equalBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { common } from '../../protos/messages.ts';
import { checkConfigId } from './ids.ts';

/** Name of the root group in paths; the root itself has no name on the wire. */
export const ROOT_GROUP = 'Channel';

/** One group, value or policy of a configuration tree, with the place where it stands. */
export type ConfigElement = {
  /** Names of the groups around it, the root first; empty for the root. */
  readonly path: readonly string[];
  readonly key: string;
} & (
  | { readonly kind: 'group'; readonly item: common.ConfigGroup }
  | { readonly kind: 'value'; readonly item: common.ConfigValue }
  | { readonly kind: 'policy'; readonly item: common.ConfigPolicy }
);

/** A configuration tree laid flat: `[Group]  /Channel/Application` and the like to its element. */
export type ConfigMap = ReadonlyMap<string, ConfigElement>;

const PREFIX = { group: '[Group]  ', value: '[Value]  ', policy: '[Policy] ' } as const;

/** The name of an element in a {@link ConfigMap} and in Fabric's messages, like `[Value]  /Channel/Orderer/BatchSize`. */
const elementName = (kind: ConfigElement['kind'], path: readonly string[], key: string): string =>
  `${PREFIX[kind]}/${[...path, key].join('/')}`;

/**
 * Lays a tree flat. No tree gives an empty map.
 * @throws {SelvageError} `CONFIG_INVALID` for a name that is not allowed
 * @see mapConfig in hyperledger/fabric v2.5, common/configtx/configmap.go
 */
export function flatten(root: common.ConfigGroup | undefined): ConfigMap {
  const map = new Map<string, ConfigElement>();
  if (root !== undefined) addGroup(map, [], ROOT_GROUP, root);
  return map;
}

function addGroup(map: Map<string, ConfigElement>, path: readonly string[], key: string, group: common.ConfigGroup): void {
  add(map, { kind: 'group', path, key, item: group });
  const inside = [...path, key];
  for (const [name, item] of sorted(group.groups)) addGroup(map, inside, name, item);
  for (const [name, item] of sorted(group.values)) add(map, { kind: 'value', path: inside, key: name, item });
  for (const [name, item] of sorted(group.policies)) add(map, { kind: 'policy', path: inside, key: name, item });
}

function add(map: Map<string, ConfigElement>, element: ConfigElement): void {
  try {
    checkConfigId(element.key);
  } catch (cause) {
    throw new SelvageError('CONFIG_INVALID', `Illegal characters in key: ${PREFIX[element.kind]}`, { cause });
  }
  map.set(elementName(element.kind, element.path, element.key), element);
}

/** Maps have no order on the wire; in name order the same fault always gives the same message. */
const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => compareUtf8(a, b));

/** Channels of 1.0 could be made with elements nobody may modify; with orderer capabilities they get this policy (FAB-5309). */
const DEFAULT_MOD_POLICY = 'Admins';

/**
 * Builds the tree again, top down: each group's membership lists say what it has, the map says what those are.
 * @throws {SelvageError} `CONFIG_INVALID` when a member is missing from the map
 * @see configMapToConfig in hyperledger/fabric v2.5, common/configtx/configmap.go
 */
export function rebuild(map: ConfigMap): common.ConfigGroup {
  const fillModPolicy = map.has(elementName('value', [ROOT_GROUP, 'Orderer'], 'Capabilities'));
  return rebuildGroup(map, [], ROOT_GROUP, (modPolicy) => (fillModPolicy && modPolicy === '' ? DEFAULT_MOD_POLICY : modPolicy));
}

function rebuildGroup(map: ConfigMap, path: readonly string[], key: string, modPolicyOf: (own: string) => string): common.ConfigGroup {
  const found = map.get(elementName('group', path, key));
  if (found?.kind !== 'group') throw missing('group', path, key);
  const inside = [...path, key];
  const { version, modPolicy, groups, values, policies } = found.item;
  return {
    version,
    modPolicy: modPolicyOf(modPolicy),
    groups: mapMembers(groups, (name) => rebuildGroup(map, inside, name, modPolicyOf)),
    values: mapMembers(values, (name) => {
      const value = map.get(elementName('value', inside, name));
      if (value?.kind !== 'value') throw missing('value', inside, name);
      return { ...value.item, modPolicy: modPolicyOf(value.item.modPolicy) };
    }),
    policies: mapMembers(policies, (name) => {
      const policy = map.get(elementName('policy', inside, name));
      if (policy?.kind !== 'policy') throw missing('policy', inside, name);
      return { ...policy.item, modPolicy: modPolicyOf(policy.item.modPolicy) };
    }),
  };
}

const mapMembers = <T>(members: ReadonlyMap<string, T>, memberOf: (name: string) => T): ReadonlyMap<string, T> =>
  new Map(sorted(members).map(([name]) => [name, memberOf(name)]));

const missing = (kind: ConfigElement['kind'], path: readonly string[], key: string): SelvageError =>
  new SelvageError('CONFIG_INVALID', `Missing ${kind} at path: ${elementName(kind, path, key)}`);

/** Whether two trees say the same. Their bytes prove nothing: maps have no order on the wire. */
export function equalGroups(a: common.ConfigGroup, b: common.ConfigGroup): boolean {
  return (
    a.version === b.version &&
    a.modPolicy === b.modPolicy &&
    equalMaps(a.groups, b.groups, equalGroups) &&
    equalMaps(a.values, b.values, equalValues) &&
    equalMaps(a.policies, b.policies, equalPolicies)
  );
}

const equalValues = (a: common.ConfigValue, b: common.ConfigValue): boolean =>
  a.version === b.version && a.modPolicy === b.modPolicy && equalBytes(a.value, b.value);

const equalPolicies = (a: common.ConfigPolicy, b: common.ConfigPolicy): boolean =>
  a.version === b.version && a.modPolicy === b.modPolicy && samePolicy(a.policy, b.policy);

/** Whether two policies are the same, type and bytes; two absent ones are. */
export function samePolicy(a: common.Policy | undefined, b: common.Policy | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.type === b.type && equalBytes(a.value, b.value);
}

function equalMaps<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, equal: (a: T, b: T) => boolean): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}
