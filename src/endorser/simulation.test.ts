import { describe, expect, it } from 'vitest';
import { lifecycleBundle } from '../../test/fakes/lifecycle-channel.ts';
import type { MemoryLedger } from '../../test/fakes/memory-ledger.ts';
import { never, openEndorser, stateDefinitions } from '../../test/fakes/open-endorser.ts';
import { proposal } from '../../test/fakes/proposals.ts';
import { channelsOf, memoryChannel } from '../../test/fakes/recorded-channel.ts';
import { definition } from '../../test/fakes/recorded-endorser.ts';
import { answeredError, ok, response, ScriptedChaincodes } from '../../test/fakes/scripted-chaincodes.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { Definitions } from '../lifecycle/definitions.ts';
import { INITIALIZED } from '../lifecycle/initialization.ts';
import { common, kvrwset, protos, rwset } from '../protos/messages.ts';

const reads = (payload: Uint8Array | undefined) => {
  const { extension } = protos.ProposalResponsePayload.decode(payload ?? new Uint8Array());
  const { nsRwset } = rwset.TxReadWriteSet.decode(protos.ChaincodeAction.decode(extension).results);
  const keys = (bytes: Uint8Array) => kvrwset.KVRWSet.decode(bytes).reads.map(({ key, version }) => `${key}@${version?.blockNum}`);
  return nsRwset.flatMap(({ namespace, rwset: bytes }) => keys(bytes).map((key) => `${namespace}/${key}`));
};

const actionIn = (payload: Uint8Array | undefined) =>
  protos.ChaincodeAction.decode(protos.ProposalResponsePayload.decode(payload ?? new Uint8Array()).extension);

const writes = (payload: Uint8Array | undefined) =>
  rwset.TxReadWriteSet.decode(actionIn(payload).results).nsRwset.flatMap(({ namespace, rwset: bytes }) =>
    kvrwset.KVRWSet.decode(bytes).writes.map(({ key, value }) => `${namespace}/${key}=${textOf(value)}`),
  );

/** The 2.x lifecycle, with `init_required`. */
const mustBeInitialized: Definitions = {
  ...stateDefinitions,
  find: async (state, name, channelId) => {
    const found = await stateDefinitions.find(state, name, channelId);
    return found && { ...found, initRequired: true };
  },
};

const alwaysDefined: Definitions = { ...stateDefinitions, find: async (_, name) => definition(name, '1.0') };

const initialization = () =>
  proposal({ invocation: protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: { input: { args: [utf8('init')], isInit: true } } }) });

describe('a channel that is halted', () => {
  it('endorses nothing: its state only gets older', async () => {
    const halted = new SelvageError('CHANNEL_HALTED', 'channel ch is halted at block 7: torn');
    const chaincodes = new ScriptedChaincodes(() => ok());
    const { endorser } = openEndorser(chaincodes, { halted });
    expect(await endorser.processProposal(proposal(), never)).toEqual({ response: { status: 500, message: halted.message } });
    expect(chaincodes.events).toEqual([]);
  });
});

