import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import { MemoryBlocks } from '../../test/fakes/memory-blocks.ts';
import { MemoryStore } from '../ledger/kv/memory-store.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { ordererBlocksContract } from './orderer-blocks.contract.ts';
import { StoredBlocks } from './stored-blocks.ts';

let root: string;
let count = 0;
const open = (directory: string) => StoredBlocks.open({ directory, kv: new MemoryStore() });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-orderer-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

ordererBlocksContract('memory', async () => new MemoryBlocks());
ordererBlocksContract('stored', () => open(join(root, `${count++}`)));

it('stored blocks are there after opening again', async () => {
  const directory = join(root, 'again');
  const data = { data: [new Uint8Array([10, 1, 1])] };
  const block = {
    header: { number: 0n, previousHash: new Uint8Array(0), dataHash: blockDataHash(data) },
    data,
    metadata: { metadata: [] },
  };
  {
    await using blocks = await open(directory);
    await blocks.append(block);
  }
  await using again = await open(directory);
  assert.equal(again.height(), 1n);
  assert.deepEqual((await again.block(0n))?.header?.dataHash.length, 32);
});
