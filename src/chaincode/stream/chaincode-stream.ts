import { type Cancellable, cancellationOf, throwIfAborted } from '../../common/cancel.ts';
import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { listenTo } from '../../common/incoming.ts';
import { type Logger, silent } from '../../common/log.ts';
import { type MaybePromise, whenKnown } from '../../common/maybe.ts';
import { prefixed } from '../../common/prefixed.ts';
import { shownLines } from '../../packages/last-output.ts';
import type { OpenTransaction } from '../../packages/launch-spec.ts';
import type { OutputLine } from '../../packages/output.ts';
import { protos } from '../../protos/messages.ts';
import { OF_STRANGERS } from '../../protos/wire.ts';
import type { ChaincodeMetrics, MeasuredRequest } from '../chaincode-metrics.ts';
import { UnhandledRejections } from '../output/unhandled-rejections.ts';
import type { ChaincodeConnection, ReceivedMessage } from '../ports/connection.ts';
import type { Debuggee } from '../ports/debugging.ts';
import { Backlog, type BacklogLimits } from './backlog.ts';
import { Type, typeName } from './message-types.ts';
import { type Answer, answer } from './requests/answer.ts';
import type { RequestParts } from './requests/request.ts';
import { judge, next, type StreamState } from './stream-state.ts';
import { perhapsUnanswered, Suspects } from './suspects.ts';
import type { StreamCall, TransactionContext } from './transaction-context.ts';
import { TransactionContexts } from './transaction-contexts.ts';

/** A stream that asks to be a chaincode. */
export interface RegisterRequest {
  /** What it calls itself: `name:version`, or a package id. */
  readonly ccid: string;
  readonly stream: ChaincodeStream;
  /** What it comes over. */
  readonly connection: ChaincodeConnection;
}

/** Disposing takes back this registration and no other. */
export interface Registration extends Disposable {
  /** The stream takes transactions from here on. */
  ready(): void;
}

/** Who decides which stream is which chaincode. */
export interface Admission {
  /** True when TLS guards the way in: then the first message of a stream must be REGISTER. */
  readonly secured: boolean;
  /** @throws {SelvageError} with Fabric's text, when the stream may not be that chaincode */
  admit(request: RegisterRequest): Registration;
}

