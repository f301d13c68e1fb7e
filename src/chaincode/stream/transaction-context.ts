import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { Serial } from '../../common/serial.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import type { protos } from '../../protos/messages.ts';
import type { ProposalContext } from '../chaincodes.ts';
import type { CollectionPermissions } from './collection-access.ts';
import type { ReceivedMessage } from './connection.ts';
import { OpenQueries } from './open-queries.ts';

/** One INIT or TRANSACTION for the chaincode at the other end. */
export interface StreamCall {
  readonly kind: 'init' | 'transaction';
  /** The namespace it reads and writes: the name the peer knows it by, never what it says of itself. */
  readonly namespace: string;
  readonly input: protos.ChaincodeInputInit;
  /** `channelId` is the channel it runs on, which a call across channels makes another than the client's. */
  readonly proposal: ProposalContext;
  readonly simulator: TxSimulator | undefined;
}

/** What one transaction holds open while its chaincode talks to us. Its requests run one at a time, in order. */
export class TransactionContext implements AsyncDisposable {
  readonly call: StreamCall;
  readonly queries: OpenQueries;
  /** Permissions found so far, by collection: they are asked for once per transaction. */
  readonly permissions = new Map<string, CollectionPermissions>();
  readonly #answer = deferred<ReceivedMessage>();
  readonly #serial = new Serial();
  readonly #over = new AbortController();
  readonly #forget: () => void;
  #accepting = true;

  /** @param forget called when the context is gone and its transaction id may be used again */
  constructor(call: StreamCall, { maxOpenQueries, forget }: { readonly maxOpenQueries: number; readonly forget: () => void }) {
    this.call = call;
    this.queries = new OpenQueries(maxOpenQueries);
    this.#forget = forget;
    this.#answer.promise.catch(() => undefined); // a stream may end while nobody waits yet
  }

  /** COMPLETED or ERROR from the chaincode; rejects when the stream ends before. */
  get answer(): Promise<ReceivedMessage> {
    return this.#answer.promise;
  }

  /** Aborts when the transaction is over: requests that wait for something else give up then. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** False after the chaincode answered or the caller gave up. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /** Runs a request after those before it. The work must not reject; it is run even when the transaction ends meanwhile. */
  run(request: () => Promise<void>): void {
    void this.#serial.run(request);
  }

  /** The chaincode's answer counts once all requests that came before it are served. */
  finish(answer: ReceivedMessage): void {
    this.#accepting = false;
    void this.#serial.run(() => this.#answer.resolve(answer));
  }

  fail(reason: Error): void {
    this.#accepting = false;
    this.#answer.reject(reason);
    this.#over.abort(reason);
  }

  /** Waits for the running request before it closes what that may be reading (cf. hyperledger/fabric#5048). */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#accepting = false;
    this.#over.abort(new SelvageError('CANCELLED', 'the transaction is over'));
    await this.#serial.idle();
    try {
      await this.queries[Symbol.asyncDispose]();
    } finally {
      this.#forget();
    }
  }
}
