import type { BlockFeed } from '../channel/block-feed.ts';
import type { Channel } from '../channel/channel.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { gateway } from '../protos/messages.ts';
import { unreadable } from '../protos/unreadable.ts';
import { malformed } from './proposed-transaction.ts';
import type { SignedRequests } from './signed-requests.ts';

/** How a transaction ended on the ledger. */
export interface TransactionOutcome {
  /** A `protos.TxValidationCode`. */
  readonly result: number;
  readonly blockNumber: bigint;
}

/** Tells who waits for transactions how they ended. One follows each channel for all who wait. */
export class CommitStatuses {
  readonly #requests: SignedRequests;
  readonly #waiting = new WeakMap<BlockFeed, Waiting>();

  constructor(requests: SignedRequests) {
    this.#requests = requests;
  }

  /**
   * How a transaction ended, as soon as it has. For who asks with a signature, and may read the channel.
   * @throws {SelvageError} `MALFORMED`, `ACCESS_DENIED`
   * @see CommitStatus in hyperledger/fabric v3.1, internal/pkg/gateway/commitstatus.go
   */
  async of(signed: gateway.SignedCommitStatusRequest, { signal }: Cancellable): Promise<TransactionOutcome> {
    if (signed.request.length === 0) throw malformed('a commit status request is required');
    const request = read(signed.request);
    if (request.identity.length === 0) throw malformed('no identity provided');
    if (request.channelId === '') throw malformed('no channel ID provided');
    if (request.transactionId === '') throw malformed('transaction ID should not be empty');
    const channel = await this.#requests.channelFor('gateway/CommitStatus', request, signed);
    return this.#outcome(channel, request.transactionId, signal);
  }

  /** Follows the channel before it looks at the ledger, so that nothing is missed in between. */
  async #outcome(channel: Channel, txId: string, signal: AbortSignal): Promise<TransactionOutcome> {
    using waiter = this.#waitingOn(channel.feed).waitFor(txId, signal);
    const known = await channel.ledger.blocks.transaction(txId);
    if (known !== undefined) return { result: known.validationCode, blockNumber: known.blockNumber };
    const halted = channel.halted();
    if (halted !== undefined) throw halted; // it will never be there
    return await waiter.outcome;
  }

  #waitingOn(feed: BlockFeed): Waiting {
    const known = this.#waiting.get(feed) ?? new Waiting(feed);
    this.#waiting.set(feed, known);
    return known;
  }
}

function read(bytes: Uint8Array): gateway.CommitStatusRequest {
  try {
    return gateway.CommitStatusRequest.decode(bytes);
  } catch (cause) {
    throw malformed(`invalid status request: ${unreadable(cause)}`, cause);
  }
}

interface Waiter extends Disposable {
  /** Rejects with the signal's reason, or when the channel is closed. */
  readonly outcome: Promise<TransactionOutcome>;
}

interface Waits {
  readonly resolve: (outcome: TransactionOutcome) => void;
  readonly reject: (reason: unknown) => void;
}

/** All who wait for transactions of one channel. It is followed as long as somebody does. */
class Waiting {
  readonly #feed: BlockFeed;
  readonly #byTxId = new Map<string, Set<Waits>>();
  #following: AbortController | undefined;

  constructor(feed: BlockFeed) {
    this.#feed = feed;
  }

  waitFor(txId: string, signal: AbortSignal): Waiter {
    let waits: Waits | undefined;
    const outcome = new Promise<TransactionOutcome>((resolve, reject) => {
      waits = { resolve, reject };
    });
    outcome.catch(() => undefined); // when the ledger had it, nobody looks here
    if (waits === undefined) throw new SelvageError('INTERNAL', 'a promise began late');
    const mine = waits;
    const leave = (): void => mine.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    this.#add(txId, mine);
    const over = (): void => {
      signal.removeEventListener('abort', leave);
      this.#remove(txId, mine);
    };
    return { outcome, [Symbol.dispose]: over };
  }

  #add(txId: string, waits: Waits): void {
    const all = this.#byTxId.get(txId);
    if (all === undefined) this.#byTxId.set(txId, new Set([waits]));
    else all.add(waits);
    if (this.#following !== undefined) return;
    this.#following = new AbortController();
    void this.#follow(this.#following.signal);
  }

  #remove(txId: string, waits: Waits): void {
    const all = this.#byTxId.get(txId);
    all?.delete(waits);
    if (all?.size === 0) this.#byTxId.delete(txId);
    if (this.#byTxId.size > 0) return;
    this.#following?.abort();
    this.#following = undefined;
  }

  /** Tells of every block from the next one on; when there are no more, tells that. */
  async #follow(signal: AbortSignal): Promise<void> {
    try {
      for (let number = this.#feed.height; !signal.aborted; number += 1n) {
        await this.#feed.waitFor(number, signal);
        const block = await this.#feed.at(number);
        for (const { txId, code } of block?.transactions ?? [])
          for (const { resolve } of this.#byTxId.get(txId) ?? []) resolve({ result: code, blockNumber: number });
      }
    } catch (cause) {
      if (signal.aborted) return;
      const over = new SelvageError('COMMIT_UNKNOWN', 'unexpected close of commit notification channel', { cause });
      for (const all of this.#byTxId.values()) for (const { reject } of all) reject(over);
      this.#following = undefined;
    }
  }
}
