import { setTimeout as sleep } from 'node:timers/promises';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { common } from '../../protos/messages.ts';

/** An ordering node that can be asked for the headers of its blocks, with their metadata. */
export interface HeaderSource {
  readonly address: string;
  /** Headers from number `from` on, in order, waiting for those that do not exist yet. */
  headers(from: bigint, options: Cancellable): AsyncIterable<common.Block>;
}

export interface WithholdingParts {
  /** The number of the first block that is asked for. */
  readonly from: bigint;
  readonly source: string;
  readonly others: readonly HeaderSource[];
  /** Resolves when header and metadata prove that the channel has the block. @throws {SelvageError} `BLOCK_INVALID` */
  readonly prove: (block: common.Block, number: bigint) => Promise<void>;
  /** Milliseconds that the source may go without a block of which there is proof. */
  readonly withheldMs: number;
  readonly log: Logger;
  /** Resolves after so many milliseconds; rejects when the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The source may be silent for a thirtieth of its time before anybody else is asked. */
const QUIET_PART = 30;
/** How far behind others it may be and not be suspected, once it goes on. */
const MOST_BLOCKS = 100n;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Finds out whether a node of a BFT service holds blocks back from us: while it is silent, the others are asked for headers, and one that
 * proves a block which does not come is what gives it away. Only the time counts that we wait for the source, so that who is slow to
 * commit suspects nobody, and a header is looked at only when it could prove something, so that catching up costs one verification a block.
 * @see BFTCensorshipMonitor in hyperledger/fabric v3.1, common/deliverclient/blocksprovider/bft_censorship_monitor.go
 */
export class WithholdingWatch implements AsyncDisposable {
  readonly #parts: WithholdingParts;
  readonly #stop = new AbortController();
  readonly #withheld = new AbortController();
  readonly #followers: Follower[];
  #followed: Promise<unknown> | undefined;
  #next: bigint;
  /** Set while we wait for the source. */
  #wait: { readonly over: AbortController; quiet: boolean } | undefined;
  /** The block that has to come, how long we have waited for it, and since when we do. */
  #suspicion: { readonly upTo: bigint; spentMs: number; since: number } | undefined;

  constructor(parts: WithholdingParts) {
    this.#parts = parts;
    this.#next = parts.from;
    this.#followers = parts.others.map((source) => ({ source, newest: undefined, arrived: undefined }));
  }

  /** Aborts when the source is to be left. */
  get signal(): AbortSignal {
    return this.#withheld.signal;
  }

  /** The source is asked for its next block. */
  awaiting(): void {
    const wait = { over: new AbortController(), quiet: false };
    this.#wait = wait;
    if (this.#suspicion !== undefined) this.#count();
    this.#after(this.#parts.withheldMs / QUIET_PART, wait.over.signal, () => {
      wait.quiet = true;
      this.#followed ??= Promise.all(this.#followers.map((each) => this.#follow(each)));
      for (const { arrived } of this.#followers) arrived?.();
    });
  }

  /** The source has given a block. */
  received(number: bigint): void {
    this.#wait?.over.abort();
    this.#wait = undefined;
    this.#next = number + 1n;
    const suspicion = this.#suspicion;
    if (suspicion === undefined) return;
    if (number >= suspicion.upTo) this.#suspicion = undefined;
    else suspicion.spentMs += performance.now() - suspicion.since;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new SelvageError('CANCELLED', 'the source of blocks is left'));
    this.#wait?.over.abort();
    for (const { arrived } of this.#followers) arrived?.();
    await this.#followed;
  }

  /** Reads a node's headers as long as the source is asked; when it fails, again after a pause. */
  async #follow(follower: Follower): Promise<void> {
    const { signal } = this.#stop;
    const { log, pause = pauseFor } = this.#parts;
    let failures = 0;
    while (!signal.aborted) {
      const begun = performance.now();
      await this.#readAndProve(follower, signal).catch((thrown: unknown) => {
        const { code, message } = SelvageError.from(thrown);
        log.debug('no headers of an ordering node', { orderer: follower.source.address, code, error: message });
      });
      if (signal.aborted) return;
      follower.newest = undefined;
      failures = performance.now() - begun > LONGEST_PAUSE_MS ? 0 : failures + 1;
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS), signal).catch(() => undefined);
    }
  }

  async #readAndProve(follower: Follower, signal: AbortSignal): Promise<void> {
    const leave = new AbortController();
    const either = AbortSignal.any([signal, leave.signal]);
    const both = [this.#read(follower, either), this.#prove(follower, either)];
    try {
      await Promise.race(both);
    } finally {
      leave.abort();
      await Promise.allSettled(both);
    }
  }

  /** Keeps the newest header of a node. */
  async #read(follower: Follower, signal: AbortSignal): Promise<void> {
    let expected = this.#next;
    for await (const block of follower.source.headers(expected, { signal })) {
      if (block.header?.number !== expected)
        throw new SelvageError('BLOCK_INVALID', `expected header ${expected} but got ${block.header?.number}`);
      follower.newest = block;
      follower.arrived?.();
      expected += 1n;
    }
    throw new SelvageError('PEER_UNREACHABLE', `${follower.source.address} ended its headers`);
  }

  /** Looks at the newest header of a node whenever it could be proof that the source holds blocks back. */
  async #prove(follower: Follower, signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => follower.arrived?.(), { once: true });
    while (!signal.aborted) {
      const { newest } = follower;
      const number = newest?.header?.number ?? -1n;
      if (newest !== undefined && this.#wait?.quiet === true && this.#suspicion === undefined && number >= this.#next) {
        follower.newest = undefined;
        await this.#parts.prove(newest, number);
        this.#suspect(number, follower.source.address);
      } else {
        await new Promise<void>((resolve) => {
          follower.arrived = resolve;
        });
      }
    }
  }

  #suspect(number: bigint, witness: string): void {
    if (this.#suspicion !== undefined || this.#wait === undefined || number < this.#next) return;
    const upTo = number < this.#next + MOST_BLOCKS ? number : this.#next + MOST_BLOCKS - 1n;
    this.#suspicion = { upTo, spentMs: 0, since: 0 };
    const { log, source } = this.#parts;
    log.debug('an ordering node is behind another', { orderer: source, block: this.#next.toString(), other: witness });
    this.#count();
  }

  /** Leaves the source when its time is over. */
  #count(): void {
    const { withheldMs, source } = this.#parts;
    const [wait, suspicion] = [this.#wait, this.#suspicion];
    if (wait === undefined || suspicion === undefined) return;
    suspicion.since = performance.now();
    this.#after(Math.max(0, withheldMs - suspicion.spentMs), wait.over.signal, () => {
      const what = `ordering node ${source} holds back block ${this.#next}, which others have`;
      this.#withheld.abort(new SelvageError('BLOCKS_WITHHELD', what, { details: { address: source, block: this.#next.toString() } }));
    });
  }

  #after(ms: number, signal: AbortSignal, then: () => void): void {
    const { pause = pauseFor } = this.#parts;
    pause(ms, signal).then(
      () => {
        if (!signal.aborted) then();
      },
      () => undefined, // what was waited for came
    );
  }
}

interface Follower {
  readonly source: HeaderSource;
  /** The last header that came and was not looked at. */
  newest: common.Block | undefined;
  /** Wakes who waits for it. */
  arrived: (() => void) | undefined;
}

const pauseFor = async (ms: number, signal: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, { signal });
};
