import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { hex, utf8 } from '../../common/bytes.ts';
import { blockDataHash, blockHash } from '../../protos/hashes.ts';
import { common } from '../../protos/messages.ts';
import { MemoryStore } from '../kv/memory-store.ts';
import { BlockStore } from './block-store.ts';

const never = new AbortController().signal;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-blocks-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function envelope(txId: string, content = ''): Uint8Array {
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.ENDORSER_TRANSACTION, channelId: 'c', txId });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data: utf8(content) }) });
}

/** Blocks that follow each other, one per list of envelopes; all transactions valid. */
function chain(...contents: readonly (readonly Uint8Array[])[]): common.Block[] {
  let previousHash: Uint8Array = new Uint8Array(0);
  return contents.map((data, number) => {
    const header = { number: BigInt(number), previousHash, dataHash: blockDataHash({ data }) };
    previousHash = blockHash(header);
    return { header, data: { data }, metadata: { metadata: [new Uint8Array(0), new Uint8Array(0), new Uint8Array(data.length)] } };
  });
}

const bytesOf = (block: common.Block | undefined): string => (block === undefined ? 'absent' : hex(common.Block.encode(block)));

const three = (): common.Block[] => chain([envelope('g')], [envelope('a'), envelope('b')], [envelope('c')]);

async function filled(kv: MemoryStore, blocks: readonly common.Block[]): Promise<BlockStore> {
  const store = await BlockStore.open({ directory, kv });
  for (const block of blocks) await store.append(block);
  return store;
}

