import { messageOf, SelvageError } from '../../common/errors.ts';
import { type JsonValue, parseGoJson } from '../../common/go-json.ts';
import { GoFields } from '../../common/go-json-fields.ts';
import type { protos } from '../../protos/messages.ts';
import { readText } from '../read-file.ts';
import { applicationPolicyOf, policyOf } from './policy-flag.ts';

/** The file that `--collections-config` names. @throws {SelvageError} `SETTING_INVALID` naming file, collection and key */
export function readCollections(file: string): protos.CollectionConfigPackageInit {
  const json = readText(file);
  try {
    return collectionList(json);
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `invalid collection configuration in file ${file}: ${messageOf(cause)}`, {
      cause,
      ...(cause instanceof SelvageError && cause.advice !== undefined && { advice: cause.advice }),
    });
  }
}

/**
 * The collections of a JSON text, read as strictly as Go reads it.
 *
 * @throws {SelvageError} `MALFORMED` or `SETTING_INVALID` naming collection and key as they are written
 * @see getCollectionConfigFromBytes in hyperledger/fabric v2.5, internal/peer/chaincode/common.go
 */
export function collectionList(json: string): protos.CollectionConfigPackageInit {
  const value = parseGoJson(json);
  if (value.kind === 'null') return { config: [] };
  if (value.kind === 'array') return { config: value.items.map((item, at) => ({ staticCollectionConfig: collectionOf(item, at, json) })) };
  throw new SelvageError(
    'MALFORMED',
    `a list of collections is expected: json: cannot unmarshal ${value.kind} into Go value of type []chaincode.collectionConfigJson`,
  );
}

function collectionOf(item: JsonValue, at: number, text: string): protos.StaticCollectionConfigInit {
  const fields = new GoFields(item, { name: 'collectionConfigJson', text });
  const name = nameOf(fields);
  return inCollection(name ?? `number ${at + 1} of the list`, () => {
    const policy = fields.text('policy') ?? '';
    if (name === undefined || policy === '') throw new SelvageError('SETTING_INVALID', 'every collection needs a name and a policy');
    return {
      name,
      memberOrgsPolicy: { signaturePolicy: policyOf(policy) },
      requiredPeerCount: fields.int32('requiredPeerCount') ?? 0,
      maximumPeerCount: fields.int32('maxPeerCount') ?? 1,
      blockToLive: fields.uint64('blockToLive'),
      memberOnlyRead: fields.bool('memberOnlyRead'),
      memberOnlyWrite: fields.bool('memberOnlyWrite'),
      endorsementPolicy: endorsementPolicyOf(fields.fields('endorsementPolicy', 'endorsementPolicy')),
    };
  });
}

const nameOf = (fields: GoFields): string | undefined => inCollection('without a name', () => fields.text('name')) || undefined;

/** An object without texts in it, as tools write it, stands for no policy of its own. */
const endorsementPolicyOf = (fields: GoFields | undefined): protos.ApplicationPolicyInit | undefined =>
  fields && applicationPolicyOf(fields.text('signaturePolicy') ?? '', fields.text('channelConfigPolicy') ?? '');

function inCollection<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `collection ${name}: ${messageOf(cause)}`, {
      cause,
      ...(cause instanceof SelvageError && cause.advice !== undefined && { advice: cause.advice }),
    });
  }
}