describe('a user chaincode', () => {
  it('is made ready while no snapshot is held, and its definition is recorded as read', async () => {
    const chaincodes = new ScriptedChaincodes(() => ok('fine'));
    const { endorser, ledger } = openEndorser(chaincodes);
    const held: number[] = [];
    chaincodes.onReady = () => {
      held.push(ledger.state.openSnapshots);
    };
    const { payload } = await endorser.processProposal(proposal(), never);
    expect(chaincodes.events).toEqual(['ready cc:1.0', 'transaction cc:1.0']);
    expect(held).toEqual([0]);
    expect(reads(payload)).toEqual(['lscc/cc@3']);
    expect(ledger.state.openSnapshots).toBe(0);
  });

  it('that is ready runs on the snapshot that its definition is read from', async () => {
    const chaincodes = new ScriptedChaincodes(() => ok('fine'));
    chaincodes.ready = true;
    let looks = 0;
    const find: Definitions['find'] = (state, name, channelId) => {
      looks += 1;
      return stateDefinitions.find(state, name, channelId);
    };
    const { endorser, ledger } = openEndorser(chaincodes, { definitions: { ...stateDefinitions, find } });
    const { payload } = await endorser.processProposal(proposal(), never);
    expect([looks, chaincodes.events]).toEqual([1, ['transaction cc:1.0']]);
    expect(reads(payload)).toEqual(['lscc/cc@3']);
    expect(ledger.state.openSnapshots).toBe(0);
  });

  it('of the legacy lifecycle has its package looked at before every call, also when it is ready', async () => {
    const chaincodes = new ScriptedChaincodes(() => ok('fine'));
    chaincodes.ready = true;
    const nothing = new Uint8Array();
    const looked: number[] = [];
    const { endorser, ledger } = openEndorser(chaincodes, {
      definitions: {
        find: async (_, name) => ({ ...definition(name, '1.0'), legacy: { data: nothing, id: nothing, instantiationPolicy: nothing } }),
        checkRunnable: () => {
          looked.push(ledger.state.openSnapshots);
          if (looked.length > 1) throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'another package');
        },
      },
    });
    expect((await endorser.processProposal(proposal(), never)).response?.status).toBe(200);
    expect((await endorser.processProposal(proposal(), never)).response).toMatchObject({ status: 500, message: 'another package' });
    expect(looked).toEqual([0, 0]);
  });

  it('that is upgraded while it is made ready is made ready again, in its new version', async () => {
    const chaincodes = new ScriptedChaincodes(() => ok());
    const { endorser, ledger } = openEndorser(chaincodes);
    chaincodes.onReady = ({ version }) => {
      if (version === '1.0') ledger.state.put('lscc', 'cc', utf8('2.0'), [4n, 0n]);
    };
    const { payload } = await endorser.processProposal(proposal(), never);
    expect(chaincodes.events).toEqual(['ready cc:1.0', 'ready cc:2.0', 'transaction cc:2.0']);
    expect(reads(payload)).toEqual(['lscc/cc@4']);
    expect(actionIn(payload).chaincodeId).toEqual({ path: '', name: 'cc', version: '2.0' });
    expect(ledger.state.openSnapshots).toBe(0);
  });

  it('that the channel does not have fails the run, not the call', async () => {
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()));
    const message =
      "make sure the chaincode nope has been successfully instantiated and try again: could not find chaincode with name 'nope'";
    expect(await endorser.processProposal(proposal({ chaincode: 'nope' }), never)).toEqual({ response: { status: 500, message } });
  });

  it('that this peer may not run is neither launched nor called', async () => {
    const chaincodes = new ScriptedChaincodes(() => ok());
    const checkRunnable = async () => {
      throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'Instantiation policy mismatch for cc cc/1.0');
    };
    const { endorser } = openEndorser(chaincodes, { definitions: { ...stateDefinitions, checkRunnable } });
    const reply = await endorser.processProposal(proposal(), never);
    expect(reply).toEqual({ response: { status: 500, message: 'Instantiation policy mismatch for cc cc/1.0' } });
    expect(chaincodes.events).toEqual([]);
  });

  it('whose launch or run fails says so with the prefix of an invocation', async () => {
    const chaincodes = new ScriptedChaincodes(() => {
      throw answeredError('five hundred');
    });
    const { endorser, ledger } = openEndorser(chaincodes);
    const first = await endorser.processProposal(proposal(), never);
    expect(first.response?.message).toBe('error executing chaincode: transaction returned with failure: five hundred');
    chaincodes.onReady = () => {
      throw new SelvageError('CHAINCODE_LAUNCH_FAILED', 'exited with code 1');
    };
    const second = await endorser.processProposal(proposal(), never);
    expect(second).toEqual({ response: { status: 500, message: 'error executing chaincode: exited with code 1' } });
    expect(ledger.state.openSnapshots).toBe(0);
  });

  it('whose launch or run fails says so in the words of 2.x on a channel of the 2.x lifecycle', async () => {
    const chaincodes = new ScriptedChaincodes(() => {
      throw answeredError('five hundred');
    });
    const channels = channelsOf(memoryChannel(lifecycleBundle('ch')));
    const { endorser } = openEndorser(chaincodes, { channels, definitions: alwaysDefined });
    const first = await endorser.processProposal(proposal(), never);
    expect(first.response?.message).toBe('error in simulation: transaction returned with failure: five hundred');
    const { response: uninitialized } = await endorser.processProposal(initialization(), never);
    expect(uninitialized?.message).toMatch(/^error in simulation: failed to execute transaction [0-9a-f]{64}: invalid invocation: /);
    chaincodes.onReady = () => {
      throw new SelvageError('CHAINCODE_LAUNCH_FAILED', 'could not launch chaincode cc:1.0: exited with code 1');
    };
    const { response: unready } = await endorser.processProposal(proposal(), never);
    expect(unready?.message).toMatch(
      /^error in simulation: failed to execute transaction [0-9a-f]{64}: could not launch chaincode cc:1.0: exited/,
    );
  });

  it('gets the client’s args but none of its decorations', async () => {
    const inputs: unknown[] = [];
    const chaincodes = new ScriptedChaincodes(({ input }) => {
      inputs.push(input);
      return ok();
    });
    const { endorser } = openEndorser(chaincodes, { definitions: mustBeInitialized });
    const decorations = new Map([['role', utf8('admin')]]);
    const invocation = protos.ChaincodeInvocationSpec.encode({
      chaincodeSpec: { input: { args: [utf8('a')], decorations, isInit: true } },
    });
    await endorser.processProposal(proposal({ invocation }), never);
    expect(inputs).toEqual([{ args: [Buffer.from('a')], decorations: new Map(), isInit: true }]);
  });

  it('that must be initialised is called only after its initialisation, which leaves its version behind', async () => {
    const chaincodes = new ScriptedChaincodes(() => ok());
    const { endorser, ledger } = openEndorser(chaincodes, { definitions: mustBeInitialized });
    const refused = (text: string) => ({
      response: {
        status: 500,
        message: expect.stringMatching(`^error executing chaincode: invalid invocation: ${text}$`),
      },
    });
    const early = await endorser.processProposal(proposal(), never);
    expect(early).toEqual(refused("chaincode 'cc' has not been initialized for this version, must call as init first"));
    const { payload } = await endorser.processProposal(initialization(), never);
    expect(writes(payload)).toEqual([`cc/${INITIALIZED}=1.0`]);
    expect(chaincodes.events).toEqual(['ready cc:1.0', 'ready cc:1.0', 'init cc:1.0']);
    ledger.state.put('cc', INITIALIZED, utf8('1.0'), [4n, 0n]);
    expect(await endorser.processProposal(initialization(), never)).toEqual(
      refused("chaincode 'cc' is already initialized but called as init"),
    );
    const called = await endorser.processProposal(proposal(), never);
    expect(reads(called.payload)).toEqual([`cc/${INITIALIZED}@4`, 'lscc/cc@3']);
    ledger.state.put('cc', INITIALIZED, utf8('0.9'), [5n, 0n]);
    expect(await endorser.processProposal(proposal(), never)).toEqual(
      refused("chaincode 'cc' has not been initialized for this version, must call as init first"),
    );
  });

  it('that needs no initialisation is not initialised', async () => {
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()));
    const { response } = await endorser.processProposal(initialization(), never);
    expect(response?.message).toMatch(/: invalid invocation: chaincode 'cc' does not require initialization but called as init$/);
  });

  it('whose definition is replaced while it is looked up is looked up again', async () => {
    let looks = 0;
    const find: Definitions['find'] = async (state, name, channelId) => {
      looks += 1;
      if (looks === 2) throw new SelvageError('DEFINITION_CHANGED', 'chaincode cache at sequence 2 but current sequence is 1');
      return stateDefinitions.find(state, name, channelId);
    };
    const { endorser, ledger } = openEndorser(new ScriptedChaincodes(() => ok()), { definitions: { ...stateDefinitions, find } });
    expect((await endorser.processProposal(proposal(), never)).endorsement).toBeDefined();
    expect(looks).toBe(4);
    expect(ledger.state.openSnapshots).toBe(0);
  });

  it('whose definition never stays is given up', async () => {
    let looks = 0;
    const find: Definitions['find'] = async () => {
      looks += 1;
      throw new SelvageError('DEFINITION_CHANGED', 'chaincode cache at sequence 2 but current sequence is 1');
    };
    const { endorser, ledger } = openEndorser(new ScriptedChaincodes(() => ok()), { definitions: { ...stateDefinitions, find } });
    const { response } = await endorser.processProposal(proposal(), never);
    expect(response).toMatchObject({
      status: 500,
      message: expect.stringMatching(/: chaincode definition for 'cc' changed during invoke$/),
    });
    expect(looks).toBe(5);
    expect(ledger.state.openSnapshots).toBe(0);
  });
});

