import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../test/fakes/memory-state.ts';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { hex } from '../../common/bytes.ts';
import { common, protos } from '../../protos/messages.ts';
import { commitHash } from './commit-hash.ts';
import { prepareCommit, replayUpdates } from './prepare-commit.ts';
import type { PreparedCommit } from './prepared.ts';

const { MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID } = protos.TxValidationCode;
const FILTER = 2;
const COMMIT_HASH = 4;

function* blocks(network: string): Generator<common.Block> {
  for (let number = 0; fixtures !== undefined && existsSync(join(fixtures, `${network}/blocks/peer/${number}.pb`)); number += 1) {
    yield common.Block.decode(readFixture(`${network}/blocks/peer/${number}.pb`));
  }
}

const recordedFlags = (block: common.Block): Uint8Array => new Uint8Array(block.metadata?.metadata[FILTER] ?? []);

/** What the checks before MVCC left valid. */
const beforeMvcc = (flags: Uint8Array): Uint8Array =>
  flags.map((code) => (code === MVCC_READ_CONFLICT || code === PHANTOM_READ_CONFLICT ? VALID : code));

async function commitAll(network: string, prepare: (block: common.Block, state: MemoryState) => Promise<PreparedCommit>) {
  const state = new MemoryState();
  for (const block of blocks(network)) {
    const prepared = await prepare(block, state);
    await state.commit(prepared.updates, { blockNum: block.header?.number ?? 0n, txNum: BigInt(prepared.flags.length - 1) });
  }
  return state;
}

/** `collOrg1` has a block-to-live of 3 blocks; private data lifetime is not this folder's, so the test takes the expired hash away itself. */
const EXPIRED = 'asset24$$hcollOrg1';

/** State as `namespace key version value metadata` lines, private values and the channel configuration left out. */
function linesOf(state: MemoryState): string[] {
  const all = [...state.contents()].flatMap(([namespace, values]) =>
    [...values].map(([key, { value, version, metadata }]) => {
      const stored = namespace.includes('$$h') ? Buffer.from(key, 'latin1') : Buffer.from(key, 'utf8');
      const fields = [namespace, stored.toString('base64'), `${version.blockNum}:${version.txNum}`, base64(value), base64(metadata)];
      return { namespace, line: fields.join(' ') };
    }),
  );
  return all
    .filter(({ namespace }) => namespace !== '' && namespace !== EXPIRED)
    .map(({ line }) => line)
    .sort();
}

const base64 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('base64');

interface StateLine {
  readonly ns?: string;
  readonly key: string;
  readonly value: string | null;
  readonly version: readonly [number, number];
  readonly metadata?: string | null;
}

function recordedLines(network: string): string[] {
  const text = readFileSync(join(fixtures ?? '', `${network}/ledger/state-peer0.jsonl`), 'utf8');
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StateLine);
  return lines
    .filter(({ ns }) => ns !== undefined && ns !== '' && ns !== EXPIRED && !ns.includes('$$p'))
    .map(({ ns, key, value, version, metadata }) => [ns, key, version.join(':'), value ?? '', metadata ?? ''].join(' '))
    .sort();
}

describe.skipIf(fixtures === undefined).each(['v1.1', 'v2.4'] as const)('the blocks of the recorded %s network', (network) => {
  it('get the recorded conflict codes, with a reason each', async () => {
    const conflicts: number[] = [];
    await commitAll(network, async (block, state) => {
      using snapshot = state.snapshot();
      const recorded = recordedFlags(block);
      const prepared = await prepareCommit({ block, flags: beforeMvcc(recorded), snapshot });
      expect([...prepared.flags], `block ${block.header?.number}`).toEqual([...recorded]);
      const refused = [...recorded.entries()].filter(([, code]) => code === MVCC_READ_CONFLICT || code === PHANTOM_READ_CONFLICT);
      expect(prepared.reasons.map(({ index, code }) => [index, code])).toEqual(refused);
      conflicts.push(...refused.map(([, code]) => code));
      return prepared;
    });
    expect(conflicts.filter((code) => code === MVCC_READ_CONFLICT).length).toBeGreaterThan(2);
    expect(conflicts.filter((code) => code === PHANTOM_READ_CONFLICT).length).toBeGreaterThan(1);
  });

  it('leave the recorded state, whether checked or replayed by their flags', async () => {
    const checked = await commitAll(network, (block, state) => {
      return prepareCommit({ block, flags: beforeMvcc(recordedFlags(block)), snapshot: state.snapshot() });
    });
    const replayed = await commitAll(network, (block, state) => {
      return replayUpdates({ block, flags: recordedFlags(block), snapshot: state.snapshot() });
    });
    expect(linesOf(checked)).toEqual(recordedLines(network));
    expect(linesOf(replayed)).toEqual(recordedLines(network));
  });
});

describe.skipIf(fixtures === undefined)('the commit hash', () => {
  it('is the recorded one for every block of the v2.4 network', async () => {
    let previous: Uint8Array | undefined;
    let compared = 0;
    await commitAll('v2.4', async (block, state) => {
      const flags = recordedFlags(block);
      const prepared = await replayUpdates({ block, flags, snapshot: state.snapshot() });
      if (block.header?.number === 0n) return prepared;
      previous = commitHash({ flags, updateBytes: prepared.updateBytes, previous });
      const recorded = common.Metadata.decode(block.metadata?.metadata[COMMIT_HASH] ?? new Uint8Array()).value;
      expect(hex(previous), `block ${block.header?.number}`).toBe(hex(recorded));
      compared += 1;
      return prepared;
    });
    expect(compared).toBeGreaterThan(50);
  });
});
