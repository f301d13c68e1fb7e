import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { policyOf } from './policy-flag.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * `CollectionConfigPackage` bytes from the JSON that `--collections-config` names; keys in any case, as Go reads JSON.
 *
 * @throws {SelvageError} `SETTING_INVALID` naming collection and field
 */
export function collectionsOf(json: string): Uint8Array {
  const list = parseList(json);
  return protos.CollectionConfigPackage.encode({
    config: list.map((fields) => ({ staticCollectionConfig: collectionOf(lowerCased(fields)) })),
  });
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

function collectionOf(fields: Fields): protos.StaticCollectionConfigInit {
  const name = fields['name'];
  const policy = fields['policy'];
  if (typeof name !== 'string' || typeof policy !== 'string')
    throw new SelvageError('SETTING_INVALID', 'every collection needs a name and a policy');
  const count = (key: string): number => {
    const value = fields[key] ?? 0;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new SelvageError('SETTING_INVALID', `collection ${name}: ${key} is no whole number`);
  };
  return {
    name,
    memberOrgsPolicy: { signaturePolicy: policyOf(policy) },
    requiredPeerCount: count('requiredpeercount'),
    maximumPeerCount: count('maxpeercount'),
    blockToLive: BigInt(count('blocktolive')),
    memberOnlyRead: fields['memberonlyread'] === true,
    memberOnlyWrite: fields['memberonlywrite'] === true,
  };
}
