import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { common, protos } from '../../protos/messages.ts';
import { collectionList } from '../chaincode/collections.ts';
import { readText } from '../connections.ts';

/** Private data collections of a chaincode, and where they are written down. */
export interface Collections {
  readonly file: string;
  readonly names: readonly string[];
  readonly config: protos.CollectionConfigPackageInit;
  /** MSP ids of their members, in the order of their names. */
  readonly members: readonly string[];
  /** Collections that ask for copies at more peers than have them here, with how many. */
  readonly lowered: readonly (readonly [name: string, requiredPeerCount: number])[];
}

/** Names that such a file has in samples and tutorials. */
const NAMES = ['collections_config.json', 'collections-config.json', 'collection_config.json', 'collections.json'];

/** The collections file that lies beside the sources, if there is one. */
export const collectionsFileIn = (folder: string): string | undefined =>
  NAMES.map((name) => join(folder, name)).find((file) => existsSync(file));

/**
 * Reads a collections file. The peers of a development network do not send private data to each other: what a collection asks for in
 * that respect cannot be met and is taken as nothing.
 * @throws {SelvageError} `SETTING_INVALID` naming the file
 */
export function readCollections(path: string, cwd: string): Collections {
  const file = resolve(cwd, path);
  const { config = [] } = inFile(file, () => collectionList(readText(file), { maxPeerCount: 1 }));
  const collections = config.flatMap(({ staticCollectionConfig }) => staticCollectionConfig ?? []);
  return {
    file,
    names: collections.map(({ name = '' }) => name),
    config: { config: collections.map((each) => ({ staticCollectionConfig: { ...each, requiredPeerCount: 0 } })) },
    members: [...new Set(collections.flatMap(membersOf))].sort(),
    lowered: collections.flatMap(({ name = '', requiredPeerCount = 0 }) =>
      requiredPeerCount > 0 ? [[name, requiredPeerCount] as const] : [],
    ),
  };
}

function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const { message, advice, cause } = SelvageError.from(thrown);
    if (message.includes(file)) throw thrown;
    throw new SelvageError('SETTING_INVALID', `${file}: ${message}`, {
      cause,
      advice: advice ?? 'Correct it, name another by --collections-config, or leave it aside with --no-collections-config.',
    });
  }
}

function membersOf(collection: protos.StaticCollectionConfigInit): readonly string[] {
  const { memberOrgsPolicy } = protos.StaticCollectionConfig.decode(protos.StaticCollectionConfig.encode(collection));
  const identities = memberOrgsPolicy?.signaturePolicy?.identities ?? [];
  return identities.map(({ principal }) => common.MSPRole.decode(principal).mspIdentifier);
}
