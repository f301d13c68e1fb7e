import { afterEach, describe, expect, it } from 'vitest';
import { scriptedOrderer, scriptedPeer } from '../../../test/fakes/scripted-network.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import { deferred } from '../../common/deferred.ts';
import { Scope } from '../../common/scope.ts';
import type { Signer } from '../../msp/identity.ts';
import type { DevClients } from '../../node/dev/dev-clients.ts';
import { common, kvrwset, protos, rwset } from '../../protos/messages.ts';
import type { Facts, Reporter } from './reporter.ts';
import { runTour } from './tour.ts';

const never = new AbortController().signal;
const signer: Signer = { mspId: 'Org1MSP', serialized: utf8('creator'), sign: () => utf8('signature') };
const { VALID, MVCC_READ_CONFLICT } = protos.TxValidationCode;

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

/** A peer at height 7 whose chaincode writes its first argument and answers with all of them. */
async function clients(code: number): Promise<DevClients> {
  const ordered = deferred<string>();
  const peer = await scriptedPeer(scope, {
    endorse: ({ proposalBytes }) => {
      const { payload } = protos.Proposal.decode(proposalBytes);
      const { chaincodeSpec } = protos.ChaincodeInvocationSpec.decode(protos.ChaincodeProposalPayload.decode(payload).input);
      const args = chaincodeSpec?.input?.args.map(textOf) ?? [];
      if (chaincodeSpec?.chaincodeId?.name === 'qscc')
        return { response: { status: 200, payload: common.BlockchainInfo.encode({ height: 7n }) } };
      return { response: { status: 200, payload: utf8(args.join('+')) }, payload: written(args[1] ?? '') };
    },
    deliver: async function* () {
      yield { filteredBlock: { number: 7n } };
      yield { filteredBlock: { number: 8n, filteredTransactions: [{ txid: await ordered.promise, txValidationCode: code }] } };
    },
  });
  const orderer = await scriptedOrderer(scope, {
    broadcast: (envelope) => {
      const { header } = common.Payload.decode(common.Envelope.decode(envelope).payload);
      ordered.resolve(common.ChannelHeader.decode(header?.channelHeader ?? utf8('')).txId);
      return { status: common.Status.SUCCESS };
    },
  });
  const client = { peer, signer, mspId: 'Org1MSP' };
  return {
    channel: 'mychannel',
    channels: ['mychannel'],
    lifecycle: 1,
    admins: [client],
    user: client,
    orderer,
    [Symbol.dispose]: () => undefined,
  };
}

function written(key: string): Uint8Array {
  const set = kvrwset.KVRWSet.encode({ writes: [{ key, value: utf8('1') }] });
  const results = rwset.TxReadWriteSet.encode({ nsRwset: [{ namespace: 'mycc', rwset: set }] });
  return protos.ProposalResponsePayload.encode({ extension: protos.ChaincodeAction.encode({ results }) });
}

function recording() {
  const steps: [string, string, Facts][] = [];
  const details: string[] = [];
  const reporter: Reporter = {
    step: (name, text, _ms, facts) => void steps.push([name, text, facts]),
    detail: (line) => void details.push(line),
    problem: () => undefined,
    fact: () => undefined,
    build: () => undefined,
    output: () => undefined,
  };
  return { steps, details, reporter };
}

describe('a tour', () => {
  it('makes the calls in order and shows what they did', async () => {
    const { steps, details, reporter } = recording();
    const parts = { clients: await clients(VALID), chaincode: 'mycc', reporter };
    const tour = [
      { kind: 'invoke', args: ['Create', 'a{n}'] },
      { kind: 'query', args: ['Read', 'a{n}', '{n}'] },
    ] as const;
    await runTour(tour, parts, { signal: never });
    expect(steps.map(([name, text]) => [name, text])).toEqual([
      ['invoke', 'Create a7'],
      ['query', 'Read a7 7'],
    ]);
    expect(steps[0]?.[2]).toMatchObject({ args: ['Create', 'a7'], result: 'Create+a7', block: 8, code: 'VALID' });
    expect(details).toEqual([
      '→ Create+a7',
      'mycc: write  a7 = 1',
      expect.stringMatching(/^block 8, transaction [0-9a-f]{12}…, VALID$/),
      '→ Read+a7+7',
    ]);
  });

  it('ends at a transaction that was invalidated', async () => {
    const problems: string[] = [];
    const { steps, reporter: usual } = recording();
    const reporter: Reporter = { ...usual, problem: (name, text) => problems.push(`${name} ${text}`) };
    const parts = { clients: await clients(MVCC_READ_CONFLICT), chaincode: 'mycc', reporter };
    const tour = [
      { kind: 'invoke', args: ['Create', 'a'] },
      { kind: 'query', args: ['Read', 'a'] },
    ] as const;
    await expect(runTour(tour, parts, { signal: never })).rejects.toMatchObject({
      code: 'REFUSED_BY_PEER',
      message: expect.stringContaining('was invalidated: MVCC_READ_CONFLICT'),
    });
    expect({ steps, problems }).toEqual({ steps: [], problems: ['invoke Create a'] });
  });

  it('may be none', async () => {
    const { steps, reporter } = recording();
    await runTour([], { clients: {} as DevClients, chaincode: 'mycc', reporter }, { signal: never });
    expect(steps).toEqual([]);
  });
});
