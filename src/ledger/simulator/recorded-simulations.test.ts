import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../test/fakes/memory-state.ts';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { hex } from '../../common/bytes.ts';
import { common, kvrwset, protos, rwset } from '../../protos/messages.ts';
import { replayUpdates } from '../commit/prepare-commit.ts';
import { openSimulator } from './open-simulator.ts';
import type { TxSimulator } from './tx-simulator.ts';

const FILTER = 2;
const PAGE = 10;

function* blocks(network: string): Generator<common.Block> {
  for (let number = 0; fixtures !== undefined && existsSync(join(fixtures, `${network}/blocks/peer/${number}.pb`)); number += 1) {
    yield common.Block.decode(readFixture(`${network}/blocks/peer/${number}.pb`));
  }
}

/** The `TxReadWriteSet` bytes of a transaction that is valid; undefined for other kinds. */
function resultsOf(envelope: Uint8Array): Uint8Array | undefined {
  const { header, data } = common.Payload.decode(common.Envelope.decode(envelope).payload);
  const { type } = common.ChannelHeader.decode(header?.channelHeader ?? new Uint8Array());
  if (type !== common.HeaderType.ENDORSER_TRANSACTION) return undefined;
  const [action] = protos.Transaction.decode(data).actions;
  const endorsed = protos.ChaincodeActionPayload.decode(action?.payload ?? new Uint8Array()).action;
  const response = protos.ProposalResponsePayload.decode(endorsed?.proposalResponsePayload ?? new Uint8Array());
  return protos.ChaincodeAction.decode(response.extension).results;
}

/** Does again what a read-write set says was done; versions, ends and summaries come from the simulation. */
async function repeat(simulator: TxSimulator, recorded: Uint8Array): Promise<{ ranges: number; pages: number }> {
  const done = { ranges: 0, pages: 0 };
  for (const { namespace, rwset: set } of rwset.TxReadWriteSet.decode(recorded).nsRwset) {
    const { reads, writes, metadataWrites, rangeQueriesInfo } = kvrwset.KVRWSet.decode(set);
    for (const { startKey, endKey, itrExhausted, rawReads } of rangeQueriesInfo) {
      const isPage = !itrExhausted && rawReads?.kvReads.length === PAGE && writes.length === 0;
      await pull(simulator, {
        namespace,
        start: startKey,
        end: itrExhausted ? endKey : '',
        until: itrExhausted ? undefined : endKey,
        isPage,
      });
      done.ranges += 1;
      done.pages += isPage ? 1 : 0;
    }
    for (const { key } of reads) await simulator.getState(namespace, key);
    for (const { key, value } of writes) simulator.putState(namespace, key, value);
    for (const { key, entries } of metadataWrites) {
      simulator.setStateMetadata(namespace, key, new Map(entries.map((entry) => [entry.name, entry.value])));
    }
  }
  return done;
}

interface Pull {
  readonly namespace: string;
  readonly start: string;
  readonly end: string;
  /** The last key to pull; the end of the range when undefined. */
  readonly until: string | undefined;
  readonly isPage: boolean;
}

async function pull(simulator: TxSimulator, { namespace, start, end, until, isPage }: Pull): Promise<void> {
  const results = isPage ? simulator.getStateRange(namespace, start, end, { size: PAGE }) : simulator.getStateRange(namespace, start, end);
  for (;;) {
    const found = await results.next();
    if (found === undefined || (!isPage && found.key === until)) break;
  }
  if (isPage) expect(await results.bookmark()).not.toBe('');
}

describe.skipIf(fixtures === undefined)('a recorded simulation, repeated on the state before its block', () => {
  it.each([
    { network: 'v1.1', simulations: 71, ranges: 10, pages: 0 },
    { network: 'v2.4', simulations: 42, ranges: 6, pages: 1 },
  ])('gives the recorded bytes ($network)', async ({ network, ...expected }) => {
    const state = new MemoryState();
    const counted = { simulations: 0, ranges: 0, pages: 0 };
    for (const block of blocks(network)) {
      const flags = new Uint8Array(block.metadata?.metadata[FILTER] ?? []);
      for (const [index, envelope] of (block.data?.data ?? []).entries()) {
        const recorded = flags[index] === protos.TxValidationCode.VALID ? resultsOf(envelope) : undefined;
        if (recorded === undefined) continue;
        if (rwset.TxReadWriteSet.decode(recorded).nsRwset.some((set) => set.collectionHashedRwset.length > 0)) continue;
        await using simulator = openSimulator({ channelId: network, txId: '', snapshot: state.snapshot(), history: undefined });
        const { ranges, pages } = await repeat(simulator, recorded);
        const { publicRwset } = await simulator.result();
        expect(hex(publicRwset), `block ${block.header?.number}, transaction ${index}`).toBe(hex(recorded));
        counted.simulations += 1;
        counted.ranges += ranges;
        counted.pages += pages;
      }
      using snapshot = state.snapshot();
      const { updates } = await replayUpdates({ block, flags, snapshot });
      await state.commit(updates, { blockNum: block.header?.number ?? 0n, txNum: 0n });
    }
    expect(state.open.size).toBe(0);
    expect(counted).toEqual(expected);
  });
});
