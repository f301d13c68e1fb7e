import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { Serial } from '../../common/serial.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import type { CollectionPermissions } from '../../lifecycle/collection-access.ts';
import type { protos } from '../../protos/messages.ts';
import type { ProposalContext } from '../chaincodes.ts';
import type { UnhandledRejection } from '../output/unhandled-rejections.ts';
import type { ReceivedMessage } from '../ports/connection.ts';
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

const MAX_PRINTED = 20;

/** What one transaction holds open while its chaincode talks to us. Its requests run one at a time, in order. */
export class TransactionContext implements AsyncDisposable {
  readonly call: StreamCall;
  readonly queries: OpenQueries;
  /** Permissions found so far, by collection: they are asked for once per transaction. */
  readonly permissions = new Map<string, CollectionPermissions>();
  /** The text of the refusal that its last request got, until it asks for something else. */
  refusal: Uint8Array | undefined;
  /** What failed unhandled while it ran, if it has been silent since then (of `performance.now`). */
  suspicion: { readonly rejection: UnhandledRejection; readonly sinceMs: number } | undefined;
  readonly #printed: string[] = [];
  readonly #answer = deferred<ReceivedMessage>();
  readonly #serial = new Serial();
  readonly #forget: () => void;
  #accepting = true;
  #leave: () => void = () => undefined;
  /** Made when somebody asks for it: most transactions wait for nothing but their chaincode. */
  #abort: AbortController | undefined;
  #end: { readonly reason: Error | undefined } | undefined;

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
    this.#abort ??= new AbortController();
    if (this.#end !== undefined) this.#abort.abort(this.#reason());
    return this.#abort.signal;
  }

  /** The last lines that the chaincode printed for this transaction. */
  get printed(): readonly string[] {
    return this.#printed;
  }

  print(line: string): void {
    this.#printed.push(line);
    if (this.#printed.length > MAX_PRINTED) this.#printed.shift();
  }

  /** Whether the transaction is over. */
  get over(): boolean {
    return this.#end !== undefined;
  }

  /** False after the chaincode answered or the caller gave up. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /** Runs a request after those before it. The work must not reject; it is run even when the transaction ends meanwhile. */
  run(request: () => Promise<void>): void {
    void this.#serial.run(request);
  }

  /** Waits for something that cannot fail, such as room to send, as long as the transaction is not over. For requests that are run. */
  whileOpen(work: Promise<unknown>): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      this.#leave = resolve; // requests run one at a time
      work.then(
        () => resolve(),
        () => resolve(),
      );
    });
  }

  /** The chaincode's answer counts once all requests that came before it are served. */
  finish(answer: ReceivedMessage): void {
    this.#accepting = false;
    void this.#serial.run(() => this.#answer.resolve(answer));
  }

  fail(reason: Error): void {
    this.#accepting = false;
    this.#answer.reject(reason);
    this.#finished(reason);
  }

  /** Waits for the running request before it closes what that may be reading (cf. hyperledger/fabric#5048). */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#accepting = false;
    this.#finished(undefined);
    await this.#serial.idle();
    try {
      await this.queries[Symbol.asyncDispose]();
    } finally {
      this.#forget();
    }
  }

  #finished(reason: Error | undefined): void {
    this.#end ??= { reason };
    this.#abort?.abort(this.#reason());
    this.#leave();
  }

  #reason(): Error {
    return this.#end?.reason ?? new SelvageError('CANCELLED', 'the transaction is over');
  }
}
