import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { developmentSet as fixtures, manifest, readFixture, readFixtureJson } from '../../test/fixtures.ts';
import { hex } from '../common/bytes.ts';
import { common, protos, type queryresult } from '../protos/messages.ts';
import { flagsOf } from './block-metadata.ts';
import { LmdbStore } from './kv/lmdb-store.ts';
import type { Ledger } from './ledger.ts';
import { FolderLedgerProvider } from './ledger-provider.ts';
import type { CollectionLifetimes } from './pvtdata/expiry.ts';
import { decodeStateValue } from './statedb/state-value.ts';

const { VALID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT } = protos.TxValidationCode;

interface DumpLine {
  readonly ns?: string;
  readonly key: string;
  readonly value: string;
  readonly version: readonly [number, number];
  readonly metadata?: string;
  readonly rawKeyHex: string;
  readonly rawValueHex: string;
}

/** As in the recorded `collections.json`. */
const lifetimes: CollectionLifetimes = {
  blockToLive: ({ namespace, collection }) =>
    BigInt(collections.find(({ name }) => namespace === 'asset24' && name === collection)?.blockToLive ?? 0),
};

const collections = (fixtures === undefined ? [] : readFixtureJson('v2.4/config/collections.json')) as readonly {
  readonly name: string;
  readonly blockToLive: number;
}[];

/** One entry of the state, printed so that two can be compared. */
type Printed = Readonly<Record<'namespace' | 'key' | 'value' | 'version' | 'metadata', string>>;

const dump = (network: string): readonly DumpLine[] =>
  readFixture(`${network}/ledger/state-peer0.jsonl`)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as DumpLine);

/** Base64 as recorded, `=` included, to hexadecimal. */
const unbase64 = (text: string): string => Buffer.from(text, 'base64').toString('hex');

const recordedState = (network: string): Printed[] =>
  dump(network).flatMap(({ ns, key, value, version, metadata }) =>
    ns === undefined || ns.includes('$$p')
      ? []
      : [
          {
            namespace: ns,
            key: unbase64(key),
            value: unbase64(value),
            version: version.join(),
            metadata: metadata === undefined ? '' : unbase64(metadata),
          },
        ],
  );

async function ourState(folder: string): Promise<{ readonly state: Printed[]; readonly config: ReadonlyMap<string, Uint8Array> }> {
  await using kv = new LmdbStore({ path: join(folder, 'state'), durability: 'overlapping' });
  using snapshot = kv.snapshot();
  using entries = snapshot.range({ gte: Buffer.from('sv'), lt: Buffer.from('sw') });
  const state: Printed[] = [];
  const config = new Map<string, Uint8Array>();
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    const [, namespace = '', key = ''] = /^sv([^\0]*)\0(.*)$/s.exec(Buffer.from(entry.key).toString('utf8')) ?? [];
    const { value, version, metadata } = decodeStateValue(entry.value);
    if (namespace === '') config.set(key, value);
    else
      state.push({
        namespace,
        key: Buffer.from(key, namespace.includes('$$h') ? 'latin1' : 'utf8').toString('hex'),
        value: hex(value),
        version: `${version.blockNum},${version.txNum}`,
        metadata: metadata === undefined ? '' : hex(metadata),
      });
  }
  return { state, config };
}

const byKey = (a: Printed, b: Printed): number =>
  Buffer.compare(Buffer.from(`${a.namespace}/${a.key}`), Buffer.from(`${b.namespace}/${b.key}`));

async function all<T>(results: AsyncDisposable & { next(): T | undefined | Promise<T | undefined> }): Promise<T[]> {
  await using iterator = results;
  const found: T[] = [];
  for (let result = await iterator.next(); result !== undefined; result = await iterator.next()) found.push(result);
  return found;
}

/** Who wrote each key, oldest first, by the decoded read-write sets and the flags in the blocks. */
async function historiesByHand(ledger: Ledger): Promise<ReadonlyMap<string, KeyHistory>> {
  const histories = new Map<string, KeyHistory>();
  for (const { block, index, txid, sets } of rwsets(ledger.channelId)) {
    const committed = await ledger.blocks.block(BigInt(block));
    if (committed === undefined || flagsOf(committed)[index] !== VALID) continue;
    for (const { namespace, writes } of sets)
      for (const { key, is_delete } of writes) {
        const history = histories.get(`${namespace} ${key}`) ?? { namespace, key, found: [] };
        history.found.push(`${txid} ${is_delete === true}`);
        histories.set(`${namespace} ${key}`, history);
      }
  }
  return histories;
}

interface KeyHistory {
  readonly namespace: string;
  readonly key: string;
  readonly found: string[];
}

interface RwsetLine {
  readonly block: number;
  readonly index: number;
  readonly txid: string;
  readonly sets: readonly {
    readonly namespace: string;
    readonly writes: readonly { readonly key: string; readonly is_delete?: boolean }[];
  }[];
}

const networkOf = (channelId: string): string => (channelId === 'mychannel' ? 'v1.1' : 'v2.4');

function rwsets(channelId: string): RwsetLine[] {
  const lines = readFixture(`${networkOf(channelId)}/rwsets.jsonl`)
    .toString('utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const { block, index, txid, rwset } = JSON.parse(line);
    const sets = (rwset?.ns_rwset ?? []).map((set: { namespace: string; rwset?: { writes?: RwsetLine['sets'][number]['writes'] } }) => ({
      namespace: set.namespace,
      writes: set.rwset?.writes ?? [],
    }));
    return { block, index, txid, sets };
  });
}

