import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { silent } from '../../common/log.ts';
import type { KvStore } from '../kv/kv-store.ts';
import { LmdbStore } from '../kv/lmdb-store.ts';
import { MemoryStore } from '../kv/memory-store.ts';
import { KvStateStore } from './kv-state-store.ts';
import { RichState } from './rich-state.ts';
import { stateContract } from './state.contract.ts';
import type { StateStore } from './state.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

stateContract('in-memory', async () => new KvStateStore(new MemoryStore()));

stateContract('lmdb', async () => lmdbState(() => undefined));

const LIMITS = { total: 1000, internal: 1000 };
const queryFor = (key: string): string => JSON.stringify({ selector: { _id: key } });

stateContract('in-memory with rich queries', async () => {
  const kv = new MemoryStore();
  return Object.assign(new KvStateStore(kv, { rich: new RichState({ kv, log: silent, limits: LIMITS }) }), { queryFor });
});

stateContract('lmdb with rich queries', async () =>
  Object.assign(await lmdbState((kv) => new RichState({ kv, log: silent, limits: LIMITS })), { queryFor }),
);

async function lmdbState(richOf: (kv: KvStore) => RichState | undefined): Promise<StateStore> {
  const path = await mkdtemp(join(tmpdir(), 'selvage-state-'));
  folders.push(path);
  const kv = new LmdbStore({ path, durability: 'overlapping' });
  const state = new KvStateStore(kv, { rich: richOf(kv) });
  return {
    snapshot: () => state.snapshot(),
    commit: (updates, savepoint, beside) => state.commit(updates, savepoint, beside),
    async [Symbol.asyncDispose]() {
      await state[Symbol.asyncDispose]();
      await kv[Symbol.asyncDispose]();
    },
  };
}
