import { equalBytes } from '../../common/bytes.ts';
import { common } from '../../protos/messages.ts';
import type { LsccOperation } from './lscc-operation.ts';
import type { PluginRequest } from './validation-plugin.ts';

const COLLECTION_NAME = /^[A-Za-z0-9_-]+$/;

/**
 * What is wrong with the writes of a deploy or upgrade to `lscc`, collections included.
 * @throws {SelvageError} `MALFORMED` for collection configurations that do not parse
 */
export async function collectionsFault(operation: LsccOperation, request: PluginRequest): Promise<string | undefined> {
  const { fn, writes, written } = operation;
  const { capabilities } = request.rules;
  const allowed = fn === 'deploy' ? capabilities.privateChannelData : capabilities.v12Validation;
  if (!allowed) return writes.length === 1 ? undefined : `LSCC can only issue a single putState upon ${fn}`;
  if (writes.length > 2) return 'LSCC can only issue one or two putState upon deploy';
  const [, second] = writes;
  const key = `${written.name}~collection`;
  const ofChaincode = `the collection of chaincode ${written.name}:${written.version}`;
  if (second !== undefined && second.key !== key) {
    return `invalid key for ${ofChaincode}; expected '${key}', received '${second.key}'`;
  }
  const argument = operation.args[5] ?? new Uint8Array();
  if (!equalBytes(argument, second?.value ?? new Uint8Array())) {
    return `collection configuration arguments supplied for ${ofChaincode} do not match the configuration in the lscc writeset`;
  }
  return configurationFault(operation, { argument, key }, request);
}

async function configurationFault(
  { fn, args, written }: LsccOperation,
  { argument, key }: { readonly argument: Uint8Array; readonly key: string },
  { state, rules }: PluginRequest,
): Promise<string | undefined> {
  const committed = await state.get('lscc', key);
  if (fn === 'deploy' && committed !== undefined) {
    return `collection data should not exist for chaincode ${written.name}:${written.version}`;
  }
  if (args.length < 6) return undefined;
  const fresh = common.CollectionConfigPackage.decode(argument, rules).config;
  if (!rules.capabilities.v12Validation) return undefined;
  const fault = newCollectionsFault(fresh);
  if (fault !== undefined || fn === 'deploy' || committed === undefined) return fault;
  return changedCollectionsFault(fresh, common.CollectionConfigPackage.decode(committed.value).config);
}

function newCollectionsFault(configs: readonly common.CollectionConfig[]): string | undefined {
  const names = new Set<string>();
  for (const { staticCollectionConfig: config } of configs) {
    if (config === undefined) return 'unknown collection configuration type';
    if (!COLLECTION_NAME.test(config.name)) return `collection-name: ${config.name} not allowed`;
    if (names.has(config.name)) return `collection-name: ${config.name} -- found duplicate collection configuration`;
    names.add(config.name);
    const fault = collectionFault(config);
    if (fault !== undefined) return `collection-name: ${config.name} -- ${fault}`;
  }
  return undefined;
}

function collectionFault({ maximumPeerCount, requiredPeerCount, memberOrgsPolicy }: common.StaticCollectionConfig): string | undefined {
  if (maximumPeerCount < requiredPeerCount) {
    return `maximum peer count (${maximumPeerCount}) cannot be less than the required peer count (${requiredPeerCount})`;
  }
  if (requiredPeerCount < 0) return `requiredPeerCount (${requiredPeerCount}) cannot be less than zero`;
  const rule = memberOrgsPolicy?.signaturePolicy?.rule;
  if (memberOrgsPolicy?.signaturePolicy === undefined) return 'no member org policy';
  return rule === undefined || isAlternatives(rule) ? undefined : 'error in member org policy: signature policy is not an OR concatenation';
}

const isAlternatives = ({ nOutOf }: common.SignaturePolicy): boolean =>
  nOutOf === undefined || (nOutOf.n === 1 && nOutOf.rules.every(isAlternatives));

/** An upgrade may add collections; it may neither drop one nor change how long one keeps its data. */
function changedCollectionsFault(fresh: readonly common.CollectionConfig[], old: readonly common.CollectionConfig[]): string | undefined {
  const byName = new Map(fresh.map(({ staticCollectionConfig: config }) => [config?.name, config]));
  for (const { staticCollectionConfig: before } of old) {
    if (before === undefined) return 'unknown collection configuration type';
    const after = byName.get(before.name);
    if (after === undefined) {
      return `the following existing collections are missing in the new collection configuration package: [${before.name}]`;
    }
    if (after.blockToLive !== before.blockToLive) {
      return `the BlockToLive in the following existing collections must not be modified: [${before.name}]`;
    }
  }
  return undefined;
}
