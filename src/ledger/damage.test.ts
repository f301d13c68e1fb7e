import { cp, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex, textOf, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { common } from '../protos/messages.ts';
import { flagsOf } from './block-metadata.ts';
import { configTransaction, endorsed } from './commit/test-block.contract.ts';
import { LmdbStore } from './kv/lmdb-store.ts';
import type { Ledger } from './ledger.ts';
import { FolderLedgerProvider } from './ledger-provider.ts';
import { FOR_EVER } from './pvtdata/expiry.ts';
import { privateNamespace } from './simulator/private-namespaces.ts';
import { verifyLedger } from './verify/verify-ledger.ts';

const SEGMENT = 1_500;
const BLOCKS = 20;

let golden: string;
let answers: ReadonlyMap<string, string>;
const made: string[] = [];

const channelIn = (root: string): string => join(root, 'channels', 'channel');
const blockFile = (root: string, number: number): string => join(channelIn(root), 'blocks', `blockfile_${String(number).padStart(6, '0')}`);
const stateFile = (root: string): string => join(channelIn(root), 'state', 'data.mdb');
const privateFile = (root: string): string => join(channelIn(root), 'private', 'data.mdb');

async function folder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'selvage-damage-'));
  made.push(root);
  return root;
}

/** A ledger with blocks in several files, state, history and private data. */
beforeAll(async () => {
  golden = await folder();
  await using provider = await FolderLedgerProvider.open({ root: golden, segmentBytes: SEGMENT });
  const data = [configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }))];
  const header = { number: 0n, previousHash: new Uint8Array(0), dataHash: blockDataHash({ data }) };
  const ledger = await provider.create('channel', { header, data: { data }, metadata: { metadata: [] } });
  for (let number = 1; number < BLOCKS; number += 1) await commitBlock(ledger, number);
  answers = await everything(ledger);
});
afterAll(() => Promise.all(made.map((root) => rm(root, { recursive: true, force: true }))));

async function commitBlock(ledger: Ledger, number: number): Promise<void> {
  const simulator = await ledger.simulate(`tx${number}`);
  await simulator.putState('cc', `key ${number % 7}`, utf8(`the value of block ${number} is this`));
  await simulator.putPrivateData('cc', 'secrets', `key ${number % 3}`, utf8(`the secret of block ${number} is this`));
  const { publicRwset, privateRwset = utf8('') } = await simulator.result();
  await simulator[Symbol.asyncDispose]();
  const data = [endorsed(`tx${number}`, publicRwset)];
  const { height, currentBlockHash: previousHash } = ledger.blocks.info();
  const block = { header: { number: height, previousHash, dataHash: blockDataHash({ data }) }, data: { data }, metadata: { metadata: [] } };
  await ledger.commit({ block, flags: new Uint8Array(1), reasons: [], privateData: new Map([[0, [privateRwset]]]) });
}

/** Whatever can be asked, and what is answered: a value, or the code of an error. */
async function everything(ledger: Ledger): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const ask = async (question: string, answer: () => Promise<string>): Promise<void> => {
    found.set(question, await answer().catch((thrown: unknown) => SelvageError.from(thrown).code));
  };
  for (let number = 0n; number < BLOCKS; number += 1n) {
    await ask(`block ${number}`, async () => {
      const block = await ledger.blocks.block(number);
      return block === undefined ? 'none' : `${hex(common.Block.encode(block))} ${flagsOf(block)}`;
    });
    await ask(`transaction ${number}`, async () => {
      const transaction = await ledger.blocks.transaction(`tx${number}`);
      return transaction === undefined ? 'none' : `${hex(transaction.envelope)} ${transaction.validationCode} ${transaction.blockNumber}`;
    });
  }
  for (const [namespace, keys] of [['cc', 7], [privateNamespace('cc', 'secrets'), 3]] as const) // biome-ignore format: one line
    for (let key = 0; key < keys; key += 1)
      await ask(`state ${namespace} ${key}`, async () => {
        using snapshot = ledger.snapshot();
        const value = await snapshot.get(namespace, `key ${key}`);
        return value === undefined ? 'none' : textOf(value.value);
      });
  for (let key = 0; key < 7; key += 1)
    await ask(`history ${key}`, async () => {
      await using entries = ledger.history('cc', `key ${key}`);
      const values: string[] = [];
      for (let each = await entries.next(); each !== undefined; each = await entries.next())
        values.push(`${each.txId} ${textOf(each.value)}`);
      return values.join(', ');
    });
  return found;
}

/** Changes bytes of a file wherever they are. */
async function replaced(file: string, before: string | Uint8Array, after: string | Uint8Array): Promise<void> {
  const bytes = await readFile(file);
  const [from, to] = [Buffer.from(before as string), Buffer.from(after as string)];
  expect(bytes.includes(from)).toBe(true);
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at);
  await writeFile(file, bytes);
}

/** Turns one bit of a file. */
async function flipped(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  await writeFile(file, bytes);
}