it('the transient map is in no hash and no payload', async () => {
  const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()));
  const input = protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: { input: { args: [utf8('a')] } } });
  const payloads = [undefined, new Map([['key', utf8('secret')]])].map((transientMap) =>
    protos.ChaincodeProposalPayload.encode({ input, transientMap }),
  );
  const sent = payloads.map((payload) => endorser.processProposal(proposal({ nonce: utf8('same'), payload }), never));
  const [first, second] = await Promise.all(sent);
  expect(first?.payload).toBeDefined();
  expect(second?.payload).toEqual(first?.payload);
});

describe('what the chaincode answers', () => {
  const run = async (status: number, changed = {}) => {
    const event = { chaincodeId: 'cc', txId: 't', eventName: 'e', payload: utf8('p') };
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ({ response: response(status, 'm', 'p'), event })), changed);
    return endorser.processProposal(proposal({ path: 'some/path' }), never);
  };

  it.each([0, 200, 399])('status %d is endorsed as it is', async (status) => {
    const { endorsement, response: answered, payload, version } = await run(status);
    expect({ endorsed: endorsement !== undefined, answered, version }).toEqual({
      endorsed: true,
      answered: response(status, 'm', 'p'),
      version: 1,
    });
    expect(actionIn(payload).chaincodeId).toEqual({ path: 'some/path', name: 'cc', version: '1.0' });
    expect(protos.ChaincodeEvent.decode(actionIn(payload).events).eventName).toBe('e');
  });

  it('the path is left out where the channel has the 2.x lifecycle', async () => {
    const { payload } = await run(200, { channels: channelsOf(memoryChannel(lifecycleBundle('ch'))), definitions: alwaysDefined });
    expect(actionIn(payload).chaincodeId).toEqual({ path: '', name: 'cc', version: '1.0' });
  });

  it.each([400, 499])('status %d comes back alone', async (status) => {
    expect(await run(status)).toEqual({ response: response(status, 'm', 'p'), payload: undefined });
  });

  it('status 500 comes with the payload that nobody signed, without the event', async () => {
    const { endorsement, payload, response: answered } = await run(500);
    expect({ endorsement, answered }).toEqual({ endorsement: undefined, answered: response(500, 'm', 'p') });
    expect(actionIn(payload).response).toEqual({ ...response(500, 'm', 'p'), payload: Buffer.from('p') });
    expect(actionIn(payload).events.length).toBe(0);
  });

  it('in the form of 1.1 a failure is a gRPC error and a success always 200 OK', async () => {
    const old = { options: { answers: '1.1' } };
    await expect(run(400, old)).rejects.toMatchObject({ code: 'PROPOSAL_REFUSED', message: 'chaincode error (status: 400, message: m)' });
    expect((await run(399, old)).response).toEqual({ status: 200, message: 'OK', payload: utf8('p') });
  });
});

