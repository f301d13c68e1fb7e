import { describe, expect, it } from 'vitest';
import { allowAll } from '../../test/fakes/open-endorser.ts';
import { openBundle, proposal } from '../../test/fakes/proposals.ts';
import { CHANNEL, channelsOf, memoryChannel, type Network, recordedBundle, recordedLocalMsp } from '../../test/fakes/recorded-channel.ts';
import { recordedProposals } from '../../test/fakes/recorded-steps.ts';
import { call, callOf, chaincodeOf, messageIn } from '../../test/fakes/system-calls.ts';
import { developmentSet as fixtures, manifest, readFixture } from '../../test/fixtures.ts';
import { SelvageError } from '../common/errors.ts';
import type { AccessControl } from '../msp/acl.ts';
import { AclProvider } from '../msp/acl-provider.ts';
import { common, protos } from '../protos/messages.ts';
import { Qscc } from './qscc.ts';

/** Blocks of a recorded channel below `height`. */
const blocksOf = (network: Network, height: bigint): readonly common.Block[] =>
  manifest()
    .filter(({ file }) => file.startsWith(`${network}/blocks/peer/`))
    .map(({ file }) => common.Block.decode(readFixture(file)))
    .filter(({ header }) => (header?.number ?? 0n) < height)
    .sort((a, b) => Number((a.header?.number ?? 0n) - (b.header?.number ?? 0n)));

describe.skipIf(!fixtures)('recorded calls of qscc (need the fixtures)', () => {
  const networks: readonly Network[] = ['v1.1', 'v2.4'];
  const recorded =
    fixtures === undefined ? [] : networks.flatMap((network) => recordedProposals(network).filter((each) => chaincodeOf(each) === 'qscc'));

  it('there are some', () => expect(recorded.length).toBeGreaterThanOrEqual(14));

  it.each(recorded.map((each) => [each.step, each] as const))('%s: answers as recorded', async (step, each) => {
    const { network, response } = each;
    const channel = memoryChannel(recordedBundle(network));
    for (const block of blocksOf(network, heightAt(response?.response?.payload, step))) channel.ledger.blocks.add(block);
    const qscc = new Qscc({ channels: channelsOf(channel), access: new AclProvider({ localMsp: recordedLocalMsp(network) }) });
    const answer = await qscc.invoke(callOf(each, undefined));
    const { status = 500, payload = new Uint8Array() } = response?.response ?? {};
    expect({ status: answer.status, message: answer.message }).toEqual({
      status,
      message: status === 200 ? '' : messageIn(each),
    });
    expect(Buffer.from(answer.payload).equals(payload)).toBe(true);
  });
});

/** How high the recorded ledger was, where the answer tells; else all blocks do. */
const heightAt = (payload: Uint8Array | undefined, step: string): bigint =>
  /GetChainInfo|getinfo/.test(step) ? common.BlockchainInfo.decode(payload ?? new Uint8Array()).height : 10_000n;

const modernQscc = (access: AccessControl) =>
  new Qscc({ channels: channelsOf(memoryChannel(openBundle('ch', { lifecycleV20: true }))), access });

