import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { LmdbStore } from '../kv/lmdb-store.ts';
import { MemoryStore } from '../kv/memory-store.ts';
import { KvStateStore } from './kv-state-store.ts';
import { stateContract } from './state.contract.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

stateContract('in-memory', async () => new KvStateStore(new MemoryStore()));

stateContract('lmdb', async () => {
  const path = await mkdtemp(join(tmpdir(), 'selvage-state-'));
  folders.push(path);
  const kv = new LmdbStore({ path, durability: 'overlapping' });
  const state = new KvStateStore(kv);
  return {
    snapshot: () => state.snapshot(),
    commit: (updates, savepoint, beside) => state.commit(updates, savepoint, beside),
    [Symbol.asyncDispose]: () => kv[Symbol.asyncDispose](),
  };
});
