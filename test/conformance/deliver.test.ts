import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { equalBytes, hex } from '../../src/common/bytes.ts';
import { silent } from '../../src/common/log.ts';
import { common, orderer as messages, protos } from '../../src/protos/messages.ts';
import { ordererService } from '../../src/services/orderer-service.ts';
import { fixtures } from '../fixtures.ts';
import { RecordedClock } from './recorded-clock.ts';
import { blockNumberIn, lacksPrivateData, RecordedDeliver } from './recorded-deliver.ts';
import { asOrdered, BlocksOfOrderer, startOrderer } from './recorded-orderer.ts';
import { BROADCAST, blocksOf, NETWORKS, type Recording, read } from './recording.ts';
import { Report } from './report.ts';
import { type Walk, walked } from './walk.ts';

describe.skipIf(fixtures === undefined)('recorded deliver calls (needs the recorded fixtures)', () => {
  const report = new Report('deliver');
  afterAll(() => report.print());

  describe.each(NETWORKS)('%s', (network) => {
    let walk: Walk;
    beforeAll(async () => {
      walk = await walked(network);
    });

    it('of peers get the recorded blocks and statuses', () => {
      for (const deliver of walk.delivers) {
        compare(deliver);
        report.covered(`${network} ${deliver.call.method} answers`, deliver.recorded.length);
      }
      expect(walk.delivers.length).toBeGreaterThan(0);
    });

    it('of the orderer get the recorded blocks and statuses', async () => {
      const { recording } = walk;
      const node = new BlocksOfOrderer(recording);
      const clock = new RecordedClock(recording);
      const methods = new Map(
        ordererService(node, { timeWindowMs: 15 * 60_000, mutualTls: false, clock, log: silent }).map((method) => [method.path, method]),
      );
      for (const call of recording.calls) {
        clock.at(call);
        node.height = Math.max(node.height, 1 + (recording.blockOf.get(call) ?? 0));
        const method = call.method === '/orderer.AtomicBroadcast/Deliver' ? methods.get(call.method) : undefined;
        if (method === undefined) continue;
        const deliver = new RecordedDeliver(recording, call);
        node.height = Math.max(node.height, deliver.evidence);
        await deliver.start(method, node.height);
        await deliver.finish();
        const [first] = deliver.recorded;
        if (first !== undefined && isUnavailable(first)) {
          report.skipped(`${network}: the recorded orderer was not ready with the channel yet`, call.name);
          continue;
        }
        compare(deliver);
        report.covered(`${network} ${call.method} answers`, deliver.recorded.length);
      }
    });

    it('broadcasts get the recorded verdicts', async () => {
      const { recording } = walk;
      const clock = new RecordedClock(recording);
      await using orderer = await startOrderer(recording, clock);
      for (const call of recording.calls.filter(({ method }) => method === BROADCAST)) {
        clock.at(call);
        const [request = ''] = call.requests;
        const [response] = call.responses;
        if (response === undefined) {
          report.skipped(`${network}: no response was recorded`, call.name);
          continue;
        }
        const envelope = read(network, request);
        if (createsChannel(recording, envelope)) {
          report.skipped(`${network}: channels are not created by a system channel here`, call.name);
          continue;
        }
        const ours = messages.BroadcastResponse.encode(await orderer.broadcast(envelope));
        expect(printedBroadcast(ours), call.name).toEqual(printedBroadcast(read(network, response)));
        report.covered(`${network} broadcast answers`);
      }
    });

    it('the orderer’s form of a block is that of the peer without what the peer adds', () => {
      for (const [number, block] of blocksOf(network, 'orderer').entries()) {
        const expected = asOrdered(walk.recording.blocks[number]);
        expect(expected && hex(common.Block.encode(expected)), `block ${number}`).toBe(hex(common.Block.encode(block)));
        report.covered(`${network} blocks in the orderer’s form`);
      }
    });
  });
});

function compare({ call, recorded, ours }: RecordedDeliver): void {
  const comparable = lacksPrivateData(call) ? withoutPrivateData : (response: Uint8Array) => response;
  for (const [index, response] of recorded.entries())
    expect(hex(comparable(ours[index] ?? new Uint8Array())), `${call.name}, answer ${index}`).toBe(hex(response));
  const last = recorded.at(-1);
  if (last !== undefined && blockNumberIn(last) === undefined) expect(ours.length, call.name).toBe(recorded.length);
}

function withoutPrivateData(response: Uint8Array): Uint8Array {
  const { blockAndPrivateData, ...rest } = protos.DeliverResponse.decode(response);
  if (blockAndPrivateData === undefined) return response;
  return protos.DeliverResponse.encode({ ...rest, blockAndPrivateData: { block: blockAndPrivateData.block } });
}

const isUnavailable = (response: Uint8Array): boolean =>
  protos.DeliverResponse.decode(response).status === common.Status.SERVICE_UNAVAILABLE;

const printedBroadcast = (response: Uint8Array): string => {
  const { status, info } = messages.BroadcastResponse.decode(response);
  return `${status} ${info}`;
};

/** The first configuration of the recorded channel was asked for before there was a channel: its block is block 0. */
function createsChannel({ blocks }: Recording, envelope: Uint8Array): boolean {
  const genesis = blocks[0]?.data?.data[0];
  return genesis !== undefined && equalBytes(updateIn(genesis), envelope);
}

function updateIn(envelope: Uint8Array): Uint8Array {
  const { lastUpdate } = common.ConfigEnvelope.decode(common.Payload.decode(common.Envelope.decode(envelope).payload).data);
  return lastUpdate === undefined ? new Uint8Array() : common.Envelope.encode(lastUpdate);
}