export interface StreamLimits {
  /** Requests that may wait behind others of their transaction, over the whole stream. */
  readonly backlog: BacklogLimits;
  readonly maxOpenQueries: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = { backlog: { messages: 256, bytes: 32 * 1024 * 1024 }, maxOpenQueries: 10_000 };

const MAX_RECENT = 20;
/** Bytes of a REGISTER: `name:version`, or a package id. */
const MOST_CLAIMED = 8 * 1024;
/** Between what could not be sent and why, milliseconds. */
const BROKEN_MS = 500;

export interface ChaincodeStreamParts {
  readonly id: string;
  readonly connection: ChaincodeConnection;
  readonly admission: Admission;
  readonly requests: RequestParts;
  /** What READY tells shims of 3.1 and later; a bare READY if absent, which is what peers before 3.1 send. */
  readonly runtimeParams?: protos.ChaincodeAdditionalParamsInit | undefined;
  readonly limits?: StreamLimits | undefined;
  readonly metrics?: ChaincodeMetrics | undefined;
  readonly logger?: Logger | undefined;
}

/**
 * One chaincode at the other end of a connection: the handshake, its requests, and the transactions that run on it.
 * Requests of one transaction are served in order, those of different transactions interleave.
 * @see Handler in hyperledger/fabric v2.5, core/chaincode/handler.go
 */
export class ChaincodeStream {
  readonly id: string;
  readonly #parts: ChaincodeStreamParts;
  readonly #logger: Logger;
  readonly #contexts: TransactionContexts;
  readonly #backlog: Backlog;
  readonly #ended = deferred<SelvageError>();
  readonly #suspects = new Suspects();
  readonly #recent: string[] = [];
  readonly #rejections = new UnhandledRejections((rejection) =>
    this.#suspects.add(
      rejection,
      this.#contexts.all().filter(({ accepting }) => accepting),
    ),
  );
  #registration: Registration | undefined;
  #state: StreamState = { at: 'created' };
  #heard = 0;

  constructor(parts: ChaincodeStreamParts) {
    const { backlog, maxOpenQueries } = parts.limits ?? DEFAULT_STREAM_LIMITS;
    this.id = parts.id;
    this.#parts = parts;
    this.#logger = parts.logger ?? silent;
    this.#contexts = new TransactionContexts({ maxOpenQueries });
    this.#backlog = new Backlog(backlog);
  }

  /** `host:port` of the chaincode's end, where there is such a thing. */
  get remote(): string | undefined {
    return this.#parts.connection.remote;
  }

  /** What there is to look at when somebody may debug it. */
  get debuggee(): Debuggee {
    const { remote, processes } = this.#parts.connection;
    return { remote, processes };
  }

  get state(): StreamState {
    return this.#state;
  }

  /** How many transactions run on it. */
  get transactions(): number {
    return this.#contexts.size;
  }

  /** Resolves when no transaction runs on it. */
  idle(): Promise<void> {
    return this.#contexts.idle();
  }

  /** How many messages came from the chaincode: what does not grow any more is silent. */
  get heard(): number {
    return this.#heard;
  }

  /** See {@link ChaincodeConnection.responds}. */
  async responds(ms: number): Promise<boolean | undefined> {
    return this.#parts.connection.responds?.(ms);
  }

  /** The last lines that the chaincode printed. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  /** Takes a line that the chaincode printed: it may tell why a transaction gets no answer. */
  printed({ text, channelId, txId }: OutputLine): void {
    this.#recent.push(text);
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
    if (channelId !== undefined && txId !== undefined) this.#contexts.get(channelId, txId)?.print(text);
    this.#rejections.line(text);
  }

  /** The transactions that run on it. */
  running(): readonly OpenTransaction[] {
    return this.#contexts.list();
  }

  /** Why the stream ended. Settles once, never rejects. */
  get ended(): Promise<SelvageError> {
    return this.#ended.promise;
  }

  /** Speaks the protocol until the stream ends; call it once. @returns why it ended */
  async run(): Promise<SelvageError> {
    listenTo(this.#parts.connection.incoming, {
      received: (message) => this.#received(message),
      ended: (failure) => this.close(failure === undefined ? hungUp() : SelvageError.from(failure)),
    });
    return this.ended;
  }

  /**
   * Runs one transaction and returns the chaincode's COMPLETED or ERROR. It settles only after the last request of the
   * transaction is served and all its iterators are closed, so that the simulator can be disposed afterwards.
   * @throws {SelvageError} `CHAINCODE_STREAM_ENDED` `chaincode stream terminated`; `CHAINCODE_FAILED` `error sending: txid: … exists`;
   *   the signal's reason
   */
  async execute(call: StreamCall, options: Cancellable): Promise<ReceivedMessage> {
    throwIfAborted(options);
    if (this.#state.at !== 'ready') throw streamEnded(this.#state.at === 'ended' ? this.#state.reason : undefined);
    const context = this.#open(call);
    const unheard = cancellationOf(options).listen((reason) => context.giveUp(reason));
    void this.#send(startOf(call)); // if it cannot be sent the stream ends, and the answer fails with it
    try {
      return await context.answer;
    } catch (thrown) {
      this.#suspects.givenUp(context);
      throw withWhatIsKnown(SelvageError.from(thrown), context);
    } finally {
      unheard();
      const closed = context.close();
      if (closed !== undefined) await closed;
    }
  }

  /** Ends the stream and fails everything that runs on it at once. Only the first call counts. */
  close(reason: SelvageError): void {
    if (this.#state.at === 'ended') return;
    this.#state = next(this.#state, { type: 'ended', reason });
    this.#registration?.[Symbol.dispose]();
    this.#contexts.failAll(streamEnded(reason));
    this.#backlog.close();
    this.#parts.connection.close(reason.code === 'CHAINCODE_STREAM_ENDED' ? undefined : reason); // an ordinary end is no error
    this.#ended.resolve(reason);
  }

  /** A promise holds back what comes next. */
  #received(received: ReceivedMessage): MaybePromise<void> {
    if (this.#state.at === 'ended') return;
    try {
      const handled = this.#receive(received);
      if (handled !== undefined || !this.#backlog.hasRoom) return this.#roomAfter(handled);
    } catch (thrown) {
      this.close(SelvageError.from(thrown));
    }
  }

  async #roomAfter(handled: MaybePromise<void>): Promise<void> {
    try {
      await handled;
      await this.#backlog.room();
    } catch (thrown) {
      this.close(SelvageError.from(thrown));
    }
  }

  #receive(received: ReceivedMessage): MaybePromise<void> {
    this.#heard += 1;
    const { type, txid, payload } = received.message;
    const verdict = judge(this.#state, type, txid);
    switch (verdict.do) {
      case 'register':
        return this.#register(payload);
      case 'serve':
        return this.#serve(received);
      case 'finish':
        return this.#finish(received);
      case 'ignore':
        return;
      case 'refuse':
        return this.close(new SelvageError('CHAINCODE_PROTOCOL', this.#refusal(verdict.text)));
      default:
        return verdict satisfies never;
    }
  }

  #refusal(text: string): string {
    return this.#parts.admission.secured && this.#state.at === 'created' ? 'First message needs to be a register' : text;
  }

  async #register(claimed: Uint8Array): Promise<void> {
    const { admission, connection, runtimeParams } = this.#parts;
    try {
      const ccid = nameIn(claimed);
      this.#registration = admission.admit({ ccid, stream: this, connection });
      this.#state = next(this.#state, { type: 'registered', ccid });
    } catch (refusal) {
      this.#logger.warn('chaincode registration refused', { stream: this.id, reason: SelvageError.from(refusal).message });
      this.close(SelvageError.from(refusal));
      return;
    }
    const payload = runtimeParams && protos.ChaincodeAdditionalParams.encode(runtimeParams);
    const heard = (await this.#send({ type: Type.REGISTERED })) && (await this.#send({ type: Type.READY, payload }));
    if (!heard || this.#state.at !== 'established') return; // it ended meanwhile
    const { ccid } = this.#state;
    this.#state = next(this.#state, { type: 'readied' });
    this.#registration.ready();
    this.#logger.info('chaincode registered', { ccid, stream: this.id, remote: this.remote });
  }

  /** Requests of a transaction wait for those before them, and hold nothing else back. */
  #serve({ message, bytes }: ReceivedMessage): MaybePromise<void> {
    const context = this.#contexts.get(message.channelId, message.txid);
    if (context === undefined) return this.#answer(message, undefined, (sent) => sent);
    const inTime = context.accepting;
    this.#suspects.asked(context);
    this.#backlog.enter(bytes.length);
    context.run(() => {
      this.#backlog.leave(bytes.length);
      const served = inTime && !context.over ? context : undefined; // what comes too late is refused, in its turn
      return this.#answer(message, served, (sent) => context.whileOpen(sent)); // or a chaincode that does not read would be waited for
    });
  }

  /** Serves a request, at once if the answer is at hand. @param whileSent waits as long as it should, when there is no room for more */
  #answer(
    request: protos.ChaincodeMessage,
    context: TransactionContext | undefined,
    whileSent: (sent: Promise<unknown>) => Promise<unknown>,
  ): MaybePromise<void> {
    const measured = this.#measured(request, context);
    return whenKnown(answer(request, context, this.#parts.requests), ({ message, error }) => {
      measured?.done(error === undefined);
      if (error !== undefined) this.#refused(request, context, { message, error });
      const sent = this.#send(message);
      return sent instanceof Promise ? whileSent(sent).then(nothing) : undefined;
    });
  }

  #refused(request: protos.ChaincodeMessage, context: TransactionContext | undefined, { message, error }: Required<Answer>): void {
    if (context !== undefined) context.refusal = message.payload;
    const fields = { type: typeName(request.type), channel: request.channelId, txId: request.txid, reason: error.message };
    if (error.code === 'INTERNAL') this.#logger.error('chaincode request failed', { ...fields, cause: error.cause });
    else this.#logger.debug('chaincode request refused', fields);
  }

  /** Those of transactions only: what else there is can name what it likes. */
  #measured({ type, channelId }: protos.ChaincodeMessage, context: TransactionContext | undefined): MeasuredRequest | undefined {
    const { metrics } = this.#parts;
    if (metrics === undefined || context === undefined || this.#state.at !== 'ready') return undefined;
    return metrics.request(typeName(type), channelId, this.#state.ccid);
  }

  #finish(received: ReceivedMessage): void {
    const { channelId, txid } = received.message;
    const context = this.#contexts.get(channelId, txid);
    if (context?.accepting === true) {
      this.#suspects.answered(context);
      context.finish(received);
    } else {
      this.#suspects.answeredLate(channelId, txid);
      this.#logger.debug('answer to a transaction that does not run', { channel: channelId, txId: txid });
    }
  }

  /** Sends, or ends the stream: never fails. @returns whether it was sent, as soon as there is room for more */
  #send(message: protos.ChaincodeMessageInit): MaybePromise<boolean> {
    if (this.#state.at === 'ended') return false;
    try {
      const sent = this.#parts.connection.send(protos.ChaincodeMessage.encode(message));
      return sent instanceof Promise ? sent.then(yes, (thrown: unknown) => this.#unreachable(thrown)) : true;
    } catch (thrown) {
      return this.#unreachable(thrown);
    }
  }

  /** What is read from a call that broke tells more than what cannot be sent, and may come a moment later. */
  #unreachable(cause: unknown): false {
    const reason =
      cause instanceof SelvageError && cause.code === 'CHAINCODE_STREAM_ENDED'
        ? cause
        : new SelvageError('CHAINCODE_STREAM_ENDED', 'the chaincode cannot be reached', { cause });
    const last = setTimeout(() => this.close(reason), BROKEN_MS);
    void this.ended.then(() => clearTimeout(last));
    return false;
  }

  #open(call: StreamCall): TransactionContext {
    try {
      return this.#contexts.open(call);
    } catch (cause) {
      throw prefixed('error sending: ', cause);
    }
  }
}

