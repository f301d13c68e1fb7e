import { hex } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import type { ChaincodeConnection } from './ports/connection.ts';
import type { Admission, ChaincodeStream, RegisterRequest, Registration } from './stream/chaincode-stream.ts';
import type { ChaincodeTls } from './tls.ts';

/** A launch that waits for its chaincode. Disposing it stops waiting. */
export interface Expectation extends Disposable {
  /** The stream of this launch, once it takes transactions. Stays open when nothing comes. */
  readonly ready: Promise<ChaincodeStream>;
  /** The stream that registered for this launch, ready or not. */
  readonly stream: ChaincodeStream | undefined;
  /** Why the last stream that claimed the name was turned away: what a failed launch should tell. */
  readonly refusal: SelvageError | undefined;
  /** With TLS: whoever shows the certificate with this hash is this launch's chaincode, and nobody else is. */
  shows(certificateHash: Uint8Array): void;
  /** Chaincode that the peer dials: what comes over this connection is this launch's chaincode, and nothing else is. */
  dialled(connection: ChaincodeConnection): void;
  /** What comes over this connection is this launch's chaincode; it may come another way all the same. */
  reachedBy(connection: ChaincodeConnection): void;
  /** The launch failed: a stream that registered for it has no owner and is closed. */
  abandon(reason: SelvageError): void;
}

export interface ChaincodeRegistryParts {
  /** Development: the user runs the chaincode, so streams may register without a launch. */
  readonly open: boolean;
  /** Absent when TLS is off; then any process that reaches the port may claim a name that is being launched. */
  readonly tls?: ChaincodeTls | undefined;
}

/**
 * Which stream is which chaincode. A name may have as many streams as it has launches, each admitted for one of them. What is
 * registered is released by its registration alone, never by its name.
 */
export class ChaincodeRegistry implements Admission {
  readonly #parts: ChaincodeRegistryParts;
  readonly #streams = new Map<string, Set<RegisteredStream>>();
  readonly #expected = new Map<string, Set<Waiting>>();

  constructor(parts: ChaincodeRegistryParts) {
    this.#parts = parts;
  }

  get secured(): boolean {
    return this.#parts.tls !== undefined;
  }

