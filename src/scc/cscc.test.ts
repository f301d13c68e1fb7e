import { describe, expect, it } from 'vitest';
import { allowAll } from '../../test/fakes/open-endorser.ts';
import { openBundle } from '../../test/fakes/proposals.ts';
import { channelsOf, memoryChannel, type Network, recordedBundle, recordedLocalMsp } from '../../test/fakes/recorded-channel.ts';
import { type RecordedProposal, recordedProposals } from '../../test/fakes/recorded-steps.ts';
import { call, callOf, chaincodeOf } from '../../test/fakes/system-calls.ts';
import { developmentSet as fixtures, readFixture } from '../../test/fixtures.ts';
import { textOf } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { AccessControl } from '../msp/acl.ts';
import { AclProvider } from '../msp/acl-provider.ts';
import { common, protos } from '../protos/messages.ts';
import { Cscc } from './cscc.ts';

/** The configuration block in force when the recording asked for it. */
const CONFIG: Readonly<Record<Network, string>> = { 'v1.1': 'blocks/peer/2.pb', 'v2.4': 'blocks/peer/2.pb' };

function recordedCscc({ network, target }: RecordedProposal, joined: Uint8Array[] = []) {
  const channel = memoryChannel(recordedBundle(network, {}, CONFIG[network]));
  for (const number of [0, 1, 2]) channel.ledger.blocks.add(common.Block.decode(readFixture(`${network}/blocks/peer/${number}.pb`)));
  const access = new AclProvider({ localMsp: recordedLocalMsp(network, target === 'peer1' ? 'Org2MSP' : 'Org1MSP') });
  const join = async (genesis: Uint8Array) => {
    joined.push(genesis);
  };
  return new Cscc({ channels: channelsOf(channel), access, joiner: { join } });
}

const networks: readonly Network[] = ['v1.1', 'v2.4'];
const recorded =
  fixtures === undefined ? [] : networks.flatMap((network) => recordedProposals(network).filter((each) => chaincodeOf(each) === 'cscc'));
const asking = (fn: string) =>
  recorded
    .filter((each) => textOf(callOf(each, undefined).input.args?.[0] ?? new Uint8Array()) === fn)
    .map((each) => [`${each.network} ${each.step}`, each] as const);

describe.skipIf(!fixtures)('recorded calls of cscc (need the fixtures)', () => {
  it.each(asking('JoinChain').filter(([, each]) => each.response?.response?.status === 200))(
    '%s: joins with the block as it came',
    async (_name, each) => {
      const joined: Uint8Array[] = [];
      expect(await recordedCscc(each, joined).invoke(callOf(each, undefined))).toMatchObject({ status: 200, message: '' });
      expect(joined.map((bytes) => Buffer.from(bytes).equals(readFixture(`${each.network}/config/channel.block`)))).toEqual([true]);
    },
  );

  it.each(asking('JoinChain').filter(([name]) => name.includes('as-user')))('%s: is refused', async (_name, each) => {
    const joined: Uint8Array[] = [];
    const { status, message } = await recordedCscc(each, joined).invoke(callOf(each, undefined));
    expect({ status, message }).toEqual({ status: 500, message: each.response?.response?.message });
    expect(joined).toEqual([]);
  });

  it.each([...asking('GetChannels'), ...asking('GetConfigBlock')])('%s: the recorded bytes', async (_name, each) => {
    const { status, payload } = await recordedCscc(each).invoke(callOf(each, undefined));
    expect(status).toBe(200);
    expect(Buffer.from(payload).equals(each.response?.response?.payload ?? new Uint8Array())).toBe(true);
  });

  it.each(asking('GetConfigTree'))('%s: the recorded tree', async (_name, each) => {
    const { payload } = await recordedCscc(each).invoke(callOf(each, undefined));
    expect(protos.ConfigTree.decode(payload)).toEqual(protos.ConfigTree.decode(each.response?.response?.payload ?? new Uint8Array()));
  });

  it.each(asking('GetChannelConfig'))('%s: the recorded configuration', async (_name, each) => {
    const { payload } = await recordedCscc(each).invoke(callOf(each, undefined));
    expect(common.Config.decode(payload)).toEqual(common.Config.decode(each.response?.response?.payload ?? new Uint8Array()));
  });

  it('asked for each of them', () => {
    const count = (fn: string) => asking(fn).length > 0;
    expect(['JoinChain', 'GetChannels', 'GetConfigBlock', 'GetConfigTree', 'GetChannelConfig'].map(count)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
  });

  it('an update that its organisation signed simulates', async () => {
    const bundle = recordedBundle('v1.1');
    const cscc = new Cscc({ channels: channelsOf(memoryChannel(bundle)), access: allowAll, joiner: { join: async () => undefined } });
    const update = readFixture('v1.1/calls/04-anchor-update-Org1MSP/broadcast.request.pb');
    const { status, message, payload } = await cscc.invoke(call(['SimulateConfigTreeUpdate', bundle.channelId, update]));
    expect([status, message, textOf(payload)]).toEqual([200, '', 'Simulation is successful']);
  });

  it('an update that changes nothing does not simulate', async () => {
    const bundle = recordedBundle('v1.1');
    const configUpdate = common.ConfigUpdate.encode({ channelId: bundle.channelId });
    const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.CONFIG_UPDATE });
    const data = common.ConfigUpdateEnvelope.encode({ configUpdate });
    const envelope = common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data }) });
    const cscc = new Cscc({ channels: channelsOf(memoryChannel(bundle)), access: allowAll, joiner: { join: async () => undefined } });
    const { status, message } = await cscc.invoke(call(['SimulateConfigTreeUpdate', bundle.channelId, envelope]));
    expect(status).toBe(500);
    expect(message).toMatch(/delta set was empty/);
  });
});

