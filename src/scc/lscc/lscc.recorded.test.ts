import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { never } from '../../../test/fakes/open-endorser.ts';
import { channelsOf, memoryChannel, recordedBundle, recordedLocalMsp } from '../../../test/fakes/recorded-channel.ts';
import { recordedAction } from '../../../test/fakes/recorded-endorser.ts';
import { type RecordedProposal, recordedProposals } from '../../../test/fakes/recorded-steps.ts';
import { callOf, chaincodeOf, messageIn } from '../../../test/fakes/system-calls.ts';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { textOf } from '../../common/bytes.ts';
import { AclProvider } from '../../msp/acl-provider.ts';
import { PackageStore } from '../../packages/package-store.ts';
import { ccprovider, rwset } from '../../protos/messages.ts';
import { Lscc } from './lscc.ts';

const SYSTEM = new Set(['lscc', 'cscc', 'qscc']);

/** Where the transactions of the recorded network stand. */
const positions = (): ReadonlyMap<string, readonly [bigint, bigint]> => {
  const lines = readFixture('v1.1/rwsets.jsonl').toString('utf8').trim().split('\n');
  const entries = lines.map((line) => JSON.parse(line) as { txid: string; block: number; index: number });
  return new Map(entries.map(({ txid, block, index }) => [txid, [BigInt(block), BigInt(index)]]));
};

const lsccPart = (results: Uint8Array): string => {
  const part = rwset.TxReadWriteSet.decode(results).nsRwset.find(({ namespace }) => namespace === 'lscc');
  return Buffer.from(part?.rwset ?? []).toString('hex');
};

/** The recorded network's LSCC calls in order, on two peers with a state they share. */
describe.skipIf(!fixtures)('recorded calls of lscc (need the fixtures)', () => {
  const recorded = fixtures === undefined ? [] : recordedProposals('v1.1').filter((each) => chaincodeOf(each) === 'lscc');
  let folder = '';
  let network: ReturnType<typeof recordedNetwork>;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lscc-'));
    network = recordedNetwork(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('there are some of each kind', () => expect(recorded.length).toBeGreaterThan(20));

  it.each(recorded.map((each) => [each.step, each] as const))('%s: answers as recorded', async (_step, each) => {
    const { channel, peers } = network;
    const lscc = peers.get(each.target);
    await using simulator = await channel.ledger.simulate(each.txId ?? '');
    const call = callOf(each, simulator);
    const answer = await lscc?.invoke(call, never);
    const { publicRwset } = await simulator.result();
    const message = messageIn(each).replace('peer0/chaincodes', `${folder}/peer0/chaincodes`);
    if (each.response === undefined) return expect(answer).toMatchObject({ status: 500, message });
    expect(answer?.status).toBe(200);
    expect(Buffer.from(answer?.payload ?? []).toString('hex')).toBe(Buffer.from(each.response.response?.payload ?? []).toString('hex'));
    if (each.response.endorsement !== undefined)
      expect(lsccPart(publicRwset)).toBe(lsccPart(recordedAction(each)?.results ?? new Uint8Array()));
    const [fn] = call.input.args ?? [];
    if (/^(deploy|upgrade)$/.test(textOf(fn ?? new Uint8Array()))) network.commit(each, answer?.payload ?? new Uint8Array());
  });
});

/** Two peers, each with its packages, and the state of their channel. */
function recordedNetwork(folder: string) {
  const channel = memoryChannel(recordedBundle('v1.1'));
  const places = positions();
  const lsccOf = (peer: string, mspId: string) => {
    const parts = { channels: channelsOf(channel), access: new AclProvider({ localMsp: recordedLocalMsp('v1.1', mspId) }) };
    const packages = new PackageStore({ directory: join(folder, peer, 'chaincodes') });
    const plugins = { endorsementPlugins: new Set(['escc']), validationPlugins: new Set(['vscc']) };
    return new Lscc({ ...parts, ...plugins, packages, isSystem: (name) => SYSTEM.has(name) });
  };
  /** As the recorded network did after the call. */
  const commit = ({ txId = '', step }: RecordedProposal, data: Uint8Array): void => {
    const at = places.get(txId);
    if (at === undefined) throw new Error(`${step} is in no block`);
    channel.ledger.state.put('lscc', ccprovider.ChaincodeData.decode(data).name, data, at);
  };
  const peers = new Map([
    ['peer0', lsccOf('peer0', 'Org1MSP')],
    ['peer1', lsccOf('peer1', 'Org2MSP')],
  ]);
  return { channel, peers, commit };
}

describe.skipIf(!fixtures)('recorded calls of lscc in 2.4 (need the fixtures)', () => {
  const recorded = fixtures === undefined ? [] : recordedProposals('v2.4').filter((each) => chaincodeOf(each) === 'lscc');
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lscc-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(recorded.map((each) => [each.step, each] as const))('%s: answers as recorded', async (_step, each) => {
    const channel = memoryChannel(recordedBundle('v2.4'));
    const access = new AclProvider({ localMsp: recordedLocalMsp('v2.4') });
    const packages = new PackageStore({ directory: folder });
    const plugins = { endorsementPlugins: new Set(['escc']), validationPlugins: new Set(['vscc']) };
    const lscc = new Lscc({ channels: channelsOf(channel), access, ...plugins, packages, isSystem: () => false });
    await using simulator = await channel.ledger.simulate('t');
    const { status, message, payload } = await lscc.invoke(callOf(each, simulator), never);
    expect({ status, message, payload: Buffer.from(payload) }).toEqual({
      ...each.response?.response,
      payload: Buffer.from(each.response?.response?.payload ?? []),
    });
    const { publicRwset } = await simulator.result();
    if (each.response?.endorsement !== undefined)
      expect(lsccPart(publicRwset)).toBe(lsccPart(recordedAction(each)?.results ?? new Uint8Array()));
  });
});
