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
  /** Collections that ask for copies at more other peers than have them here. */
  readonly lowered: readonly LoweredCount[];
}

/** A `requiredPeerCount` that cannot be met here, and what it counts as. */
export interface LoweredCount {
  readonly name: string;
  readonly asked: number;
  readonly possible: number;
}

/** Names that such a file has in samples and tutorials. */
const NAMES = ['collections_config.json', 'collections-config.json', 'collection_config.json', 'collections.json'];

/** The collections file that lies beside the sources, if there is one. */
export const collectionsFileIn = (folder: string): string | undefined =>
  NAMES.map((name) => join(folder, name)).find((file) => existsSync(file));

/**
 * Reads a collections file. In a development network each member has one peer, and those give each other private data: a collection
 * that asks for copies at more peers than that gets as many as there are.
 * @throws {SelvageError} `SETTING_INVALID` naming the file
 */
export function collectionsIn(path: string, cwd: string): Collections {
  const file = resolve(cwd, path);
  const { config = [] } = readCollections(file);
  const collections = config.flatMap(({ staticCollectionConfig }) => staticCollectionConfig ?? []);
  return {
    file,
    names: collections.map(({ name = '' }) => name),
    config: { config: collections.map((each) => ({ staticCollectionConfig: { ...each, requiredPeerCount: requiredOf(each) } })) },
    members: [...new Set(collections.flatMap(membersOf))].sort(),
    lowered: collections.flatMap((each) => {
      const { name = '', requiredPeerCount: asked = 0 } = each;
      const possible = requiredOf(each);
      return possible < asked ? [{ name, asked, possible }] : [];
    }),
  };
}

/** As many as asked for, or as there are peers of other members. */
const requiredOf = (collection: protos.StaticCollectionConfigInit): number =>
  Math.min(collection.requiredPeerCount ?? 0, Math.max(0, new Set(membersOf(collection)).size - 1));

function membersOf(collection: protos.StaticCollectionConfigInit): readonly string[] {
  const { memberOrgsPolicy } = protos.StaticCollectionConfig.decode(protos.StaticCollectionConfig.encode(collection));
  const identities = memberOrgsPolicy?.signaturePolicy?.identities ?? [];
  return identities.map(({ principal }) => common.MSPRole.decode(principal).mspIdentifier);
}
