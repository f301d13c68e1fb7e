import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'vitest';
import { comparePayloads, endorseRound } from '../../bench/endorsing.ts';
import { SignedCalls } from '../../bench/signed-calls.ts';
import type { Target } from '../../bench/target.ts';
import type { Workload } from '../../bench/workloads.ts';
import { PeerClient } from '../../src/client/peer-client.ts';
import { GrpcClient } from '../../src/comm/client.ts';
import { listen } from '../../src/comm/server.ts';
import { utf8 } from '../../src/common/bytes.ts';
import { silent } from '../../src/common/log.ts';
import { Scope } from '../../src/common/scope.ts';
import type { Signer } from '../../src/msp/identity.ts';
import { protos } from '../../src/protos/messages.ts';

const never = { signal: new AbortController().signal };
const workload: Workload = { name: 'noop', args: () => ['noop'], preparation: [] };
const signer: Signer = { mspId: 'Org1MSP', serialized: utf8('somebody'), sign: async () => utf8('a signature') };

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

/** An endorser that answers whatever it is told, and remembers what it was asked. */
async function endorser(name: string, answer: { readonly payload?: string; readonly status?: number }, channel = 'c') {
  const asked: Uint8Array[] = [];
  const { payload = 'the same', status = 200 } = answer;
  const response = protos.ProposalResponse.encode({ payload: utf8(payload), response: { status, message: 'as told' } });
  const handle = async (request: Uint8Array): Promise<Uint8Array> => {
    asked.push(Uint8Array.from(request));
    return response;
  };
  const methods = [{ kind: 'unary', path: '/protos.Endorser/ProcessProposal', handle } as const];
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods, log: silent }));
  const address = `127.0.0.1:${server.port}`;
  const target: Target = scope.use({
    spec: { name, peer: { address }, mspPath: '/msp', mspId: 'Org1MSP', channel, chaincode: 'kv-node' },
    peer: new PeerClient({ address }),
    lanes: [new GrpcClient({ address }), new GrpcClient({ address })],
    orderer: undefined,
    signer,
    call: (args) => ({ channelId: channel, chaincode: 'kv-node', args }),
    [Symbol.dispose]: () => {
      for (const each of [target.peer, ...target.lanes]) each[Symbol.dispose]();
    },
  });
  return { target, asked };
}

describe('Endorsers of one network', () => {
  it('are handed the same calls and have to answer with the same payload', async () => {
    const [a, b] = [await endorser('a', {}), await endorser('b', {})];
    assert.equal(await comparePayloads([a.target, b.target], workload, never), 1);
    assert.deepEqual(a.asked, b.asked);
  });

  it('are told apart when they do not', async () => {
    const [a, b] = [await endorser('a', {}), await endorser('b', { payload: 'other' })];
    const told = `one call of noop has different payloads:\na: ${Buffer.from('the same').toString('hex')}\nb: ${Buffer.from('other').toString('hex')}`;
    await assert.rejects(comparePayloads([a.target, b.target], workload, never), { message: told });
  });

  it('are not compared across networks', async () => {
    const [a, b] = [await endorser('a', {}), await endorser('b', { payload: 'other' }, 'another')];
    assert.equal(await comparePayloads([a.target, b.target], workload, never), 0);
  });
});

describe('A round', () => {
  it('makes the calls that were signed for it, each once', async () => {
    const { target, asked } = await endorser('a', {});
    const calls = await new SignedCalls(workload).for(target, 10);
    const { calls: made } = await endorseRound(target, { workload: 'noop', calls, inFlight: 4, forMs: Number.POSITIVE_INFINITY }, never);
    assert.equal(made, 10);
    assert.equal(new Set(asked.map((bytes) => Buffer.from(bytes).toString('hex'))).size, 10);
  });

  it('ends with the first call that is refused', async () => {
    const { target } = await endorser('a', { status: 500 });
    const calls = await new SignedCalls(workload).for(target, 1);
    const load = { workload: 'noop', calls, inFlight: 1, forMs: Number.POSITIVE_INFINITY };
    await assert.rejects(endorseRound(target, load, never), { message: `${target.spec.peer.address} refused noop: as told` });
  });
});
