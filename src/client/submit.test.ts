import { afterEach, describe, expect, it } from 'vitest';
import { type PeerScript, scriptedOrderer, scriptedPeer } from '../../test/fakes/scripted-network.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { Scope } from '../common/scope.ts';
import type { Signer } from '../msp/identity.ts';
import { common, protos } from '../protos/messages.ts';
import { evaluate, submit } from './submit.ts';

const never = new AbortController().signal;
const signer: Signer = { mspId: 'Org1MSP', serialized: utf8('creator'), sign: (message) => utf8(`signed ${message.length}`) };
const spec = { channelId: 'mychannel', chaincode: 'mycc', args: ['put', 'a'] };
const { VALID, MVCC_READ_CONFLICT } = protos.TxValidationCode;

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const endorsement = (payload = 'payload') => ({
  response: { status: 200, payload: utf8('result') },
  payload: utf8(payload),
  endorsement: { endorser: utf8('peer'), signature: utf8('s') },
});

const txIdIn = (envelope: Uint8Array): string => {
  const { header } = common.Payload.decode(common.Envelope.decode(envelope).payload);
  return common.ChannelHeader.decode(header?.channelHeader ?? utf8('')).txId;
};

const block = (number: bigint, txid?: string, code: number = VALID): protos.DeliverResponseInit => ({
  filteredBlock: { number, filteredTransactions: txid === undefined ? [] : [{ txid, txValidationCode: code }] },
});

/** One peer that endorses and commits what the orderer was given, as `code`. What happens is told in order. */
async function network({ code = VALID, ...script }: PeerScript & { readonly code?: number } = {}) {
  const events: string[] = [];
  const ordered = deferred<string>();
  const left = deferred<void>();
  const peer = await scriptedPeer(scope, {
    endorse: () => endorsement(),
    deliver: async function* (_, { signal }) {
      signal.addEventListener('abort', () => left.resolve());
      events.push('listening');
      yield block(4n);
      yield block(5n, await ordered.promise, code);
    },
    ...script,
  });
  const orderer = await scriptedOrderer(scope, {
    broadcast: (envelope) => {
      events.push('ordered');
      ordered.resolve(txIdIn(envelope));
      return { status: common.Status.SUCCESS };
    },
  });
  return { peer, orderer, events, left: left.promise };
}

describe('a query', () => {
  it('gives what the chaincode answered', async () => {
    const { peer } = await network();
    expect(textOf((await evaluate(peer, signer, spec, { signal: never })).payload)).toBe('result');
  });

  it('is refused with the words of the peer', async () => {
    const peer = await scriptedPeer(scope, { endorse: () => ({ response: { status: 500, message: 'no such function' } }) });
    await expect(evaluate(peer, signer, spec, { signal: never })).rejects.toMatchObject({
      code: 'REFUSED_BY_PEER',
      message: 'bad proposal response 500: no such function',
      details: { status: 500, address: peer.address },
    });
  });
});

describe('a transaction', () => {
  it('is handed in once somebody listens, and waited for', async () => {
    const { peer, orderer, events, left } = await network();
    const { commit, response, proposal } = await submit({ signer, endorsers: [peer], orderer, listeners: [peer] }, spec, { signal: never });
    expect(events).toEqual(['listening', 'ordered']);
    expect(commit).toEqual({ blockNumber: 5n, code: VALID, codeName: 'VALID' });
    expect(textOf(response.payload)).toBe('result');
    expect(proposal.txId).toMatch(/^[0-9a-f]{64}$/);
    await left;
  });

  it('that is invalid is a value', async () => {
    const { peer, orderer } = await network({ code: MVCC_READ_CONFLICT });
    const { commit } = await submit({ signer, endorsers: [peer], orderer, listeners: [peer] }, spec, { signal: never });
    expect(commit).toMatchObject({ code: MVCC_READ_CONFLICT, codeName: 'MVCC_READ_CONFLICT' });
  });

  it('is not waited for when nobody is to listen', async () => {
    const { peer, orderer, events } = await network();
    expect((await submit({ signer, endorsers: [peer], orderer }, spec, { signal: never })).commit).toBeUndefined();
    expect(events).toEqual(['ordered']);
  });

  it('is not ordered when one endorser refuses, or two disagree', async () => {
    const { peer, orderer, events } = await network();
    const refusing = await scriptedPeer(scope, { endorse: () => ({ response: { status: 500, message: 'no' } }) });
    const other = await scriptedPeer(scope, { endorse: () => endorsement('another') });
    const from = (...endorsers: (typeof peer)[]) => submit({ signer, endorsers, orderer }, spec, { signal: never });
    await expect(from(peer, refusing)).rejects.toMatchObject({
      code: 'REFUSED_BY_PEER',
      details: { address: refusing.address },
      advice: `Of the 2 peers that were asked, the one at ${refusing.address} refused.`,
    });
    await expect(from(peer, other)).rejects.toMatchObject({ message: expect.stringContaining('ProposalResponsePayloads do not match') });
    await expect(from()).rejects.toMatchObject({ code: 'REFUSED_BY_PEER' });
    expect(events).toEqual([]);
  });

  it('that the orderer refuses has its words, and nobody listens any longer', async () => {
    const { peer, left } = await network();
    const orderer = await scriptedOrderer(scope, { broadcast: () => ({ status: common.Status.SERVICE_UNAVAILABLE, info: 'no leader' }) });
    await expect(submit({ signer, endorsers: [peer], orderer, listeners: [peer] }, spec, { signal: never })).rejects.toMatchObject({
      code: 'REFUSED_BY_PEER',
      message: 'got unexpected status: SERVICE_UNAVAILABLE -- no leader',
    });
    await left;
  });

  it('is not ordered when nobody can listen', async () => {
    const { peer, orderer, events } = await network({
      deliver: async function* () {
        yield { status: common.Status.FORBIDDEN };
      },
    });
    await expect(submit({ signer, endorsers: [peer], orderer, listeners: [peer] }, spec, { signal: never })).rejects.toMatchObject({
      code: 'REFUSED_BY_PEER',
      details: { status: 403 },
    });
    expect(events).toEqual([]);
  });

  it('is lost sight of when the peer stops delivering', async () => {
    const { peer, orderer } = await network({
      deliver: async function* () {
        yield block(4n);
        yield { status: common.Status.SUCCESS };
      },
    });
    await expect(submit({ signer, endorsers: [peer], orderer, listeners: [peer] }, spec, { signal: never })).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
    });
  });

  it('is no longer waited for when the caller leaves', async () => {
    const leaving = new AbortController();
    const { peer, left } = await network();
    const orderer = await scriptedOrderer(scope, {
      broadcast: () => {
        leaving.abort(new Error('the caller left'));
        return { status: common.Status.SUCCESS };
      },
    });
    const submitted = submit({ signer, endorsers: [peer], orderer, listeners: [peer] }, spec, { signal: leaving.signal });
    await expect(submitted).rejects.toThrow('the caller left');
    await left;
  });
});
