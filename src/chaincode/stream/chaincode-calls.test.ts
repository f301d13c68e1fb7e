import { describe, expect, it } from 'vitest';
import { MemorySimulator } from '../../../test/fakes/memory-simulator.ts';
import { proposal } from '../../../test/fakes/proposals.ts';
import type { Channel } from '../../channel/channel.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { ChaincodeDefinition, StateReads } from '../../lifecycle/definitions.ts';
import type { ChaincodeCall } from '../chaincodes.ts';
import type { SystemChaincode } from '../system.ts';
import { LocalChaincodeCalls } from './chaincode-calls.ts';

const never = new AbortController().signal;

const scc = (name: string, fromChaincode: boolean): [string, SystemChaincode] => [
  name,
  { name, fromProposal: true, fromChaincode, invoke: async () => ({ status: 200, message: '', payload: utf8('') }) },
];

/** A peer on channels `ch` and `other`, where `callee` is defined on both. */
function peer({ refuse = '', lifecycleV20 = false }: { readonly refuse?: string; readonly lifecycleV20?: boolean } = {}) {
  const events: string[] = [];
  const simulators: MemorySimulator[] = [];
  const calls: ChaincodeCall[] = [];
  const channel = (id: string) =>
    ({
      id,
      bundle: () => ({ channelId: id, application: { capabilities: { lifecycleV20, level: lifecycleV20 ? 'V2_0' : '' } } }),
      ledger: {
        simulate: async (txId: string) => {
          const simulator = new MemorySimulator({}, { channelId: id, txId });
          simulators.push(simulator);
          return simulator;
        },
      },
    }) as unknown as Channel;
  const definition = { name: 'callee', version: '2.0', ccid: 'callee:2.0' } as ChaincodeDefinition;
  const fail = (at: string) => {
    events.push(at);
    if (refuse === at) throw new SelvageError('ACCESS_DENIED', `${at} refused`);
  };
  const local = new LocalChaincodeCalls({
    system: new Map([scc('qscc', true), scc('cscc', false)]),
    channels: { get: (id) => (['ch', 'other'].includes(id) ? channel(id) : undefined), list: () => [] },
    acl: {
      check: async (resource, { channelId }, subject) =>
        fail(`acl ${resource} ${channelId} ${'signature' in subject ? textOf(subject.signature) : ''}`),
      checkLocal: async () => undefined,
    },
    definitions: {
      find: async (state: StateReads, name: string) => {
        events.push(`find ${name} on ${state instanceof MemorySimulator ? state.channelId : 'a snapshot'}`);
        return name === 'callee' ? definition : undefined;
      },
      checkRunnable: async () => fail('runnable'),
    },
    chaincodes: {
      makeReady: async ({ ccid }) => fail(`ready ${ccid}`),
      answerOf: async (call) => {
        fail(`call ${call.chaincode.ccid} on ${call.proposal.channelId}`);
        calls.push(call);
        return utf8('answer');
      },
    },
  });
  const proposed = {
    signedProposal: { proposalBytes: proposal({ channelId: 'ch' }).proposalBytes, signature: utf8('of alice') },
    channelId: 'ch',
    txId: 't',
    creator: utf8('alice'),
  };
  const simulator = new MemorySimulator({}, { channelId: 'ch' });
  const caller = { kind: 'transaction' as const, namespace: 'caller', input: {}, proposal: proposed, simulator };
  const call = (name: string, channelId = 'ch') =>
    local.call(caller, { name, channelId, input: { args: [utf8('f')], decorations: new Map([['d', utf8('forged')]]) } }, { signal: never });
  return { call, events, simulators, calls, simulator, caller, local };
}

describe('a call between chaincodes', () => {
  it('on the same channel runs in the caller’s simulation', async () => {
    const { call, events, calls, simulator, simulators } = peer();
    expect(textOf(await call('callee'))).toBe('answer');
    expect(events).toEqual([
      'acl peer/ChaincodeToChaincode ch of alice',
      'find callee on ch',
      'runnable',
      'ready callee:2.0',
      'call callee:2.0 on ch',
    ]);
    expect(calls[0]?.simulator).toBe(simulator);
    expect(calls[0]?.input).toEqual({ args: [utf8('f')], isInit: undefined });
    expect(calls[0]?.proposal).toMatchObject({ txId: 't', creator: utf8('alice') });
    expect(simulator.disposed).toBe(false);
    expect(simulators).toEqual([]);
  });

  it('on another channel gets a simulation of its own, which is thrown away however it ends', async () => {
    for (const refuse of ['', 'call callee:2.0 on other', 'ready callee:2.0', 'runnable']) {
      const { call, events, calls, simulators, simulator } = peer({ refuse });
      const called = call('callee', 'other');
      if (refuse === '') await called;
      else await expect(called).rejects.toThrow(`execute failed: ${refuse} refused`);
      expect(events.slice(0, 2)).toEqual(['acl peer/ChaincodeToChaincode other of alice', 'find callee on other']);
      expect(simulators.map(({ channelId, disposed }) => [channelId, disposed])).toEqual([['other', true]]);
      expect(simulator.disposed).toBe(false);
      if (refuse === '') expect(calls[0]).toMatchObject({ simulator: simulators[0], proposal: { channelId: 'other' } });
    }
  });

  it('needs the client’s right on the called channel', async () => {
    const { call, events, simulators } = peer({ refuse: 'acl peer/ChaincodeToChaincode other of alice' });
    await expect(call('callee', 'other')).rejects.toMatchObject({ code: 'ACCESS_DENIED', message: /^acl/ });
    expect(events).toHaveLength(1);
    expect(simulators).toEqual([]);
  });

  it('fails for a channel or chaincode that is not here', async () => {
    const { call } = peer();
    await expect(call('callee', 'nowhere')).rejects.toThrow('Failed to get policy manager for channel [nowhere]');
    await expect(call('qscc', 'nowhere')).rejects.toThrow('failed to find ledger for channel: nowhere');
    await expect(call('ghost')).rejects.toThrow(
      'execute failed: invalid invocation: [channel ch] failed to get chaincode container info for ghost: chaincode ghost not found',
    );
  });

  it('reaches system chaincode that allows it, without access control', async () => {
    const { call, events } = peer();
    await call('qscc');
    expect(events).toEqual(['ready qscc:syscc', 'call qscc:syscc on ch']);
    await expect(call('cscc')).rejects.toThrow('system chaincode cscc cannot be invoked with a cc2cc invocation');
    expect(textOf(await peer({ lifecycleV20: true }).call('cscc'))).toBe('answer');
  });
});