describe.skipIf(!fixtures)('the ledger over the recorded networks', () => {
  for (const { network, channelId, release } of [
    { network: 'v1.1', channelId: 'mychannel', release: '1.1' },
    { network: 'v2.4', channelId: 'lifechan', release: '2.x' },
  ] as const) {
    describe(network, () => {
      const blockCount = (fixtures === undefined ? [] : manifest()).filter(({ file }) => file.startsWith(`${network}/blocks/peer/`)).length;
      const recorded = (number: number): common.Block => common.Block.decode(readFixture(`${network}/blocks/peer/${number}.pb`));
      let root: string;
      let provider: FolderLedgerProvider;
      let ledger: Ledger;

      beforeAll(async () => {
        root = await mkdtemp(join(tmpdir(), 'selvage-recorded-'));
        provider = await FolderLedgerProvider.open({ root, release: () => release, lifetimes });
        ledger = await provider.create(channelId, common.Block.decode(readFixture(`${network}/config/channel.block`)));
        for (let number = 1; number < blockCount; number += 1) {
          const block = recorded(number);
          const flags = flagsOf(block).map((code) => (code === MVCC_READ_CONFLICT || code === PHANTOM_READ_CONFLICT ? VALID : code));
          await ledger.commit({ block, flags, reasons: [] });
        }
      });
      afterAll(async () => {
        await provider[Symbol.asyncDispose]();
        await rm(root, { recursive: true, force: true });
      });

      it('commits every block to the recorded bytes, conflicts and commit hashes included', async () => {
        for (let number = 0; number < blockCount; number += 1) {
          const block = await ledger.blocks.block(BigInt(number));
          expect(block && hex(common.Block.encode(block)), `block ${number}`).toBe(hex(readFixture(`${network}/blocks/peer/${number}.pb`)));
        }
      });

      it('tells why a transaction lost a conflict', async () => {
        const lost = manifest().flatMap((each) =>
          each.network === network
            ? (each.validation ?? [])
                .filter(({ code }) => code === MVCC_READ_CONFLICT || code === PHANTOM_READ_CONFLICT)
                .map(() => each.txid)
            : [],
        );
        expect(lost.length).toBeGreaterThan(0);
        for (const txId of lost) expect(txId && ledger.reasonFor(txId)?.details).toBeDefined();
      });

      it('knows the history of every key', async () => {
        const histories = await historiesByHand(ledger);
        expect(histories.size).toBeGreaterThan(100);
        for (const { namespace, key, found } of histories.values()) {
          const told = await all<queryresult.KeyModification>(ledger.history(namespace, key));
          const printed = told.map(({ txId, isDelete }) => `${txId} ${isDelete}`);
          expect(release === '1.1' ? printed : printed.reverse(), `${namespace} ${key}`).toEqual(found);
        }
      });

      it('has exactly the recorded state, when committed and when made again from the block file', async () => {
        await ledger[Symbol.asyncDispose]();
        const other = await mkdtemp(join(tmpdir(), 'selvage-recorded-'));
        try {
          const folder = join(other, 'channels', channelId);
          await mkdir(join(folder, 'blocks'), { recursive: true });
          await copyFile(join(fixtures ?? '', network, 'ledger', 'blockfile_000000'), join(folder, 'blocks', 'blockfile_000000'));
          await using again = await FolderLedgerProvider.open({ root: other, release: () => release, lifetimes });
          await (await again.open(channelId))[Symbol.asyncDispose]();
          for (const each of [join(root, 'channels', channelId), folder]) {
            const { state, config } = await ourState(each);
            expect(state.sort(byKey)).toEqual(recordedState(network).sort(byKey));
            expect([...config].map(([key, value]) => [key, printedConfig(key, value)])).toEqual([recordedConfig(network)]);
          }
        } finally {
          await rm(other, { recursive: true, force: true });
        }
      });
    });
  }
});

/** Fabric writes maps in random order, so the configuration is compared decoded. */
function printedConfig(key: string, value: Uint8Array): unknown {
  const config = key === 'CHANNEL_CONFIG_ENV_BYTES' ? common.ConfigEnvelope.decode(value).config : common.Config.decode(value);
  return plain(config);
}

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Map)
    return Object.fromEntries([...value].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, plain(each)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  return typeof value === 'bigint' ? value.toString() : value;
};

/** The entry among the raw lines: 1.1 has `height ‖ Config`, 2.x `DBValue{1 version, 2 value}`. */
function recordedConfig(network: string): readonly [string, unknown] {
  const raw = dump(network).find(({ rawKeyHex }) => /CHANNEL_CONFIG/.test(Buffer.from(rawKeyHex, 'hex').toString('latin1')));
  const key =
    /(resourcesconfigtx\.CHANNEL_CONFIG_KEY|CHANNEL_CONFIG_ENV_BYTES)$/.exec(
      Buffer.from(raw?.rawKeyHex ?? '', 'hex').toString('latin1'),
    )?.[0] ?? '';
  const value = Buffer.from(raw?.rawValueHex ?? '', 'hex');
  if (network === 'v1.1') return [key, printedConfig(key, value.subarray(3))];
  const { signature: second } = common.Envelope.decode(value); // any message with bytes in field 2 reads it
  return [key, printedConfig(key, second)];
}