describe('private data', () => {
  const writing = (status: number) =>
    new ScriptedChaincodes(({ simulator, chaincode, kind }) => {
      if (chaincode.name === 'lscc') return ok();
      simulator?.putPrivateData('cc', 'secrets', 'k', utf8('v'));
      return { response: response(kind === 'init' ? 200 : status), event: undefined };
    });

  /** Collections of `cc`, all with these members. */
  const define = (ledger: MemoryLedger, counts: { readonly requiredPeerCount?: number; readonly maximumPeerCount?: number } = {}) => {
    const identities = ['Org1MSP', 'Org2MSP', 'Org3MSP'].map((mspIdentifier) => ({
      principalClassification: common.MSPPrincipal_Classification.ROLE,
      principal: common.MSPRole.encode({ mspIdentifier }),
    }));
    const memberOrgsPolicy = { signaturePolicy: { rule: { signedBy: 0 }, identities } };
    const config = [{ staticCollectionConfig: { name: 'secrets', memberOrgsPolicy, ...counts } }];
    ledger.state.put('lscc', 'cc~collection', protos.CollectionConfigPackage.encode({ config }), [1n, 0n]);
  };
  it('is endorsed only where as many other members reach it as the collection requires', async () => {
    const refusal =
      'failed to distribute private collection, txID TX, channel ch: could not build private data dissemination plan for chaincode cc ' +
      'and collection secrets: required to disseminate to at least 2 peers, but know of only 0 eligible peers';
    for (const [lifecycleV20, prefix] of [
      [true, 'error in simulation: '],
      [false, ''],
    ] as const) {
      const { endorser, ledger } = openEndorser(writing(200), { lifecycleV20 });
      define(ledger, { requiredPeerCount: 2, maximumPeerCount: 3 });
      const { response, endorsement } = await endorser.processProposal(proposal(), never);
      expect(response?.message?.replace(/txID [0-9a-f]{64}/, 'txID TX')).toBe(`${prefix}${refusal}`);
      expect([endorsement, ledger.kept]).toEqual([undefined, []]);
    }
  });

  it('of a success is kept before the endorsement goes out', async () => {
    const { endorser, ledger } = openEndorser(writing(200));
    define(ledger);
    ledger.blocks.height = 7n;
    const { endorsement } = await endorser.processProposal(proposal(), never);
    expect(endorsement).toBeDefined();
    expect(ledger.kept.map(({ height }) => height)).toEqual([7n]);
    expect(rwset.TxPvtReadWriteSet.decode(ledger.kept[0]?.rwset ?? new Uint8Array()).nsPvtRwset.map(({ namespace }) => namespace)).toEqual([
      'cc',
    ]);
  });

  it('of a failure is dropped', async () => {
    const { endorser, ledger } = openEndorser(writing(400));
    await endorser.processProposal(proposal(), never);
    expect(ledger.kept).toEqual([]);
  });

  it('that cannot be handed on fails the proposal', async () => {
    const distribute = async () => {
      throw new SelvageError('DISK_FULL', 'no room');
    };
    const { endorser } = openEndorser(writing(200), { privateData: { distribute } });
    expect(await endorser.processProposal(proposal(), never)).toEqual({ response: { status: 500, message: 'no room' } });
  });

  it('is forbidden in a deployment', async () => {
    const { endorser } = openEndorser(writing(200));
    const reply = await endorser.processProposal(deployment(), never);
    expect(reply).toEqual({ response: { status: 500, message: 'Private data is forbidden to be used in instantiate' } });
  });
});

