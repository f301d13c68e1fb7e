import { messageOf } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { Serial } from '../common/serial.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import type { LifecycleCache } from '../lifecycle/lifecycle-cache.ts';
import type { Chaincodes } from './chaincodes.ts';

export interface CustodianParts {
  readonly cache: Pick<LifecycleCache, 'runnable'>;
  readonly chaincodes: Pick<Chaincodes, 'makeReady'> & { stop(ccid: string): Promise<void> };
  readonly log?: Logger | undefined;
}

/**
 * Starts chaincode of the 2.x lifecycle as soon as it can run, so that its first call need not wait, and stops packages that no
 * definition runs any more.
 * @see ChaincodeCustodian in hyperledger/fabric v2.5, core/chaincode/lifecycle/custodian.go
 */
export class Custodian implements AsyncDisposable {
  readonly #parts: CustodianParts;
  readonly #log: Logger;
  readonly #looks = new Serial();
  readonly #over = new AbortController();
  readonly #launches = new Set<Promise<void>>();
  #cared: ReadonlyMap<string, ChaincodeRef> = new Map();
  #waiting = false;

  constructor(parts: CustodianParts) {
    this.#parts = parts;
    this.#log = parts.log ?? silent;
  }

  /** Looks what can run now. Returns at once; calls that come while one is waiting are one. */
  look(): void {
    if (this.#waiting || this.#over.signal.aborted) return;
    this.#waiting = true;
    void this.#looks.run(() => {
      this.#waiting = false;
      return this.#look();
    });
  }

  /** Resolves when what was found so far is started or has failed. */
  async idle(): Promise<void> {
    await this.#looks.idle();
    await Promise.all(this.#launches);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.idle();
  }

  async #look(): Promise<void> {
    try {
      const runnable = await this.#parts.cache.runnable();
      if (this.#over.signal.aborted) return;
      const before = this.#cared;
      this.#cared = runnable;
      for (const [ccid, chaincode] of runnable) if (!before.has(ccid)) this.#launch(chaincode);
      for (const [ccid] of before) if (!runnable.has(ccid)) await this.#stop(ccid);
    } catch (thrown) {
      this.#log.warn('cannot tell which chaincode is to run', { reason: messageOf(thrown) });
    }
  }

  /** Not waited for: one that takes long must not keep others from running. */
  #launch(chaincode: ChaincodeRef): void {
    const { signal } = this.#over;
    const launch = this.#parts.chaincodes.makeReady(chaincode, { signal }).catch((thrown: unknown) => {
      if (!signal.aborted) this.#log.warn('could not launch chaincode', { ccid: chaincode.ccid, reason: messageOf(thrown) });
    });
    this.#launches.add(launch);
    void launch.then(() => this.#launches.delete(launch));
  }

  async #stop(ccid: string): Promise<void> {
    this.#log.info('no definition runs the package any more', { ccid });
    await this.#parts.chaincodes.stop(ccid);
  }
}