  /** A stream that takes transactions for this chaincode, the one that registered first. */
  get(ccid: string): ChaincodeStream | undefined {
    return [...(this.#streams.get(ccid) ?? [])].find(({ ready }) => ready)?.stream;
  }

  /** All registered streams, for closing them and for reports. */
  list(): readonly { readonly ccid: string; readonly stream: ChaincodeStream }[] {
    return [...this.#streams].flatMap(([ccid, ofName]) => [...ofName].map(({ stream }) => ({ ccid, stream })));
  }

  /**
   * Lets one stream register under this name: with TLS the one that {@link Expectation.shows}, without it the next that comes, for
   * which reason launches of one name then come one after another.
   */
  expect(ccid: string): Expectation {
    const waiting = new Waiting(() => forget(this.#expected, ccid, waiting));
    remember(this.#expected, ccid, waiting);
    return waiting;
  }

  admit(request: RegisterRequest): Registration {
    const { ccid, stream } = request;
    const waiting = this.#waitingFor(request);
    try {
      this.#check(request, waiting);
    } catch (refusal) {
      const reason = refusedAs(ccid, SelvageError.from(refusal));
      for (const each of this.#concerned(request, waiting)) each.refused(reason);
      throw refusal;
    }
    const registered: RegisteredStream = { stream, ready: false };
    remember(this.#streams, ccid, registered);
    waiting?.admitted(stream);
    return {
      ready: () => {
        registered.ready = true;
        waiting?.resolve(stream);
      },
      [Symbol.dispose]: () => forget(this.#streams, ccid, registered),
    };
  }

  /** The launch that a stream is for, which may have got its stream already. */
  #waitingFor({ ccid, connection }: RegisterRequest): Waiting | undefined {
    const ofName = [...(this.#expected.get(connection.madeFor ?? ccid) ?? [])];
    if (connection.madeFor !== undefined) return ofName.find((each) => each.owns(connection));
    if (!this.secured) return ofName.find(({ taken, dials }) => !taken && !dials);
    const shown = hex(connection.peerCertificateHash ?? new Uint8Array(0));
    return ofName.find(({ certificate }) => certificate === shown);
  }

  #check({ ccid, connection }: RegisterRequest, waiting: Waiting | undefined): void {
    const { madeFor, peerCertificateHash } = connection;
    if (madeFor === undefined) this.#parts.tls?.authorize(ccid, peerCertificateHash);
    else checkMadeFor(ccid, madeFor, waiting);
    if (ccid === '') throw new SelvageError('CHAINCODE_PROTOCOL', 'chaincode name not set');
    if (waiting?.taken === false) return;
    if (this.#streams.has(ccid)) throw new SelvageError('CHAINCODE_PROTOCOL', `duplicate chaincodeID: ${ccid}`);
    if (this.#parts.open) return;
    throw new SelvageError('CHAINCODE_PROTOCOL', `peer will not accept external chaincode connection ${ccid} (except in dev mode)`, {
      advice: 'Let the peer launch the chaincode, or run the peer in development mode (chaincode.mode: dev) to run it yourself.',
    });
  }

  /**
   * Whose launch a refusal may explain: that which the stream is for, else every one of the name; under a name that nobody expects,
   * the launch that the certificate was made for, or without TLS any.
   */
  #concerned({ ccid, connection }: RegisterRequest, waiting: Waiting | undefined): Iterable<Waiting> {
    if (waiting !== undefined) return [waiting];
    const ofName = this.#expected.get(connection.madeFor ?? ccid);
    if (ofName !== undefined) return ofName;
    const all = [...this.#expected.values()].flatMap((each) => [...each]);
    if (!this.secured) return all;
    const shown = hex(connection.peerCertificateHash ?? new Uint8Array(0));
    return all.filter(({ certificate }) => certificate === shown);
  }
}

/** A service answers for the chaincode that was dialled and for no other, whatever else is being launched; so does what came by a way of its own. */
function checkMadeFor(ccid: string, madeFor: string, waiting: Waiting | undefined): void {
  if (ccid === madeFor) return;
  const service = `The service calls itself ${ccid}: start it with CHAINCODE_ID=${madeFor} (Node: --chaincode-id ${madeFor}).`;
  const own = `The chaincode calls itself ${ccid}: let it leave CORE_CHAINCODE_ID_NAME as the peer sets it.`;
  throw new SelvageError('CHAINCODE_PROTOCOL', `peer will not accept external chaincode connection ${ccid} (except in dev mode)`, {
    details: { expected: madeFor, registeredAs: ccid },
    advice: waiting?.dials === false ? own : service,
  });
}

/** The same refusal, with the name that was claimed. */
const refusedAs = (ccid: string, { code, message, details, advice }: SelvageError): SelvageError =>
  new SelvageError(code, message, { details: { ...details, registeredAs: ccid }, ...(advice !== undefined && { advice }) });

function remember<T>(all: Map<string, Set<T>>, name: string, one: T): void {
  const ofName = all.get(name) ?? new Set<T>();
  all.set(name, ofName.add(one));
}

function forget<T>(all: Map<string, Set<T>>, name: string, one: T): void {
  const ofName = all.get(name);
  ofName?.delete(one);
  if (ofName?.size === 0) all.delete(name);
}

interface RegisteredStream {
  readonly stream: ChaincodeStream;
  ready: boolean;
}

class Waiting implements Expectation {
  readonly #found = deferred<ChaincodeStream>();
  readonly #forget: () => void;
  #refusal: SelvageError | undefined;
  #stream: ChaincodeStream | undefined;
  #certificate: string | undefined;
  #dials = false;
  readonly #connections = new WeakSet<ChaincodeConnection>();

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  get ready(): Promise<ChaincodeStream> {
    return this.#found.promise;
  }

  get stream(): ChaincodeStream | undefined {
    return this.#stream;
  }

  get refusal(): SelvageError | undefined {
    return this.#refusal;
  }

  /** In hexadecimal. */
  get certificate(): string | undefined {
    return this.#certificate;
  }

  /** Whether it calls its chaincode, so that nobody else can come for it. */
  get dials(): boolean {
    return this.#dials;
  }

  owns(connection: ChaincodeConnection): boolean {
    return this.#connections.has(connection);
  }

  /** Whether it has its stream; one that ended before it took transactions may be followed by another. */
  get taken(): boolean {
    return this.#stream !== undefined && this.#stream.state.at !== 'ended';
  }

  shows(certificateHash: Uint8Array): void {
    this.#certificate = hex(certificateHash);
  }

  dialled(connection: ChaincodeConnection): void {
    this.#dials = true;
    this.reachedBy(connection);
  }

  reachedBy(connection: ChaincodeConnection): void {
    this.#connections.add(connection);
  }

  resolve(stream: ChaincodeStream): void {
    this.#found.resolve(stream);
  }

  admitted(stream: ChaincodeStream): void {
    this.#stream = stream;
  }

  abandon(reason: SelvageError): void {
    this.#stream?.close(reason);
  }

  refused(reason: SelvageError): void {
    this.#refusal = reason;
  }

  [Symbol.dispose](): void {
    this.#forget();
  }
}
