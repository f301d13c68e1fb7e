import { describe, expect, it } from 'vitest';
import { allowAll, never, openEndorser } from '../../test/fakes/open-endorser.ts';
import { creatorOf, openBundle, type ProposalParts, proposal } from '../../test/fakes/proposals.ts';
import { ok, ScriptedChaincodes } from '../../test/fakes/scripted-chaincodes.ts';
import { concatBytes, hex, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { ProposalAccess } from '../msp/acl.ts';
import { protos } from '../protos/messages.ts';

const garbage = new Uint8Array([0x0f, 0xff, 0xff]);
const chaincodeId = { name: 'cc' };
const NOTHING = new Uint8Array();

/** Half a megabyte that would become a hundred. */
const manyArguments = protos.ChaincodeInvocationSpec.encode({
  chaincodeSpec: { input: { args: Array.from({ length: 250_000 }, () => new Uint8Array()) } },
});

/** Where a proposal is wrong, and the text that says so. */
type Wrong = readonly [string, ProposalParts, string | RegExp];

const WRONG_ON_LEGACY: readonly Wrong[] = [
  ['a type that is not proposed', { type: 5 }, 'invalid header type DELIVER_SEEK_INFO'],
  ['a type that nobody knows', { type: 99 }, 'invalid header type 99'],
  ['the type of 1.1 that crashed it', { type: 7 }, 'invalid header type PEER_RESOURCE_UPDATE'],
  ['a channel update', { type: 2 }, 'unsupported proposal type 2'],
  ['an epoch', { epoch: 9n }, 'invalid Epoch in ChannelHeader. Expected 0, got [9]'],
  ['no nonce', { nonce: new Uint8Array() }, 'invalid nonce specified in the header'],
  ['no creator', { creator: new Uint8Array() }, 'invalid creator specified in the header'],
  ['a signature of somebody else', { signature: utf8('x') }, 'access denied: channel [ch] creator org [Org1MSP]'],
  ['a creator that the MSP refuses', { creator: creatorOf('stranger') }, 'access denied: channel [ch] creator org [Org1MSP]'],
  ['an MSP that is not of the channel', { creator: creatorOf('user', 'OtherMSP') }, 'access denied: channel [ch] creator org [OtherMSP]'],
  ['a creator that is no identity', { creator: garbage }, 'access denied: channel [ch] creator org []'],
  ['a channel that is not here', { channelId: 'nope' }, 'access denied: channel [nope] creator org [Org1MSP]'],
  ['another tx id', { txId: 'ab' }, /^Transaction is not valid. Got \[ab\], expected \[[0-9a-f]{64}\]$/],
  ['an extension that is none', { extension: garbage }, 'invalid header extension for type CHAINCODE'],
  ['no extension', { extension: new Uint8Array() }, 'ChaincodeHeaderExtension.ChaincodeId is nil'],
  [
    'a visibility',
    { extension: protos.ChaincodeHeaderExtension.encode({ payloadVisibility: utf8('full'), chaincodeId }) },
    'invalid payload visibility field',
  ],
  [
    'an encoded but empty visibility',
    { extension: concatBytes(new Uint8Array([0x0a, 0]), protos.ChaincodeHeaderExtension.encode({ chaincodeId })) },
    'invalid payload visibility field',
  ],
  ['a payload that is none', { payload: garbage }, /^cannot decode protos.ChaincodeProposalPayload: /],
  ['an invocation that is none', { invocation: garbage }, /^cannot decode protos.ChaincodeInvocationSpec: /],
  [
    'an invocation of too many arguments',
    { invocation: manyArguments },
    /^cannot decode protos.ChaincodeInvocationSpec: more than 200000 fields$/,
  ],
  ['no spec', { payload: new Uint8Array([0x0a, 0]) }, 'chaincode invocation spec did not contain chaincode spec'],
  [
    'no payload, for a system chaincode',
    { chaincode: 'qscc', payload: NOTHING },
    'chaincode invocation spec did not contain chaincode spec',
  ],
  ['no input', { invocation: protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: {} }) }, 'chaincode input did not contain any input'],
  ['a plugin of the peer', { chaincode: 'vscc' }, 'chaincode vscc cannot be invoked through a proposal'],
  ['a closed system chaincode', { chaincode: 'hidden' }, 'chaincode hidden cannot be invoked through a proposal'],
];

