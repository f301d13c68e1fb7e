/** A peer that runs the recorded chaincode of the rich queries: its own ledger and its own service of chaincode's requests. */

import { Type } from '../../src/chaincode/stream/message-types.ts';
import { answer } from '../../src/chaincode/stream/requests/answer.ts';
import type { RequestParts } from '../../src/chaincode/stream/requests/request.ts';
import { TransactionContext } from '../../src/chaincode/stream/transaction-context.ts';
import { textOf, utf8 } from '../../src/common/bytes.ts';
import { configTransaction, endorsed } from '../../src/ledger/commit/test-block.contract.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { FolderLedgerProvider } from '../../src/ledger/ledger-provider.ts';
import type { SimulationResult } from '../../src/ledger/simulator/tx-simulator.ts';
import { LifecycleCollectionAccess } from '../../src/lifecycle/lifecycle-collections.ts';
import { committedName, definitionRecord } from '../../src/lifecycle/lifecycle-definition.ts';
import { LIFECYCLE, readSequence, writeRecord } from '../../src/lifecycle/records.ts';
import { blockDataHash } from '../../src/protos/hashes.ts';
import { common, kvrwset, protos, queryresult, rwset } from '../../src/protos/messages.ts';
import { lifecycleChannel } from '../fakes/lifecycle-channel.ts';
import { lifecycleDefinition } from '../fakes/lifecycle-definition.ts';

type KeyValue = readonly [key: string, value: string, isBase64?: boolean];

/** One call of the chaincode. */
export interface Step {
  readonly op: 'q' | 'page' | 'pvt' | 'get' | 'put' | 'puts' | 'del' | 'putpvt' | 'getpvt' | 'range' | 'rangepage' | 'pvtrange';
  readonly query?: string;
  readonly coll?: string;
  readonly k?: string;
  readonly v?: string;
  readonly kv?: readonly KeyValue[];
  readonly s?: string;
  readonly e?: string;
  readonly size?: number;
  readonly bookmark?: string;
  readonly take?: number;
}

/** What the chaincode got for it. */
export interface StepResult {
  readonly results?: readonly (readonly [string, string])[];
  readonly metadata?: { readonly bookmark: string; readonly fetchedRecordsCount: number };
  readonly closed?: boolean;
  readonly value?: string;
  readonly error?: string;
}

const CHANNEL = 'mychannel';
const CHAINCODE = 'richcc';
/** Where shims begin a range that has no start: behind all composite keys. */
const AFTER_COMPOSITE = '\u0001';
const TX_ID = 'recorded-transaction';

export class RecordedPeer {
  readonly #ledger: Ledger;
  readonly #totalQueryLimit: number;

  private constructor(ledger: Ledger, totalQueryLimit: number) {
    this.#ledger = ledger;
    this.#totalQueryLimit = totalQueryLimit;
  }

  /** A ledger with the genesis block, an empty one, and the definition of the chaincode in block 2. */
  static async create(provider: FolderLedgerProvider, { totalQueryLimit }: { readonly totalQueryLimit: number }): Promise<RecordedPeer> {
    const genesis = blockOf({ number: 0n, previousHash: new Uint8Array(0) }, [
      configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } })),
    ]);
    const peer = new RecordedPeer(await provider.create(CHANNEL, genesis), totalQueryLimit);
    await peer.#commit(undefined);
    await using simulator = await peer.#ledger.simulate(TX_ID);
    await writeRecord(committedName(CHAINCODE), definitionRecord(DEFINITION), {
      get: (key) => simulator.getState(LIFECYCLE, key),
      put: (key, value) => simulator.putState(LIFECYCLE, key, value),
      delete: () => undefined,
    });
    await peer.#commit(await simulator.result());
    return peer;
  }

  get indexes(): Ledger['indexes'] {
    return this.#ledger.indexes;
  }

  /** Runs the calls of a transaction as a peer does that endorses it. */
  async endorse(steps: readonly Step[]): Promise<{ readonly results: readonly StepResult[]; readonly simulation: SimulationResult }> {
    await using simulator = await this.#ledger.simulate(TX_ID);
    await readSequence(CHAINCODE, { get: (key) => simulator.getState(LIFECYCLE, key) });
    const proposal = {
      signedProposal: { proposalBytes: utf8(''), signature: utf8('') },
      channelId: CHANNEL,
      txId: TX_ID,
      creator: utf8(''),
    };
    const context = new TransactionContext(
      { kind: 'transaction', namespace: CHAINCODE, input: {}, proposal, simulator },
      { maxOpenQueries: 10, forget: () => undefined },
    );
    const chaincode = new RecordedChaincode(context, this.#totalQueryLimit);
    const results: StepResult[] = [];
    for (const step of steps) results.push(await chaincode.run(step));
    await context.close();
    return { results, simulation: await simulator.result() };
  }

  /** Runs the calls and commits what they wrote in a block of its own. @returns its number */
  async commit(steps: readonly Step[]): Promise<bigint> {
    const { simulation } = await this.endorse(steps);
    return this.#commit(simulation);
  }

  async #commit(simulation: SimulationResult | undefined): Promise<bigint> {
    const { height: number, currentBlockHash: previousHash } = this.#ledger.blocks.info();
    const data = simulation === undefined ? [] : [endorsed(`${TX_ID}-${number}`, simulation.publicRwset)];
    const flags = new Uint8Array(data.length).fill(protos.TxValidationCode.VALID);
    const privateData = simulation?.privateRwset === undefined ? undefined : new Map([[0, [simulation.privateRwset]]]);
    const outcome = await this.#ledger.commit({ block: blockOf({ number, previousHash }, data), flags, reasons: [], privateData });
    if (outcome.reasons.length > 0) throw new Error(`block ${number}: ${outcome.reasons[0]?.message}`);
    return number;
  }
}

