import { messageOf } from '../../common/errors.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { common, type protos } from '../../protos/messages.ts';
import { refused } from '../reply.ts';

type StaticCollectionConfig = protos.StaticCollectionConfig;

/** Fabric writes it with a nested repetition; the names are the same. */
const NAME = /^[A-Za-z0-9-][A-Za-z0-9_-]*$/;

/** @throws {SelvageError} `CHAINCODE_FAILED` for an entry of a kind that nobody knows */
export function staticCollections(collections: protos.CollectionConfigPackage | undefined): readonly StaticCollectionConfig[] {
  return (collections?.config ?? []).map(({ staticCollectionConfig: config }) => {
    if (config === undefined) throw refused('collection config contains unexpected payload type: <nil>');
    if (isEmpty(config)) throw refused('collection configuration is empty');
    return config;
  });
}

const isEmpty = ({ name, memberOrgsPolicy, requiredPeerCount, maximumPeerCount }: StaticCollectionConfig): boolean =>
  name === '' && memberOrgsPolicy === undefined && requiredPeerCount === 0 && maximumPeerCount === 0;

/** @throws {SelvageError} `CHAINCODE_FAILED` */
export function checkCollections(collections: readonly StaticCollectionConfig[], bundle: ChannelBundle): void {
  const names = new Set<string>();
  for (const collection of collections) {
    const { name, requiredPeerCount: required, maximumPeerCount: maximum } = collection;
    if (!NAME.test(name)) {
      const rule = "Names can only consist of alphanumerics, '_', and '-' and cannot begin with '_'";
      throw refused(`invalid collection name '${name}'. ${rule}`);
    }
    if (names.has(name)) throw refused(`collection-name: ${name} -- found duplicate in collection configuration`);
    names.add(name);
    if (maximum < required) {
      const text = `maximum peer count (${maximum}) cannot be less than the required peer count (${required})`;
      throw refused(`collection-name: ${name} -- ${text}`);
    }
    if (required < 0) throw refused(`collection-name: ${name} -- requiredPeerCount (${required}) cannot be less than zero`);
    checkMembers(collection, bundle);
  }
}

/**
 * Collections that are in force stay, with the lifetime they have. Any number may be new.
 * @throws {SelvageError} `CHAINCODE_FAILED`
 */
export function checkSuccession(proposed: readonly StaticCollectionConfig[], committed: readonly protos.CollectionConfigInit[]): void {
  if (committed.length === 0) return;
  if (proposed.length === 0) throw refused('the proposed collection config does not contain previously defined collections');
  for (const { staticCollectionConfig: current } of committed) {
    if (current === undefined) throw refused('unknown collection configuration type');
    const { name = '', blockToLive = 0n } = current;
    const next = proposed.find((collection) => collection.name === name);
    if (next === undefined) throw refused(`existing collection [${name}] missing in the proposed collection configuration`);
    if (next.blockToLive !== blockToLive)
      throw refused(`the BlockToLive in an existing collection [${name}] modified. Existing value [${blockToLive}]`);
  }
}

/** Who its members are: any of these, all of the channel. */
function checkMembers({ name, memberOrgsPolicy }: StaticCollectionConfig, bundle: ChannelBundle): void {
  if (memberOrgsPolicy === undefined) throw refused(`collection member policy is not set for collection '${name}'`);
  const { signaturePolicy: policy } = memberOrgsPolicy;
  if (policy === undefined) throw refused(`collection member org policy is empty for collection '${name}'`);
  try {
    bundle.signaturePolicy(common.SignaturePolicyEnvelope.encode(policy));
  } catch (thrown) {
    throw refused(`invalid member org policy for collection '${name}': ${messageOf(thrown)}`, thrown);
  }
  const n = otherThanOr(policy.rule);
  if (n !== undefined)
    throw refused(`collection-name: ${name} -- error in member org policy: signature policy is not an OR concatenation, NOutOf ${n}`);
  for (const principal of policy.identities) checkMember(name, principal, bundle);
}

/** The number of signatures that a part of the rule wants, where it is not one. */
function otherThanOr(rule: common.SignaturePolicy | undefined): number | undefined {
  if (rule?.nOutOf === undefined) return undefined;
  if (rule.nOutOf.n !== 1) return rule.nOutOf.n;
  for (const each of rule.nOutOf.rules) {
    const n = otherThanOr(each);
    if (n !== undefined) return n;
  }
  return undefined;
}

const { ROLE, ORGANIZATION_UNIT, IDENTITY } = common.MSPPrincipal_Classification;

function checkMember(name: string, { principalClassification: kind, principal }: common.MSPPrincipal, { msps }: ChannelBundle): void {
  if (kind === IDENTITY) {
    try {
      msps.deserialize(principal);
    } catch (thrown) {
      throw refused(`collection-name: ${name} -- contains an identity that is not part of the channel`, thrown);
    }
    return;
  }
  const mspId = organizationOf(name, kind, principal);
  if (!msps.mspIds.includes(mspId)) throw refused(`collection-name: ${name} -- collection member '${mspId}' is not part of the channel`);
}

function organizationOf(name: string, kind: number, principal: Uint8Array): string {
  const decoded = (type: string, codec: { decode(bytes: Uint8Array): { readonly mspIdentifier: string } }): string => {
    try {
      return codec.decode(principal).mspIdentifier;
    } catch (thrown) {
      throw refused(`collection-name: ${name} -- cannot unmarshal identity bytes into ${type}: ${messageOf(thrown)}`, thrown);
    }
  };
  if (kind === ROLE) return decoded('MSPRole', common.MSPRole);
  if (kind === ORGANIZATION_UNIT) return decoded('OrganizationUnit', common.OrganizationUnit);
  const [kindName = kind] = Object.entries(common.MSPPrincipal_Classification).find(([, value]) => value === kind) ?? [];
  throw refused(`collection-name: ${name} -- principal type ${kindName} is not supported`);
}