const DAMAGES: readonly (readonly [string, (root: string) => Promise<void>])[] = [
  ['a transaction in a block', (root) => replaced(blockFile(root, 1), 'the value of', 'the valve of')],
  ['the header of a block', (root) => flipped(blockFile(root, 1), 6)],
  ['the flags and metadata of a block', async (root) => flipped(blockFile(root, 1), (await readFile(blockFile(root, 1))).length - 2)],
  ['the length of a block', (root) => flipped(blockFile(root, 1), 0)],
  ['a block file that is cut off', async (root) => truncate(blockFile(root, 1), 1_000)],
  ['the newest block file, cut off', async (root) => truncate(await lastFile(root), 10)],
  ['a block file that is missing', (root) => rm(blockFile(root, 1))],
  ['two block files that changed places', (root) => swapped(blockFile(root, 1), blockFile(root, 2))],
  ['a sector of zeros in a block file', (root) => zeroed(blockFile(root, 1), 512, 512)],
  ['a value in the state', (root) => replaced(stateFile(root), 'the value of', 'the valve of')],
  ['a place in the index', async (root) => replaced(stateFile(root), await placeOf(root), Buffer.from([9, 9, 9]))],
  ['a state that is cut off', async (root) => truncate(stateFile(root), 8_192)],
  ['a state that is something else', (root) => writeFile(stateFile(root), 'what is this'.repeat(5_000))],
  ['a private value in the state', (root) => replaced(stateFile(root), 'the secret of', 'the sacred of')],
];

async function swapped(a: string, b: string): Promise<void> {
  await rename(a, `${a}.aside`);
  await rename(b, a);
  await rename(`${a}.aside`, b);
}

async function zeroed(file: string, from: number, length: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.fill(0, from, from + length);
  await writeFile(file, bytes);
}

async function lastFile(root: string): Promise<string> {
  for (let number = 0; ; number += 1)
    if ((await readFile(blockFile(root, number + 1)).catch(() => undefined)) === undefined) return blockFile(root, number);
}

/** The first bytes of the index entry of a transaction: block number, index, code, file. */
async function placeOf(root: string): Promise<Uint8Array> {
  const bytes = await readFile(stateFile(root));
  const at = bytes.indexOf('bttx5') + 'bttx5'.length;
  return bytes.subarray(at + 4, at + 20);
}

const verifying = { release: '2.x', lifetimes: FOR_EVER, state: true, checkBlock: async () => undefined } as const;

describe('a ledger with damage', () => {
  it.each(DAMAGES)('in %s answers nothing wrong, and says so', async (_, damage) => {
    const root = await folder();
    await cp(join(golden, 'channels'), join(root, 'channels'), { recursive: true });
    await damage(root);
    const { findings } = await verifyLedger({ ...verifying, folder: channelIn(root) });
    expect(findings).not.toEqual([]);
    const warnings: string[] = [];
    const log: Logger = { ...silent, warn: (text) => void warnings.push(text), child: () => log };
    await using provider = await FolderLedgerProvider.open({ root, segmentBytes: SEGMENT, log });
    const ledger = await provider.open('channel').catch((thrown: unknown) => SelvageError.from(thrown));
    if (ledger instanceof SelvageError) return expect(ledger.code).toBe('LEDGER_CORRUPT');
    const found = await everything(ledger);
    for (const [question, answer] of found) expect([answers.get(question), 'LEDGER_CORRUPT'], question).toContain(answer);
    expect([...found.values()].includes('LEDGER_CORRUPT') || warnings.length > 0).toBe(true);
  });

  it('that has none is sound', async () => {
    const root = await folder();
    await cp(join(golden, 'channels'), join(root, 'channels'), { recursive: true });
    for (const state of [true, false])
      expect(await verifyLedger({ ...verifying, folder: channelIn(root), state })).toEqual({ height: BigInt(BLOCKS), findings: [] });
    await using provider = await FolderLedgerProvider.open({ root, segmentBytes: SEGMENT });
    expect(await everything(await provider.open('channel'))).toEqual(answers);
  });

  it('in a private write set is found, and no state is made of it', async () => {
    const root = await folder();
    await cp(join(golden, 'channels'), join(root, 'channels'), { recursive: true });
    await replaced(privateFile(root), 'the secret of', 'the sacred of');
    const { findings } = await verifyLedger({ ...verifying, folder: channelIn(root) });
    expect(findings).toEqual([expect.stringContaining('does not match its checksum')]);
    await rm(join(channelIn(root), 'state'), { recursive: true });
    await using provider = await FolderLedgerProvider.open({ root, segmentBytes: SEGMENT });
    await expect(provider.open('channel')).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('that only a comparison shows: entries that are gone, written by others, or too many', async () => {
    const root = await folder();
    await cp(join(golden, 'channels'), join(root, 'channels'), { recursive: true });
    {
      await using kv = new LmdbStore({ path: join(channelIn(root), 'state'), durability: 'overlapping' });
      const [gone, other] = ['svcc\0key 3', 'svcc$$hsecrets\0'].map(utf8);
      using snapshot = kv.snapshot();
      using hashes = snapshot.range({ gte: other });
      const hash = await hashes.next();
      await kv.commit([
        { key: gone ?? utf8(''), value: undefined },
        { key: hash?.key ?? utf8(''), value: utf8('of somebody else') },
        { key: utf8('svcc\0never written'), value: utf8('by a block') },
      ]);
    }
    expect((await verifyLedger({ ...verifying, folder: channelIn(root), state: false })).findings).toEqual([]);
    expect((await verifyLedger({ ...verifying, folder: channelIn(root) })).findings).toEqual([
      'in the state, "key 3" of cc is missing',
      'in the state, "never written" of cc is unknown to the blocks',
      'in the hashes of private data, a key in cc/secrets is altered',
    ]);
  });
});