const denied = (channelId: string, who: string) => `error validating proposal: access denied: channel [${channelId}] creator org ${who}`;

const WRONG: readonly Wrong[] = [
  [
    'an invocation of too many arguments',
    { invocation: manyArguments },
    /error unmarshalling ChaincodeInvocationSpec: more than 200000 fields$/,
  ],
  ['an extension that is none', { extension: garbage }, /^error unmarshalling ChaincodeHeaderExtension: /],
  ['no extension', { extension: NOTHING }, 'ChaincodeHeaderExtension.ChaincodeId is nil'],
  ['no name, before the channel is looked for', { chaincode: '', channelId: 'nope' }, 'ChaincodeHeaderExtension.ChaincodeId.Name is empty'],
  ['a payload that is none', { payload: garbage }, /^error unmarshalling ChaincodeProposalPayload: /],
  ['an invocation that is none', { invocation: garbage }, /^error unmarshalling ChaincodeInvocationSpec: /],
  ['no payload', { payload: NOTHING }, 'chaincode invocation spec did not contain chaincode spec'],
  ['no input', { invocation: protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: {} }) }, 'chaincode input did not contain any input'],
  ['a type that is not proposed', { type: 5 }, 'error validating proposal: invalid header type DELIVER_SEEK_INFO'],
  ['a type that nobody knows', { type: 99 }, 'error validating proposal: invalid header type 99'],
  ['a channel update', { type: 2 }, 'error validating proposal: invalid header type CONFIG_UPDATE'],
  ['an epoch', { epoch: 9n }, 'error validating proposal: epoch is non-zero'],
  ['no nonce', { nonce: NOTHING }, 'error validating proposal: nonce is empty'],
  ['no creator', { creator: NOTHING }, 'error validating proposal: creator is empty'],
  ['another tx id', { txId: 'ab' }, /^error validating proposal: incorrectly computed txid 'ab' -- expected '[0-9a-f]{64}'$/],
  ['no signature', { signature: NOTHING }, 'error validating proposal: empty signature bytes'],
  ['a signature of somebody else', { signature: utf8('x') }, denied('ch', '[Org1MSP]')],
  ['a creator that the MSP refuses', { creator: creatorOf('stranger') }, denied('ch', '[Org1MSP]')],
  ['an MSP that is not of the channel', { creator: creatorOf('user', 'OtherMSP') }, denied('ch', 'unknown, creator is malformed')],
  ['a creator that is no identity', { creator: garbage }, denied('ch', 'unknown, creator is malformed')],
  [
    'a stranger to the peer, without channel',
    { channelId: '', creator: creatorOf('u', 'OtherMSP') },
    denied('', 'unknown, creator is malformed'),
  ],
];

const LIFECYCLES = [
  ['of the 2.x lifecycle', true, WRONG],
  ['of the legacy lifecycle', false, WRONG_ON_LEGACY],
] as const;

describe.each(LIFECYCLES)('a proposal that is wrong, on a channel %s', (_lifecycle, lifecycleV20, wrong) => {
  it.each(wrong)('%s is refused before anything runs', async (_name, parts, text) => {
    const chaincodes = new ScriptedChaincodes(() => ok());
    const { endorser } = openEndorser(chaincodes, { lifecycleV20 });
    const error = await endorser.processProposal(proposal(parts), never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SelvageError);
    expect(error).toMatchObject({
      code: 'PROPOSAL_REFUSED',
      grpc: 'UNKNOWN',
      message: text instanceof RegExp ? expect.stringMatching(text) : text,
    });
    expect(chaincodes.events).toEqual([]);
  });

  it('the first thing wrong decides the text', async () => {
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()), { lifecycleV20 });
    const first = lifecycleV20 ? 'ChaincodeHeaderExtension.ChaincodeId is nil' : 'invalid Epoch in ChannelHeader. Expected 0, got [1]';
    const everything = proposal({ epoch: 1n, nonce: NOTHING, txId: 'x', extension: NOTHING });
    await expect(endorser.processProposal(everything, never)).rejects.toThrow(first);
  });
});

