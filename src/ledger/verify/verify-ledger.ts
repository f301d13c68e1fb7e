/** Looks at everything a ledger keeps, and repairs nothing. Nobody else may have the ledger open. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { Scope } from '../../common/scope.ts';
import type { common } from '../../protos/messages.ts';
import { BlockIndex } from '../blockstore/block-index.ts';
import { BlockStore, type StoredBlock } from '../blockstore/block-store.ts';
import { COMPATIBILITY, type FabricRelease } from '../compatibility.ts';
import type { KvStore } from '../kv/kv-store.ts';
import { LmdbStore } from '../kv/lmdb-store.ts';
import { after } from '../kv/long-keys.ts';
import { blocksIn } from '../layout.ts';
import { type CollectionLifetimes, ExpirySchedule } from '../pvtdata/expiry.ts';
import { PrivateDataStore } from '../pvtdata/private-data-store.ts';
import { replay } from '../replay.ts';
import { indexFindings } from '../statedb/indexes/index-findings.ts';
import { KvStateStore } from '../statedb/kv-state-store.ts';
import { differences } from './compare-stores.ts';

export interface VerifyParts {
  /** The ledger's own. */
  readonly folder: string;
  readonly release: FabricRelease;
  readonly lifetimes: CollectionLifetimes;
  /** Compares state, history and private data with what the blocks give, and not only the index of the blocks. */
  readonly state: boolean;
  /** What is to be said of a block by itself: who signed it. @throws {SelvageError} `BLOCK_INVALID` */
  readonly checkBlock: (block: common.Block, number: bigint) => Promise<void>;
}

export interface Verdict {
  /** Blocks that are whole and follow from each other, from block 0 on. */
  readonly height: bigint;
  /** One sentence each; empty when all is well. */
  readonly findings: readonly string[];
}

/** More findings than this say nothing more. */
const MOST_FINDINGS = 20;

export async function verifyLedger(parts: VerifyParts): Promise<Verdict> {
  const findings: string[] = [];
  const height = { is: 0n };
  const note = (thrown: unknown): void => void findings.push(SelvageError.from(thrown).message);
  try {
    if (!existsSync(join(blocksIn(parts.folder), 'blockfile_000000'))) throw missing('the first block file');
    await using scope = new Scope();
    const scratch = await mkdtemp(join(parts.folder, '.verifying-'));
    scope.defer(() => rm(scratch, { recursive: true, force: true }));
    const made = scope.use(new LmdbStore({ path: join(scratch, 'made'), durability: 'overlapping' }));
    const kept = await openKept(parts, scope).catch(note);
    await readBlocks({ ...parts, made, until: kept?.height, privateKv: kept?.privateKv }, height, findings);
    if (kept === undefined) return { height: height.is, findings };
    if (kept.height > height.is) findings.push(`the index knows ${kept.height} blocks, and the files hold ${height.is} that are whole`);
    else findings.push(...(await compared({ found: kept.kv, made }, parts.state)));
  } catch (thrown) {
    note(thrown);
  }
  return { height: height.is, findings: findings.slice(0, MOST_FINDINGS) };
}

interface Kept {
  readonly kv: KvStore;
  readonly privateKv: KvStore;
  /** How many blocks state and index have taken in; behind the files after a crash. */
  readonly height: bigint;
}

/** What the ledger keeps beside its blocks. @throws {SelvageError} `LEDGER_CORRUPT` */
async function openKept({ folder }: VerifyParts, scope: Scope): Promise<Kept> {
  for (const name of ['state', 'private']) if (!existsSync(join(folder, name))) throw missing(`the folder ${name}`);
  const kv = scope.use(new LmdbStore({ path: join(folder, 'state'), durability: 'overlapping' }));
  const privateKv = scope.use(new LmdbStore({ path: join(folder, 'private'), durability: 'synced' }));
  const checkpoint = await new BlockIndex({ kv, duplicates: 'first' }).checkpoint();
  return { kv, privateKv, height: checkpoint?.height ?? 0n };
}

const missing = (what: string): SelvageError => new SelvageError('LEDGER_CORRUPT', `${what} is missing`);

type ReadParts = VerifyParts & { readonly made: KvStore; readonly until: bigint | undefined; readonly privateKv: KvStore | undefined };

/** Reads every block from the first one on, and applies those that state and index have taken in to a store of their own. */
async function readBlocks(parts: ReadParts, height: { is: bigint }, findings: string[]): Promise<void> {
  const { folder, made, until, checkBlock } = parts;
  const apply = applier(parts);
  const catchUp = async (stored: StoredBlock): Promise<void> => {
    const number = height.is;
    await checkBlock(stored.block, number).catch((thrown: unknown) => findings.push(SelvageError.from(thrown).message));
    if (until === undefined || number < until) await apply(stored);
    height.is += 1n;
  };
  const { duplicates } = COMPATIBILITY[parts.release];
  await using _ = await BlockStore.open({ directory: blocksIn(folder), kv: made, duplicates, catchUp, repair: false });
}

function applier({ made, release, lifetimes, privateKv, state }: ReadParts): (stored: StoredBlock) => Promise<void> {
  if (!state || privateKv === undefined) return ({ indexWrites }) => made.commit(indexWrites);
  return replay({
    kv: made,
    state: new KvStateStore(made),
    privateData: new PrivateDataStore(privateKv),
    expiry: new ExpirySchedule({ kv: made, lifetimes }),
    compatibility: COMPATIBILITY[release],
  });
}

/** Indexes of queries are no part of what blocks give: they are compared with the state instead. */
async function compared({ found, made }: { readonly found: KvStore; readonly made: KvStore }, state: boolean): Promise<string[]> {
  using kept = found.snapshot();
  using wanted = made.snapshot();
  const ofBlocks = { gte: utf8('b'), lt: after(utf8('b')) };
  const ranges = state ? [{ lt: utf8('q') }, { gte: after(utf8('q')) }] : [ofBlocks];
  const findings: string[] = [];
  for (const range of ranges) {
    const differing = await differences({ found: kept, made: wanted }, { range, limit: MOST_FINDINGS });
    findings.push(...differing.map(({ of, entry, is }) => `in ${of}, ${entry} is ${is}`));
  }
  return state ? [...findings, ...(await indexFindings(kept))] : findings;
}