const hungUp = (): SelvageError => new SelvageError('CHAINCODE_STREAM_ENDED', 'the chaincode ended its stream');

const yes = (): boolean => true;
const nothing = (): void => undefined;

/** The name that a stream claims, of which nobody knows yet who is at the other end. It stays as long as the stream does, and in refusals. */
function nameIn(claimed: Uint8Array): string {
  if (claimed.length > MOST_CLAIMED)
    throw new SelvageError('CHAINCODE_PROTOCOL', `a REGISTER of ${claimed.length} bytes, where a name takes ${MOST_CLAIMED} at most`);
  return protos.ChaincodeID.decode(claimed, OF_STRANGERS).name;
}

/** The error of a transaction; of one that ran out of time with what the chaincode said of it meanwhile. */
function withWhatIsKnown(failure: SelvageError, { suspicion, printed }: TransactionContext): SelvageError {
  if (failure.code !== 'DEADLINE_EXCEEDED') return failure;
  if (suspicion !== undefined) return perhapsUnanswered(failure, suspicion.rejection);
  if (printed.length === 0) return failure;
  return new SelvageError(failure.code, `${failure.message}, the chaincode printed for it:\n${shownLines(printed).join('\n')}`, {
    cause: failure,
    details: { ...failure.details, lastOutput: shownLines(printed).join('\n') },
  });
}

/** What a transaction fails with whose stream ended. */
export const streamEnded = (cause: SelvageError | undefined): SelvageError =>
  new SelvageError('CHAINCODE_STREAM_ENDED', ['chaincode stream terminated', ...(cause ? [cause.message] : [])].join(': '), {
    cause,
    details: cause?.details ?? {},
  });

const startOf = ({ kind, input, proposal }: StreamCall): protos.ChaincodeMessageInit => ({
  type: kind === 'init' ? Type.INIT : Type.TRANSACTION,
  payload: protos.ChaincodeInput.encode(input),
  txid: proposal.txId,
  channelId: proposal.channelId,
  proposal: proposal.signedProposal,
});