const deployment = (name = 'fresh', args = ['init', 'a']) => {
  const spec = { chaincodeId: { name, version: '1.0' }, input: { args: args.map(utf8) } };
  return proposal({
    chaincode: 'lscc',
    args: ['deploy', 'ch', protos.ChaincodeDeploymentSpec.encode({ chaincodeSpec: spec, codePackage: utf8('evil') })],
  });
};

describe('system chaincodes', () => {
  it.each(['qscc', 'cscc'])('%s gets no simulation and is endorsed with empty results', async (name) => {
    let simulated = true;
    const chaincodes = new ScriptedChaincodes(({ simulator }) => {
      simulated = simulator !== undefined;
      return ok();
    });
    const { endorser } = openEndorser(chaincodes, { options: { systemVersion: 'development build' } });
    const { payload } = await endorser.processProposal(proposal({ chaincode: name }), never);
    expect(simulated).toBe(false);
    expect(actionIn(payload).results.length).toBe(0);
    expect(actionIn(payload).chaincodeId).toEqual({ path: '', name, version: 'development build' });
  });

  it('without a channel only they run, and nothing is endorsed', async () => {
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok('list')));
    for (const chaincode of ['cscc', 'lscc']) {
      const reply = await endorser.processProposal(proposal({ chaincode, channelId: '' }), never);
      expect(reply).toEqual({ response: response(200, '', 'list') });
    }
    const user = await endorser.processProposal(proposal({ channelId: '' }), never);
    expect(user.response).toMatchObject({
      status: 500,
      message: expect.stringMatching(/^make sure the chaincode cc has been successfully instantiated/),
    });
  });
});

