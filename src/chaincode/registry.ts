import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import type { Admission, ChaincodeStream, RegisterRequest, Registration } from './stream/chaincode-stream.ts';
import type { ChaincodeTls } from './tls.ts';

/** A launch that waits for its chaincode. Disposing it stops waiting. */
export interface Expectation extends Disposable {
  /** The stream of that name, once it takes transactions. Stays open when nothing comes. */
  readonly ready: Promise<ChaincodeStream>;
  /** Why the last stream that claimed the name was turned away: what a failed launch should tell. */
  readonly refusal: SelvageError | undefined;
  /** The launch failed: a stream that registered for it has no owner and is closed. */
  abandon(reason: SelvageError): void;
}

export interface ChaincodeRegistryParts {
  /** Development: the user runs the chaincode, so streams may register without a launch. */
  readonly open: boolean;
  /** Absent when TLS is off; then any process that reaches the port may claim a name that is being launched. */
  readonly tls?: ChaincodeTls | undefined;
}

/** Which stream is which chaincode. What is registered is released by its registration alone, never by its name. */
export class ChaincodeRegistry implements Admission {
  readonly #parts: ChaincodeRegistryParts;
  readonly #streams = new Map<string, RegisteredStream>();
  readonly #expected = new Map<string, Waiting>();

  constructor(parts: ChaincodeRegistryParts) {
    this.#parts = parts;
  }

  get secured(): boolean {
    return this.#parts.tls !== undefined;
  }

  /** The stream that takes transactions for this chaincode. */
  get(ccid: string): ChaincodeStream | undefined {
    const registered = this.#streams.get(ccid);
    return registered?.ready === true ? registered.stream : undefined;
  }

  /** All registered streams, for closing them and for reports. */
  list(): readonly { readonly ccid: string; readonly stream: ChaincodeStream }[] {
    return [...this.#streams].map(([ccid, { stream }]) => ({ ccid, stream }));
  }

  /** Lets one stream register under this name. */
  expect(ccid: string): Expectation {
    const waiting = new Waiting(() => {
      if (this.#expected.get(ccid) === waiting) this.#expected.delete(ccid);
    });
    this.#expected.set(ccid, waiting);
    return waiting;
  }

  admit({ ccid, stream, certificateHash, dialledFor }: RegisterRequest): Registration {
    const waiting = this.#expected.get(dialledFor ?? ccid);
    try {
      if (dialledFor === undefined) this.#parts.tls?.authorize(ccid, certificateHash);
      else checkDialled(ccid, dialledFor);
      this.#checkName(ccid);
    } catch (refusal) {
      waiting?.refused(SelvageError.from(refusal));
      throw refusal;
    }
    const registered: RegisteredStream = { stream, ready: false };
    this.#streams.set(ccid, registered);
    waiting?.admitted(stream);
    return {
      ready: () => {
        registered.ready = true;
        waiting?.resolve(stream);
      },
      [Symbol.dispose]: () => {
        if (this.#streams.get(ccid) === registered) this.#streams.delete(ccid);
      },
    };
  }

  #checkName(ccid: string): void {
    if (ccid === '') throw new SelvageError('CHAINCODE_PROTOCOL', 'chaincode name not set');
    if (this.#streams.has(ccid)) throw new SelvageError('CHAINCODE_PROTOCOL', `duplicate chaincodeID: ${ccid}`);
    if (this.#parts.open || this.#expected.has(ccid)) return;
    throw new SelvageError('CHAINCODE_PROTOCOL', `peer will not accept external chaincode connection ${ccid} (except in dev mode)`, {
      advice: 'Let the peer launch the chaincode, or run the peer in development mode (chaincode.mode: dev) to run it yourself.',
    });
  }
}

/** A service answers for the chaincode that was dialled and for no other, whatever else is being launched. */
function checkDialled(ccid: string, dialledFor: string): void {
  if (ccid === dialledFor) return;
  throw new SelvageError('CHAINCODE_PROTOCOL', `peer will not accept external chaincode connection ${ccid} (except in dev mode)`, {
    details: { expected: dialledFor, registeredAs: ccid },
    advice: `The service calls itself ${ccid}: start it with CHAINCODE_ID=${dialledFor} (Node: --chaincode-id ${dialledFor}).`,
  });
}

interface RegisteredStream {
  readonly stream: ChaincodeStream;
  ready: boolean;
}

class Waiting implements Expectation {
  readonly #found = deferred<ChaincodeStream>();
  readonly #forget: () => void;
  #refusal: SelvageError | undefined;
  #admitted: ChaincodeStream | undefined;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  get ready(): Promise<ChaincodeStream> {
    return this.#found.promise;
  }

  get refusal(): SelvageError | undefined {
    return this.#refusal;
  }

  resolve(stream: ChaincodeStream): void {
    this.#found.resolve(stream);
  }

  admitted(stream: ChaincodeStream): void {
    this.#admitted = stream;
  }

  abandon(reason: SelvageError): void {
    this.#admitted?.close(reason);
  }

  refused(reason: SelvageError): void {
    this.#refusal = reason;
  }

  [Symbol.dispose](): void {
    this.#forget();
  }
}