describe('block store', () => {
  it('finds blocks by number, hash and transaction, and transactions by id', async () => {
    const blocks = three();
    await using store = await filled(new MemoryStore(), blocks);
    for (const [number, block] of blocks.entries()) {
      expect(bytesOf(await store.block(BigInt(number)))).toBe(bytesOf(block));
      expect(bytesOf(await store.blockByHash(block.header === undefined ? utf8('') : blockHash(block.header)))).toBe(bytesOf(block));
    }
    expect(bytesOf(await store.blockByTxId('b'))).toBe(bytesOf(blocks[1]));
    expect(await store.transaction('b')).toMatchObject({ blockNumber: 1n, index: 1, validationCode: 0 });
    expect(hex((await store.transaction('b'))?.envelope ?? utf8(''))).toBe(hex(envelope('b')));
    expect([await store.hasTransaction('c'), await store.hasTransaction('z')]).toEqual([true, false]);
    expect([await store.block(3n), await store.block(-1n), await store.blockByHash(utf8('?')), await store.transaction('z')]).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    expect(store.info()).toMatchObject({ height: 3n });
  });

  it('refuses a block that does not continue the chain, or is not whole', async () => {
    const blocks = three();
    await using store = await filled(new MemoryStore(), blocks.slice(0, 1));
    const [, next, later] = blocks;
    if (next?.header === undefined || later === undefined) throw new Error('three blocks');
    for (const wrong of [
      later,
      { ...next, header: { ...next.header, previousHash: utf8('x') } },
      { ...next, data: { data: [envelope('other')] } },
      { ...next, header: undefined },
    ])
      await expect(store.append(wrong)).rejects.toMatchObject({ code: 'BLOCK_INVALID' });
    await store.append(next);
    expect(store.info().height).toBe(2n);
  });

  it.each([
    ['first', 0n],
    ['last', 2n],
  ] as const)('finds the %s of several transactions with one id', async (duplicates, blockNumber) => {
    await using store = await BlockStore.open({ directory, kv: new MemoryStore(), duplicates });
    for (const block of chain([envelope('d', '1'), envelope('d', '2')], [envelope('e')], [envelope('d', '3'), envelope('d', '4')]))
      await store.append(block);
    expect(await store.transaction('d')).toMatchObject({ blockNumber, index: duplicates === 'first' ? 0 : 1 });
  });

  it('goes on after it is opened again, and makes a lost index from the files', async () => {
    const blocks = three();
    const kv = new MemoryStore();
    await (await filled(kv, blocks.slice(0, 2)))[Symbol.asyncDispose]();
    for (const index of [kv, new MemoryStore()]) {
      await using store = await BlockStore.open({ directory, kv: index });
      expect(store.info().height).toBe(2n);
      expect(await store.transaction('b')).toMatchObject({ blockNumber: 1n, index: 1 });
    }
    await using store = await filled(kv, blocks.slice(2));
    expect(bytesOf(await store.block(2n))).toBe(bytesOf(blocks[2]));
  });

  it('takes away a last block that was cut off at any byte, and keeps all before it', async () => {
    const blocks = three();
    await (await filled(new MemoryStore(), blocks))[Symbol.asyncDispose]();
    const path = join(directory, 'blockfile_000000');
    const whole = await readFile(path);
    const sizes: number[] = [];
    for (let size = whole.length - 1; size > 0; size -= 7) {
      await writeFile(path, whole.subarray(0, size));
      await using store = await BlockStore.open({ directory, kv: new MemoryStore() });
      for (let number = 0n; number < store.info().height; number += 1n)
        expect(bytesOf(await store.block(number))).toBe(bytesOf(blocks[Number(number)]));
      sizes.push(Number(store.info().height));
      for (const block of blocks.slice(Number(store.info().height))) await store.append(block);
      expect(Buffer.compare(await readFile(path), whole)).toBe(0);
    }
    expect(new Set(sizes)).toEqual(new Set([2, 1, 0]));
  });

  it('takes away a last block whose bytes the disk never got', async () => {
    await (await filled(new MemoryStore(), three()))[Symbol.asyncDispose]();
    const path = join(directory, 'blockfile_000000');
    const size = (await readFile(path)).length;
    await truncate(path, size - 20);
    await appendFile(path, new Uint8Array(20));
    await using store = await BlockStore.open({ directory, kv: new MemoryStore() });
    expect(store.info().height).toBe(2n);
  });

  it('refuses files in which a block in the middle is damaged', async () => {
    await (await filled(new MemoryStore(), three()))[Symbol.asyncDispose]();
    const path = join(directory, 'blockfile_000000');
    const damaged = await readFile(path);
    damaged[damaged.indexOf(envelope('a')) + 3] = 0xee;
    await writeFile(path, damaged);
    await expect(BlockStore.open({ directory, kv: new MemoryStore() })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('refuses files that lost blocks the index knows', async () => {
    const kv = new MemoryStore();
    await (await filled(kv, three()))[Symbol.asyncDispose]();
    await truncate(join(directory, 'blockfile_000000'), 60);
    await expect(BlockStore.open({ directory, kv })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('wakes those who wait for a block when it can be read, and those who gave up at once', async () => {
    await using store = await BlockStore.open({ directory, kv: new MemoryStore() });
    const blocks = three();
    const leaving = new AbortController();
    const reason = new Error('caller left');
    const left = expect(store.waitFor(1n, leaving.signal)).rejects.toBe(reason);
    const seen = store.waitFor(1n, never).then(async () => bytesOf(await store.block(1n)));
    leaving.abort(reason);
    await left;
    for (const block of blocks) await store.append(block);
    expect(await seen).toBe(bytesOf(blocks[1]));
    await store.waitFor(0n, never);
    await expect(store.waitFor(9n, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('shows nothing of a block that is written and not published, nor of one that is taken back', async () => {
    const blocks = three();
    const kv = new MemoryStore();
    await using store = await filled(kv, blocks.slice(0, 1));
    const [, next] = blocks;
    if (next === undefined) throw new Error('three blocks');
    const pending = await store.write(next);
    await kv.commit(pending.indexWrites);
    expect([store.info().height, await store.block(1n), await store.hasTransaction('a')]).toEqual([1n, undefined, false]);
    await pending.undo();
    await store.append(next);
    expect(await store.hasTransaction('a')).toBe(true);
  });

  it.skipIf(!fixtures).each(['v1.1', 'v2.4'])('opens the block file of a Fabric %s peer', async (network) => {
    await writeFile(join(directory, 'blockfile_000000'), readFixture(`${network}/ledger/blockfile_000000`));
    await using store = await BlockStore.open({ directory, kv: new MemoryStore() });
    expect(store.info().height).toBeGreaterThan(70n);
    for (let number = 0n; number < store.info().height; number += 1n)
      expect(bytesOf(await store.block(number))).toBe(hex(readFixture(`${network}/blocks/peer/${number}.pb`)));
  });
});