describe('an LSCC deployment', () => {
  it('is launched only after LSCC would accept it, then Init runs in the simulation of its definition', async () => {
    const simulators: unknown[] = [];
    const chaincodes = new ScriptedChaincodes((call) => {
      if (call.kind === 'init') call.simulator?.putState('fresh', 'k', utf8('v'));
      else call.simulator?.putState('lscc', 'fresh', utf8('1.0'));
      simulators.push(call.simulator);
      return ok(call.kind === 'init' ? 'of init' : 'of lscc');
    });
    const { endorser, ledger } = openEndorser(chaincodes);
    const held: number[] = [];
    chaincodes.onReady = () => {
      held.push(ledger.state.openSnapshots);
    };
    const reply = await endorser.processProposal(deployment(), never);
    expect(chaincodes.events).toEqual(['transaction lscc:syscc', 'ready fresh:1.0', 'transaction lscc:syscc', 'init fresh:1.0']);
    expect(held).toEqual([0]);
    expect(simulators[2]).toBe(simulators[1]);
    expect(reply.response).toEqual(response(200, '', 'of lscc'));
    const { nsRwset } = rwset.TxReadWriteSet.decode(actionIn(reply.payload).results);
    expect(nsRwset.map(({ namespace }) => namespace)).toEqual(['fresh', 'lscc']);
    expect(ledger.state.openSnapshots).toBe(0);
  });

  it('that LSCC refuses launches nothing', async () => {
    const chaincodes = new ScriptedChaincodes(() => ({ response: response(500, 'chaincode exists fresh'), event: undefined }));
    const { endorser } = openEndorser(chaincodes);
    expect((await endorser.processProposal(deployment(), never)).response?.message).toBe('chaincode exists fresh');
    expect(chaincodes.events).toEqual(['transaction lscc:syscc']);
  });

  it('passes Init the input of the deployment spec', async () => {
    const inputs: unknown[] = [];
    const chaincodes = new ScriptedChaincodes(({ kind, input }) => {
      if (kind === 'init') inputs.push(input.args);
      return ok();
    });
    await openEndorser(chaincodes).endorser.processProposal(deployment('fresh', ['init', 'x']), never);
    expect(inputs).toEqual([[Buffer.from('init'), Buffer.from('x')]]);
  });

  it.each([
    [false, { response: { status: 500, message: 'chaincode error (status: 400, message: bad init)' } }],
    [true, expect.objectContaining({ version: 1 })],
  ])('with an Init that answers an error status fails, unless it is to be as Fabric (%s)', async (ignoreInitStatus, expected) => {
    const chaincodes = new ScriptedChaincodes(({ kind }) =>
      kind === 'init' ? { response: response(400, 'bad init'), event: undefined } : ok(),
    );
    const { endorser } = openEndorser(chaincodes, { options: { ignoreInitStatus } });
    expect(await endorser.processProposal(deployment(), never)).toEqual(expected);
  });

  it('whose Init fails has no prefix of an invocation', async () => {
    const chaincodes = new ScriptedChaincodes(({ kind }) => {
      if (kind === 'init') throw answeredError('no');
      return ok();
    });
    const { endorser } = openEndorser(chaincodes);
    expect((await endorser.processProposal(deployment(), never)).response?.message).toBe('transaction returned with failure: no');
  });

  it.each(['transaction', 'init'])('whose %s fails in the peer leaves no simulation open', async (failing) => {
    const chaincodes = new ScriptedChaincodes(({ kind }) => {
      if (kind === failing) throw new SelvageError('DISK_FULL', 'no room');
      return ok();
    });
    const { endorser, ledger } = openEndorser(chaincodes);
    expect((await endorser.processProposal(deployment(), never)).response?.status).toBe(500);
    expect(ledger.state.openSnapshots).toBe(0);
  });

  it('of a system chaincode is refused', async () => {
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()));
    expect((await endorser.processProposal(deployment('qscc'), never)).response?.message).toBe(
      'attempting to deploy a system chaincode qscc/ch',
    );
  });
});

