import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { common, protos } from '../../protos/messages.ts';
import { readCollections } from '../chaincode/collections.ts';

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
export function collectionsIn(path: string, cwd: string): Collections {
  const file = resolve(cwd, path);
  const { config = [] } = readCollections(file);
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

function membersOf(collection: protos.StaticCollectionConfigInit): readonly string[] {
  const { memberOrgsPolicy } = protos.StaticCollectionConfig.decode(protos.StaticCollectionConfig.encode(collection));
  const identities = memberOrgsPolicy?.signaturePolicy?.identities ?? [];
  return identities.map(({ principal }) => common.MSPRole.decode(principal).mspIdentifier);
}