const DEFINITION = lifecycleDefinition({
  collections: {
    config: [
      {
        staticCollectionConfig: {
          name: 'collA',
          memberOrgsPolicy: { signaturePolicy: { rule: { nOutOf: { n: 1, rules: [{ signedBy: 0 }] } } } },
        },
      },
    ],
  },
});

function blockOf(
  { number, previousHash }: { readonly number: bigint; readonly previousHash: Uint8Array },
  data: readonly Uint8Array[],
): common.Block {
  return {
    header: { number, previousHash, dataHash: blockDataHash({ data }) },
    data: { data },
    metadata: { metadata: [] },
  };
}

/** The chaincode's side: what a shim does with the answers. */
class RecordedChaincode {
  readonly #context: TransactionContext;
  readonly #parts: RequestParts;

  constructor(context: TransactionContext, totalQueryLimit: number) {
    this.#context = context;
    const { channels } = lifecycleChannel(CHANNEL);
    let ids = 0;
    this.#parts = {
      calls: { isSystem: () => false, call: () => Promise.reject(new Error('nothing is called')) } as never,
      collections: new LifecycleCollectionAccess({
        channels,
        legacy: { permissions: () => Promise.reject(new Error('nothing is legacy')) },
      }),
      capabilities: () => ({ keyLevelEndorsement: true, purgePvtData: true }) as never,
      newQueryId: () => `query-${++ids}`,
      totalQueryLimit,
    };
  }

  async run(step: Step): Promise<StepResult> {
    try {
      return await this.#run(step);
    } catch (thrown) {
      return { error: (thrown instanceof Error ? thrown.message : String(thrown)).replaceAll(TX_ID, '<txid>') };
    }
  }

  async #run({
    op,
    query = '',
    coll: collection = '',
    k: key = '',
    v = '',
    kv = [],
    s = '',
    e = '',
    size,
    bookmark = '',
    take,
  }: Step): Promise<StepResult> {
    const metadata = size === undefined ? utf8('') : protos.QueryMetadata.encode({ pageSize: size, bookmark });
    switch (op) {
      case 'q':
      case 'page':
      case 'pvt':
        return this.#results(Type.GET_QUERY_RESULT, protos.GetQueryResult.encode({ query, collection, metadata }), take);
      case 'range':
      case 'rangepage':
      case 'pvtrange':
        return this.#results(
          Type.GET_STATE_BY_RANGE,
          protos.GetStateByRange.encode({ startKey: s || AFTER_COMPOSITE, endKey: e, collection, metadata }),
          take,
        );
      case 'get':
      case 'getpvt': {
        const value = await this.#ask(Type.GET_STATE, protos.GetState.encode({ key, collection }));
        return { value: base64(value) };
      }
      case 'del':
        await this.#ask(Type.DEL_STATE, protos.DelState.encode({ key }));
        return {};
      case 'put':
        await this.#ask(Type.PUT_STATE, protos.PutState.encode({ key, value: utf8(v) }));
        return {};
      case 'puts':
      case 'putpvt':
        for (const [each, text, isBase64] of kv) {
          const value = isBase64 === true ? new Uint8Array(Buffer.from(text, 'base64')) : utf8(text);
          await this.#ask(Type.PUT_STATE, protos.PutState.encode({ key: each, value, collection }));
        }
        return {};
    }
  }

  async #results(type: number, request: Uint8Array, take = Number.POSITIVE_INFINITY): Promise<StepResult> {
    let response = protos.QueryResponse.decode(await this.#ask(type, request));
    const metadata = response.metadata.length === 0 ? undefined : protos.QueryResponseMetadata.decode(response.metadata);
    const results: (readonly [string, string])[] = [];
    for (;;) {
      for (const { resultBytes } of response.results) {
        if (results.length === take) break;
        const { key, value } = queryresult.KV.decode(resultBytes);
        results.push([key, base64(value)]);
      }
      if (results.length >= take) {
        await this.#ask(Type.QUERY_STATE_CLOSE, protos.QueryStateClose.encode({ id: response.id }));
        return { results, ...(metadata && { metadata }), closed: true };
      }
      if (!response.hasMore) return { results, ...(metadata && { metadata }) };
      response = protos.QueryResponse.decode(await this.#ask(Type.QUERY_STATE_NEXT, protos.QueryStateNext.encode({ id: response.id })));
    }
  }

  /** @throws {Error} with the text that the chaincode gets */
  async #ask(type: number, payload: Uint8Array): Promise<Uint8Array> {
    const request = {
      type,
      payload,
      txid: TX_ID,
      channelId: CHANNEL,
      timestamp: undefined,
      proposal: undefined,
      chaincodeEvent: undefined,
    };
    const { message } = await answer(request, this.#context, this.#parts);
    const answered = message.payload ?? new Uint8Array(0);
    if (message.type !== Type.RESPONSE) throw new Error(textOf(answered));
    return answered;
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The read-write sets as the recordings have them. */
export function decodedRwset({ publicRwset }: SimulationResult) {
  const namespaces = rwset.TxReadWriteSet.decode(publicRwset).nsRwset.filter(({ namespace }) => namespace !== '_lifecycle');
  return Object.fromEntries(
    namespaces.map(({ namespace, rwset: bytes }) => {
      const { reads, writes } = kvrwset.KVRWSet.decode(bytes);
      return [
        namespace,
        {
          reads: reads.map(({ key, version }) => [key, [Number(version?.blockNum ?? 0n), Number(version?.txNum ?? 0n)]]),
          writes: writes.length,
        },
      ];
    }),
  );
}
