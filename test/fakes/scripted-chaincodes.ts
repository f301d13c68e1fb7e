/** Chaincodes that answer as a test says, and a list of what was asked of them. */
import type { ChaincodeCall, ChaincodeOutcome, Chaincodes } from '../../src/chaincode/chaincodes.ts';
import type { Cancellable } from '../../src/common/cancel.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { ChaincodeRef } from '../../src/lifecycle/chaincode-ref.ts';
import type { protos } from '../../src/protos/messages.ts';

export const ok = (payload: string | Uint8Array = '', message = ''): ChaincodeOutcome => ({
  response: response(200, message, payload),
  event: undefined,
});

export const response = (status: number, message = '', payload: string | Uint8Array = ''): protos.Response => ({
  status,
  message,
  payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
});

type Script = (call: ChaincodeCall, options: Cancellable) => ChaincodeOutcome | Promise<ChaincodeOutcome>;

export class ScriptedChaincodes implements Chaincodes {
  readonly #system: ReadonlySet<string>;
  readonly #script: Script;
  /** `ready kvnode:1.0`, `transaction kvnode:1.0`, `init …`, in order. */
  readonly events: string[] = [];
  onReady: (chaincode: ChaincodeRef, options: Cancellable) => void | Promise<void> = () => undefined;

  constructor(script: Script, system: readonly string[] = ['lscc', 'cscc', 'qscc']) {
    this.#script = script;
    this.#system = new Set(system);
  }

  isSystem(name: string): boolean {
    return this.#system.has(name);
  }

  /** Whether it is said to be ready before it was made so. */
  ready = false;

  isReady(): boolean {
    return this.ready;
  }

  async makeReady(chaincode: ChaincodeRef, options: Cancellable): Promise<void> {
    this.events.push(`ready ${chaincode.ccid}`);
    await this.onReady(chaincode, options);
  }

  async execute(call: ChaincodeCall, options: Cancellable): Promise<ChaincodeOutcome> {
    this.events.push(`${call.kind} ${call.chaincode.ccid}`);
    return this.#script(call, options);
  }
}

/** What a chaincode's ERROR message looks like to the endorser. */
export const answeredError = (text: string): SelvageError =>
  new SelvageError('CHAINCODE_FAILED', `transaction returned with failure: ${text}`);
