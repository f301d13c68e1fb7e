import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { lifecycleChannel } from '../../test/fakes/lifecycle-channel.ts';
import { lifecycleDefinition } from '../../test/fakes/lifecycle-definition.ts';
import { deferred } from '../common/deferred.ts';
import { type Logger, silent } from '../common/log.ts';
import type { IndexFile, StateIndexes } from '../ledger/statedb/state.ts';
import type { Definitions } from './definitions.ts';
import { IndexDeployer } from './index-deployer.ts';
import { IndexedDefinitions } from './indexed-definitions.ts';
import type { KnownChaincode } from './lifecycle-cache.ts';

const FOLDER = 'META-INF/statedb/couchdb';

async function codeWith(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return new Uint8Array(gzipSync(await buffer(archive)));
}

/** Remembers what each namespace was given, as a state would. */
class FakeIndexes implements StateIndexes {
  readonly files = new Map<string, readonly string[]>();
  readonly deployed: string[] = [];
  refuses: string | undefined;

  async deploy(namespace: string, files: readonly IndexFile[]) {
    this.deployed.push(namespace);
    if (files.length === 0) this.files.delete(namespace);
    else
      this.files.set(
        namespace,
        files.map(({ content }) => content),
      );
    return files.flatMap(({ path, content }) => (content === this.refuses ? [{ path, reason: 'no index' }] : []));
  }

  async namespaces() {
    return [...this.files.keys()];
  }

  async built() {}
}

const definition = (...collections: readonly string[]): KnownChaincode['definition'] =>
  lifecycleDefinition({ collections: { config: collections.map((name) => ({ staticCollectionConfig: { name } })) } });

function world() {
  const { channel, channels, ledger } = lifecycleChannel();
  const indexes = new FakeIndexes();
  Object.defineProperty(ledger, 'indexes', { value: indexes });
  const known: (KnownChaincode & { readonly name: string })[] = [];
  const packages = new Map<string, Uint8Array>();
  const errors: string[] = [];
  const log: Logger = { ...silent, error: (message) => void errors.push(message) };
  const deployer = new IndexDeployer({
    channels,
    cache: { defined: async () => known },
    codeOf: async (packageId) => packages.get(packageId) ?? new Uint8Array(0),
    log,
    owned: { [Symbol.asyncDispose]: async () => undefined },
  });
  const define = (name: string, packageId: string | undefined, ...collections: readonly string[]): void => {
    known.length = 0;
    const installed = packageId === undefined ? undefined : { packageId, label: packageId };
    known.push({ name, definition: definition(...collections), approved: true, installed });
  };
  const looked = async (): Promise<void> => {
    deployer.look(channel.id);
    await deployer.settled(channel.id);
  };
  return { channel, indexes, packages, errors, deployer, define, looked };
}

describe('indexes of a chaincode', () => {
  it('are those of its package, of each collection that is defined, in the order of their paths', async () => {
    const { indexes, packages, errors, define, looked } = world();
    packages.set(
      'p1',
      await codeWith({
        [`${FOLDER}/indexes/b.json`]: 'second',
        [`${FOLDER}/indexes/a.json`]: 'first',
        [`${FOLDER}/indexes/below/c.json`]: 'too deep',
        [`${FOLDER}/collections/shared/indexes/a.json`]: 'of the collection',
        [`${FOLDER}/collections/other/indexes/a.json`]: 'of none',
        'src/index.js': 'code',
      }),
    );
    indexes.refuses = 'second';
    define('cc', 'p1', 'shared');
    await looked();
    expect([...indexes.files]).toEqual([
      ['cc$$pshared', ['of the collection']],
      ['cc', ['first', 'second']],
    ]);
    expect(errors).toEqual([
      'Error processing index for chaincode [cc]: cannot create an index for an undefined collection=[other]',
      `error creating index from file [${FOLDER}/indexes/b.json] for chaincode [cc] on channel [ch]: no index`,
    ]);
  });

  it('come when the package does, stay while the next one is not here, and go with what it does not have', async () => {
    const { indexes, packages, define, looked } = world();
    define('cc', undefined);
    await looked();
    expect(indexes.deployed).toEqual([]);
    packages.set('p1', await codeWith({ [`${FOLDER}/indexes/a.json`]: 'first' }));
    define('cc', 'p1');
    await looked();
    define('cc', undefined);
    await looked();
    expect([...indexes.files]).toEqual([['cc', ['first']]]);
    packages.set('p2', await codeWith({ 'src/index.js': 'code' }));
    define('cc', 'p2');
    await looked();
    expect([...indexes.files]).toEqual([]);
  });

  it('of other chaincodes are left alone', async () => {
    const { indexes, packages, define, looked } = world();
    await indexes.deploy('cc2', [{ path: 'a', content: 'x' }]);
    await indexes.deploy('cc2$$pc', [{ path: 'a', content: 'x' }]);
    packages.set('p1', await codeWith({ 'src/index.js': 'code' }));
    define('cc', 'p1');
    await looked();
    expect([...indexes.files.keys()]).toEqual(['cc2', 'cc2$$pc']);
  });
});

describe('a definition', () => {
  it('is looked up again on newer state when its indexes have just come', async () => {
    const gate = deferred<void>();
    const found = { name: 'cc', version: '1', ccid: 'p' } as never;
    const definitions: Definitions = { find: async () => found, checkRunnable: () => undefined };
    let settled: Promise<void> | undefined = gate.promise;
    const indexed = new IndexedDefinitions(definitions, { settled: () => settled });
    const finding = indexed.find({ getState: () => undefined }, 'cc', 'ch');
    gate.resolve();
    await expect(finding).rejects.toMatchObject({ code: 'DEFINITION_CHANGED' });
    settled = undefined;
    expect(await indexed.find({ getState: () => undefined }, 'cc', 'ch')).toBe(found);
  });
});