const notYou = new SelvageError('ACCESS_DENIED', 'not you');

const modernCscc = (access: AccessControl) =>
  new Cscc({
    channels: channelsOf(memoryChannel(openBundle('ch', { lifecycleV20: true }))),
    access,
    joiner: { join: async () => undefined },
  });

describe('cscc', () => {
  const joinFails = (error: Error) => ({
    join: async () => {
      throw error;
    },
  });
  const cscc = (joiner = { join: async () => undefined }, access = allowAll) =>
    new Cscc({ channels: channelsOf(memoryChannel(openBundle('ch'))), access, joiner });
  const otherType = common.Envelope.encode({
    payload: common.Payload.encode({
      header: { channelHeader: common.ChannelHeader.encode({ type: common.HeaderType.ENDORSER_TRANSACTION }) },
    }),
  });

  it.each([
    [[], 'Incorrect number of arguments, 0'],
    [['JoinChain'], 'Incorrect number of arguments, 1'],
    [['Nope', 'x'], 'Requested function Nope not found.'],
    [['JoinChain', ''], 'Cannot join the channel <nil> configuration block provided'],
    [['JoinChain', new Uint8Array([1])], /^Failed to reconstruct the genesis block, /],
    [
      ['JoinChain', common.Block.encode({ header: { number: 0n } })],
      /^"JoinChain" request failed to extract channel id from the block due to \[/,
    ],
    [['GetConfigBlock', ''], 'ChainID must not be nil.'],
    [['GetConfigTree', ''], 'Chain ID must not be nil'],
    [
      ['GetConfigBlock', 'nope'],
      '"GetConfigBlock" request failed authorization check for channel [nope]: [Failed to get policy manager for channel [nope]]',
    ],
    [['SimulateConfigTreeUpdate', ''], 'Chain ID must not be nil'],
    [['SimulateConfigTreeUpdate', 'ch'], 'Config delta bytes must not be nil'],
    [['SimulateConfigTreeUpdate', 'ch', otherType], 'invalid payload header type: 3'],
  ])('%# is refused with its text', async (args, expected) => {
    const { status, message } = await cscc().invoke(call(args));
    expect(status).toBe(500);
    if (expected instanceof RegExp) expect(message).toMatch(expected);
    else expect(message).toBe(expected);
  });

  it.each([
    [[], 'Incorrect number of arguments, 0'],
    [['GetConfigBlock'], 'Incorrect number of arguments, 1'],
    [['GetConfigTree', 'ch'], 'Requested function GetConfigTree not found.'],
    [['SimulateConfigTreeUpdate', 'ch'], 'Requested function SimulateConfigTreeUpdate not found.'],
    [
      ['JoinChain', ''],
      '"JoinChain" request failed to extract channel id from the block due to [failed to retrieve channel id - block is empty]',
    ],
    [['GetChannels'], 'access denied for [GetChannels]: not you'],
    [['GetConfigBlock', 'ch'], 'access denied for [GetConfigBlock][ch]: not you'],
    [['GetConfigBlock', ''], 'access denied for [GetConfigBlock][]: not you'],
    [['GetConfigBlock', 'nope'], 'access denied for [GetConfigBlock][nope]: Failed to get policy manager for channel [nope]'],
    [['JoinChainBySnapshot', ''], 'Cannot join the channel, no snapshot directory provided'],
    [['JoinChainBySnapshot', '/snapshot'], 'access denied for [JoinChainBySnapshot]: [not you]'],
    [['JoinBySnapshotStatus'], 'access denied for [JoinBySnapshotStatus]: not you'],
    [['GetChannelConfig', ''], 'empty channel name provided'],
    [['GetChannelConfig', 'ch'], 'access denied for [GetChannelConfig][ch]: not you'],
  ])('%j is refused in the words of 2.x where the channels have its lifecycle', async (args, message) => {
    const modern = modernCscc({ check: () => Promise.reject(notYou), checkLocal: () => Promise.reject(notYou) });
    expect(await modern.invoke(call(args, { chaincode: 'cscc' }))).toMatchObject({ status: 500, message });
  });

  it('says that it does not join by snapshots, and that it is not about to', async () => {
    const asked = (...args: string[]) => modernCscc(allowAll).invoke(call(args, { chaincode: 'cscc' }));
    expect((await asked('JoinChainBySnapshot', '/snapshot')).message).toMatch(/^this peer neither makes snapshots nor joins by them/);
    expect(protos.JoinBySnapshotStatus.decode((await asked('JoinBySnapshotStatus')).payload).inProgress).toBe(false);
  });

  it('answers a call from another chaincode with a refusal', async () => {
    const message = "Rejecting invoke of CSCC from another chaincode, original invocation for 'cc'";
    expect(await modernCscc(allowAll).invoke(call(['GetChannels'], { chaincode: 'cc' }))).toMatchObject({ status: 500, message });
    expect(await modernCscc(allowAll).invoke(call(['GetChannels'], { chaincode: 'cscc' }))).toMatchObject({ status: 200 });
  });

  it.skipIf(!fixtures)('tells that a channel is there already, and passes on what else went wrong', async () => {
    const genesis = readFixture('v1.1/config/channel.block');
    const exists = cscc(joinFails(new SelvageError('CHANNEL_EXISTS', 'there')));
    const message = 'Cannot create ledger from genesis block, due to LedgerID already exists';
    expect(await exists.invoke(call(['JoinChain', genesis]))).toMatchObject({ status: 500, message });
    const full = cscc(joinFails(new SelvageError('DISK_FULL', 'no room')));
    await expect(full.invoke(call(['JoinChain', genesis]))).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  it('is not for chaincode', () => {
    expect([cscc().fromProposal, cscc().fromChaincode]).toEqual([true, false]);
  });
});
