import { LazyAbort } from '../../common/cancel.ts';
import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import type { MaybePromise } from '../../common/maybe.ts';
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
export class TransactionContext {
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
  readonly #forget: () => void;
  #accepting = true;
  #leave: () => void = () => undefined;
  readonly #over = new LazyAbort();
  /** What came while a request was being served; undefined while none is. */
  #waiting: (() => MaybePromise<void>)[] | undefined;

  /** @param forget called when the context is gone and its transaction id may be used again */
  constructor(call: StreamCall, { maxOpenQueries, forget }: { readonly maxOpenQueries: number; readonly forget: () => void }) {
    this.call = call;
    this.queries = new OpenQueries(maxOpenQueries);
    this.#forget = forget;
  }

  /** COMPLETED or ERROR from the chaincode; rejects when the stream ends before. */
  get answer(): Promise<ReceivedMessage> {
    return this.#answer.promise;
  }

  /** Aborts when the transaction is over: requests that wait for something else give up then. */
  get signal(): AbortSignal {
    return this.#over.signal;
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
    return this.#over.aborted;
  }

  /** False after the chaincode answered or the caller gave up. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /** Runs a request, at once or after those before it. It must not fail; it is run even when the transaction ends meanwhile. */
  run(request: () => MaybePromise<void>): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(request);
      return;
    }
    const served = request();
    if (served instanceof Promise) void this.#runOthersAfter(served);
  }

  async #runOthersAfter(first: Promise<void>): Promise<void> {
    const waiting: (() => MaybePromise<void>)[] = [];
    this.#waiting = waiting;
    await first;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
    this.#waiting = undefined;
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
    this.run(() => this.#answer.resolve(answer));
  }

  /** Nobody waits for the answer any more. */
  giveUp(reason: unknown): void {
    this.#answer.reject(reason);
  }

  fail(reason: Error): void {
    this.#accepting = false;
    this.#answer.reject(reason);
    this.#finished(reason);
  }

  /** Waits for the running request before it closes what that may be reading (cf. hyperledger/fabric#5048). */
  close(): MaybePromise<void> {
    this.#accepting = false;
    this.#finished(OVER);
    if (this.#waiting !== undefined || !this.queries.none) return this.#closeInTime();
    this.#forget();
  }

  async #closeInTime(): Promise<void> {
    const { resolve, promise } = deferred<void>();
    this.run(resolve); // behind those that came before
    await promise;
    try {
      await this.queries[Symbol.asyncDispose]();
    } finally {
      this.#forget();
    }
  }

  #finished(reason: Error): void {
    this.#over.abort(reason);
    this.#leave();
  }
}

const OVER = new SelvageError('CANCELLED', 'the transaction is over');