describe('a caller who leaves', () => {
  it('gets the signal’s reason, and the simulation is closed', async () => {
    const caller = new AbortController();
    const reason = new SelvageError('CANCELLED', 'the call ended');
    const chaincodes = new ScriptedChaincodes((_call, { signal }) => {
      caller.abort(reason);
      signal.throwIfAborted();
      return ok();
    });
    const { endorser, ledger } = openEndorser(chaincodes);
    await expect(endorser.processProposal(proposal(), { signal: caller.signal })).rejects.toBe(reason);
    expect(ledger.state.openSnapshots).toBe(0);
  });
});

describe('endorsement plugins', () => {
  it('are chosen by the definition, one instance per channel', async () => {
    let made = 0;
    const newPlugin = () => {
      made += 1;
      return { endorse: (payload: Uint8Array) => ({ endorsement: { endorser: utf8('me') }, payload }) };
    };
    const definitions = { ...stateDefinitions, find: async () => definition('cc', '1.0', { endorsementPlugin: 'mine' }) };
    const handlers = { filters: [], decorators: [], endorsements: new Map([['mine', { newPlugin }]]) };
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()), { definitions, handlers });
    for (let i = 0; i < 3; i += 1) {
      expect((await endorser.processProposal(proposal(), never)).endorsement).toEqual({ endorser: utf8('me') });
    }
    expect(made).toBe(1);
  });

  it('that are not there fail the proposal', async () => {
    const definitions = { ...stateDefinitions, find: async () => definition('cc', '1.0', { endorsementPlugin: 'absent' }) };
    const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()), { definitions });
    const message = "plugin with name absent could not be used: plugin with name absent wasn't found";
    expect(await endorser.processProposal(proposal(), never)).toEqual({ response: { status: 500, message } });
  });
});

it('what nobody foresaw shows no more than that', async () => {
  const chaincodes = new ScriptedChaincodes(() => {
    throw new TypeError('secret path /etc/x');
  });
  const { endorser } = openEndorser(chaincodes);
  expect((await endorser.processProposal(proposal(), never)).response).toEqual({
    status: 500,
    message: 'error executing chaincode: internal error',
  });
});