describe('qscc', () => {
  const channel = memoryChannel(openBundle('ch'));
  const qscc = new Qscc({ channels: channelsOf(channel), access: allowAll });
  channel.ledger.blocks.add(common.Block.decode(common.Block.encode({ header: { number: 0n } })));
  channel.ledger.blocks.add(common.Block.decode(common.Block.encode({ header: { number: 1n } })));

  it.each([
    [[], 'Incorrect number of arguments, 0'],
    [['GetChainInfo'], 'Incorrect number of arguments, 1'],
    [['GetBlockByNumber', 'ch'], 'missing 3rd argument for GetBlockByNumber'],
    [['GetChainInfo', 'nope'], 'Invalid chain ID, nope'],
    [['Nope', 'ch', 'x'], 'Requested function Nope not found.'],
    [['GetBlockByNumber', 'ch', 'x'], 'Failed to parse block number with error strconv.ParseUint: parsing "x": invalid syntax'],
    [['GetBlockByNumber', 'ch', ''], 'Failed to parse block number with error strconv.ParseUint: parsing "": invalid syntax'],
    [
      ['GetBlockByNumber', 'ch', '18446744073709551616'],
      'Failed to parse block number with error strconv.ParseUint: parsing "18446744073709551616": value out of range',
    ],
    [['GetBlockByNumber', 'ch', '99'], 'Failed to get block number 99, error Entry not found in index'],
    [['GetBlockByHash', 'ch', 'ab'], 'Failed to get block hash 6162, error Entry not found in index'],
    [['GetBlockByTxID', 'ch', 'tx'], 'Failed to get block for txID tx, error Entry not found in index'],
    [['GetTransactionByID', 'ch', ''], 'Transaction ID must not be nil.'],
  ])('%j is refused with its text', async (args, message) => {
    expect(await qscc.invoke(call(args))).toMatchObject({ status: 500, message });
  });

  it.each([
    ['18446744073709551615', 1n],
    ['0', 0n],
    ['01', 1n],
  ])('block number %s is block %d', async (number, expected) => {
    const { payload } = await qscc.invoke(call(['GetBlockByNumber', 'ch', number]));
    expect(common.Block.decode(payload).header?.number).toBe(expected);
  });

  it.skipIf(!fixtures)('an unmapped function is refused by the access rules before it is found missing', async () => {
    const access = new AclProvider({ localMsp: recordedLocalMsp('v1.1') });
    const recorded = new Qscc({ channels: channelsOf(memoryChannel(recordedBundle('v1.1'))), access });
    const channelId = CHANNEL['v1.1'];
    const message = `Authorization request for [Nope][${channelId}] failed: [Unmapped policy for qscc/Nope]`;
    expect(await recorded.invoke(call(['Nope', channelId, 'x']))).toMatchObject({ status: 500, message });
  });

  it.each([
    [['GetBlockByNumber', 'ch'], 'missing 3rd argument for GetBlockByNumber'],
    [['GetChainInfo', 'nope'], 'Invalid chain ID, nope'],
    [['GetBlockByNumber', 'ch', '99'], 'Failed to get block number 99, error no such block number [99] in index'],
    [['GetBlockByHash', 'ch', 'ab'], 'Failed to get block hash ab, error no such block hash [6162] in index'],
    [['GetBlockByTxID', 'ch', 'tx'], 'Failed to get block for txID tx, error no such transaction ID [tx] in index'],
    [['GetTransactionByID', 'ch', ''], 'Failed to get transaction with id , error no such transaction ID [] in index'],
  ])('%j is refused in the words of 2.x on a channel of its lifecycle', async (args, message) => {
    expect(await modernQscc(allowAll).invoke(call(args, { chaincode: 'qscc' }))).toMatchObject({ status: 500, message });
  });

  it('denies in the words of 2.x', async () => {
    const check = () => Promise.reject(new SelvageError('ACCESS_DENIED', 'not you'));
    const message = 'access denied for [GetChainInfo][ch]: [not you]';
    const denying = modernQscc({ check, checkLocal: check });
    expect(await denying.invoke(call(['GetChainInfo', 'ch'], { chaincode: 'qscc' }))).toMatchObject({ status: 500, message });
  });

  it('answers a call from another chaincode with a refusal', async () => {
    const message = "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, original invocation for 'cc'";
    expect(await modernQscc(allowAll).invoke(call(['GetChainInfo', 'ch'], { chaincode: 'cc' }))).toMatchObject({ status: 500, message });
  });

  it.each([
    ['no invocation', { payload: new Uint8Array() }, 'chaincode spec is nil'],
    ['no id', { invocation: protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: {} }) }, 'chaincode id is nil'],
  ])('says what a signed proposal lacks to tell its caller: %s', async (_name, parts, why) => {
    const made = call(['GetChainInfo', 'ch']);
    const signedProposal = proposal(parts);
    const answer = await modernQscc(allowAll).invoke({ ...made, proposal: { ...made.proposal, signedProposal } });
    expect(answer).toMatchObject({ status: 500, message: `Failed to identify the called chaincode: ${why}` });
  });

  it('is for proposals and chaincode alike', () => {
    expect([qscc.fromProposal, qscc.fromChaincode]).toEqual([true, true]);
  });
});
