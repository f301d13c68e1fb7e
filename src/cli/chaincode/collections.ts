import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { policyOf } from './policy-flag.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What counts where the file says nothing: 0 in Fabric 1.x, 1 in 2.x. */
interface CollectionDefaults {
  readonly maxPeerCount: number;
}

/** `CollectionConfigPackage` bytes, with the defaults of Fabric 1.x. @throws {SelvageError} `SETTING_INVALID` naming collection and field */
export const collectionsOf = (json: string): Uint8Array => protos.CollectionConfigPackage.encode(collectionList(json, { maxPeerCount: 0 }));

/**
 * The JSON that `--collections-config` names; keys in any case, as Go reads JSON.
 *
 * @throws {SelvageError} `SETTING_INVALID` naming collection and field
 * @see GetCollectionConfigFromFile in hyperledger/fabric v2.5, internal/peer/chaincode/common.go
 */
export function collectionList(json: string, defaults: CollectionDefaults): protos.CollectionConfigPackageInit {
  return { config: parseList(json).map((fields) => ({ staticCollectionConfig: collectionOf(lowerCased(fields), defaults) })) };
}

function parseList(json: string): readonly Fields[] {
  try {
    const value: unknown = JSON.parse(json);
    if (Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null)) return value;
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', 'the collections file is no JSON', { cause });
  }
  throw new SelvageError('SETTING_INVALID', 'the collections file holds no list of collections');
}

const lowerCased = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).map(([key, value]) => [key.toLowerCase(), value]));

function collectionOf(fields: Fields, { maxPeerCount }: CollectionDefaults): protos.StaticCollectionConfigInit {
  const name = fields['name'];
  const policy = fields['policy'];
  if (typeof name !== 'string' || typeof policy !== 'string')
    throw new SelvageError('SETTING_INVALID', 'every collection needs a name and a policy');
  const count = (key: string, fallback = 0): number => {
    const value = fields[key] ?? fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new SelvageError('SETTING_INVALID', `collection ${name}: ${key} is no whole number`);
  };
  return {
    name,
    memberOrgsPolicy: { signaturePolicy: policyOf(policy) },
    requiredPeerCount: count('requiredpeercount'),
    maximumPeerCount: count('maxpeercount', maxPeerCount),
    blockToLive: BigInt(count('blocktolive')),
    memberOnlyRead: fields['memberonlyread'] === true,
    memberOnlyWrite: fields['memberonlywrite'] === true,
    endorsementPolicy: endorsementPolicyOf(name, fields['endorsementpolicy']),
  };
}

/** Since Fabric 2.0 a collection may have an endorsement policy of its own. */
function endorsementPolicyOf(collection: string, value: unknown): protos.ApplicationPolicyInit | undefined {
  if (value === undefined || value === null) return undefined;
  const { signaturepolicy: signature = '', channelconfigpolicy: reference = '' } =
    typeof value === 'object' ? lowerCased({ ...value }) : {};
  if (typeof signature === 'string' && typeof reference === 'string' && (signature === '') !== (reference === ''))
    return signature === '' ? { channelConfigPolicyReference: reference } : { signaturePolicy: policyOf(signature) };
  throw new SelvageError(
    'SETTING_INVALID',
    `collection ${collection}: endorsementPolicy needs one of signaturePolicy and channelConfigPolicy`,
  );
}
