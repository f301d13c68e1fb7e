import { SelvageError } from '../../common/errors.ts';
import { type MaybePromise, whenKnown } from '../../common/maybe.ts';
import type { StateSnapshot, StateValue } from '../statedb/state.ts';
import { sameVersion, type Version } from '../version.ts';
import { hashedNamespace, keyHash, privateNamespace, stateKeyOfHash } from './private-namespaces.ts';

/** One key of one collection. */
export interface PrivateKey {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
}

/** The committed hash of a private value, with its version and metadata. */
export const readHash = (snapshot: StateSnapshot, { namespace, collection, key }: PrivateKey): MaybePromise<StateValue | undefined> =>
  snapshot.get(hashedNamespace(namespace, collection), stateKeyOfHash(keyHash(key)));

/**
 * The plain private value, which must be of the version its hash has.
 * @throws {SelvageError} `SIMULATION_FAILED` when this peer lacks the value or has an older one
 */
export function readPlain(snapshot: StateSnapshot, key: PrivateKey): MaybePromise<StateValue | undefined> {
  const plain = snapshot.get(privateNamespace(key.namespace, key.collection), key.key);
  const hash = readHash(snapshot, key);
  if (plain instanceof Promise || hash instanceof Promise)
    return Promise.all([plain, hash]).then(([value, known]) => matching(value, known));
  return whenKnown(plain, (value) => matching(value, hash));
}

function matching(value: StateValue | undefined, hash: StateValue | undefined): StateValue | undefined {
  if (sameVersion(value?.version, hash?.version)) return value;
  const versions = `Public hash version = ${heightText(hash?.version)}, Private data version = ${heightText(value?.version)}`;
  throw new SelvageError('SIMULATION_FAILED', `private data matching public hash version is not available. ${versions}`);
}

/** Go's text of a version. */
const heightText = (version: Version | undefined): string =>
  version === undefined ? '<nil>' : `{BlockNum: ${version.blockNum}, TxNum: ${version.txNum}}`;