describe('a proposal that finds no place to run is answered', () => {
  const answered = async (parts: ProposalParts, lifecycleV20: boolean) => {
    const chaincodes = new ScriptedChaincodes(() => ok());
    const { response } = await openEndorser(chaincodes, { lifecycleV20 }).endorser.processProposal(proposal(parts), never);
    expect(chaincodes.events).toEqual([]);
    return response;
  };

  it('on a channel that is not here, whoever asks', async () => {
    const expected = { status: 500, message: "channel 'nope' not found" };
    expect(await answered({ channelId: 'nope' }, true)).toEqual(expected);
    expect(await answered({ channelId: 'nope', creator: garbage, signature: NOTHING, epoch: 9n }, true)).toEqual(expected);
  });

  it('without payload on a channel of the legacy lifecycle, once the rest is found right', async () => {
    const message =
      'make sure the chaincode cc has been successfully instantiated and try again: error executing chaincode: ' +
      "transaction returned with failure: failed extracting signedProposal fields: Proposal's payload is nil";
    expect(await answered({ payload: NOTHING }, false)).toEqual({ status: 500, message });
    await expect(answered({ payload: NOTHING, txId: 'ab' }, false)).rejects.toThrow(/^Transaction is not valid/);
  });

  it('for user chaincode without channel', async () => {
    const message =
      "make sure the chaincode cc has been successfully defined on channel  and try again: could not get channel config for channel ''";
    expect(await answered({ channelId: '' }, true)).toEqual({ status: 500, message });
  });

  it('for a plugin of old peers, which is no chaincode of the 2.x lifecycle', async () => {
    const message = 'make sure the chaincode vscc has been successfully defined on channel ch and try again: chaincode vscc not found';
    expect(await answered({ chaincode: 'vscc' }, true)).toEqual({ status: 500, message });
  });
});

describe('what the channel says', () => {
  it('a tx id that is on the ledger is refused with its creator', async () => {
    const { endorser, ledger } = openEndorser(new ScriptedChaincodes(() => ok()));
    const signed = proposal();
    ledger.blocks.hasTransaction = () => true;
    const creator = hex(creatorOf('user'));
    await expect(endorser.processProposal(signed, never)).rejects.toThrow(
      new RegExp(`^duplicate transaction found \\[[0-9a-f]{64}\\]. Creator \\[${creator}\\]$`),
    );
  });

  it('a look-up that fails is no duplicate', async () => {
    const { endorser, ledger } = openEndorser(new ScriptedChaincodes(() => ok()));
    ledger.blocks.hasTransaction = () => {
      throw new Error('index broken');
    };
    expect((await endorser.processProposal(proposal(), never)).endorsement).toBeDefined();
  });

  it('access is asked for user chaincode only, and its text reaches the client', async () => {
    const asked: string[] = [];
    const access: ProposalAccess = {
      ...allowAll,
      checkCreator(resource) {
        asked.push(resource);
        throw new SelvageError('ACCESS_DENIED', 'not you');
      },
    };
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()), { access });
    await expect(endorser.processProposal(proposal(), never)).rejects.toMatchObject({ code: 'PROPOSAL_REFUSED', message: 'not you' });
    expect((await endorser.processProposal(proposal({ chaincode: 'qscc' }), never)).response?.status).toBe(200);
    expect(asked).toEqual(['peer/Propose']);
  });

  it('a creator is judged again when the channel got another configuration meanwhile', async () => {
    const asked: unknown[] = [];
    const access: ProposalAccess = {
      ...allowAll,
      checkCreator: () => expect.unreachable('by the old configuration'),
      check: async (resource, bundle) => {
        asked.push(resource, bundle);
        throw new SelvageError('ACCESS_DENIED', 'not any more');
      },
    };
    const { endorser, channel } = openEndorser(new ScriptedChaincodes(() => ok()), { access });
    const next = openBundle('ch');
    const { hasTransaction } = channel.ledger.blocks;
    channel.ledger.blocks.hasTransaction = (txId) => {
      channel.bundle = () => next;
      return hasTransaction.call(channel.ledger.blocks, txId);
    };
    await expect(endorser.processProposal(proposal(), never)).rejects.toThrow('not any more');
    expect(asked).toEqual(['peer/Propose', next]);
  });
});
