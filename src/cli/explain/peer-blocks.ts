import { evaluate } from '../../client/submit.ts';
import { type Caller, chainInfo } from '../../client/system-calls.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { systemTimers, type Timers } from '../../common/timers.ts';
import type { BlockSpan, ExplainedBlocks } from '../../explain/explained-blocks.ts';
import { common } from '../../protos/messages.ts';
import { Patience } from '../patience.ts';

interface PeerBlocksParts {
  readonly channelId: string;
  readonly tlsCertHash: Uint8Array | undefined;
  readonly timers?: Timers;
}

/** The blocks of a channel as any peer delivers them to who may read the channel. A peer that says nothing for a minute is given up. */
export class PeerBlocks implements ExplainedBlocks {
  readonly channelId: string;
  readonly #caller: Caller;
  readonly #tlsCertHash: Uint8Array | undefined;

  readonly #timers: Timers;

  constructor(caller: Caller, { channelId, tlsCertHash, timers = systemTimers }: PeerBlocksParts) {
    this.#caller = caller;
    this.channelId = channelId;
    this.#tlsCertHash = tlsCertHash;
    this.#timers = timers;
  }

  async height({ signal }: Cancellable): Promise<bigint> {
    using patience = this.#patience(`does not tell the height of channel ${this.channelId}`, signal);
    return (await chainInfo(this.#caller, this.channelId, patience)).height;
  }

  async *blocks({ first, last }: BlockSpan, { signal }: Cancellable): AsyncGenerator<common.Block> {
    if (first > last) return;
    const { peer, signer } = this.#caller;
    const range = { start: first, stop: last, failIfNotReady: true, tlsCertHash: this.#tlsCertHash };
    using patience = this.#patience(`does not deliver blocks ${first} to ${last} of channel ${this.channelId}`, signal);
    let next = first;
    try {
      for await (const { block } of peer.blocks(signer, this.channelId, range, patience)) {
        if (block === undefined) continue;
        patience.heard();
        this.#checkNumber(block, next, last);
        next += 1n;
        yield block;
      }
    } catch (thrown) {
      if (
        next === first &&
        thrown instanceof SelvageError &&
        thrown.code === 'REFUSED_BY_PEER' &&
        thrown.details['status'] === common.Status.NOT_FOUND
      )
        throw new SelvageError('NOT_FOUND', `the peer at ${peer.address} does not have block ${first} of channel ${this.channelId}`, {
          cause: thrown,
        });
      throw thrown;
    }
    if (next <= last) throw new SelvageError('PEER_UNREACHABLE', `${peer.address} stopped delivering blocks at block ${next}`);
  }

  #patience(what: string, signal: AbortSignal): Patience {
    return new Patience(`the peer at ${this.#caller.peer.address} ${what}`, this.#timers, signal);
  }

  /** Whoever looks for what a transaction met would find it in the wrong place. */
  #checkNumber({ header }: common.Block, wanted: bigint, last: bigint): void {
    const number = header?.number ?? 0n;
    if (number === wanted && wanted <= last) return;
    const expected = wanted <= last ? `where block ${wanted} comes` : `after the last that was asked for, ${last}`;
    throw new SelvageError(
      'BLOCK_INVALID',
      `${this.#caller.peer.address} delivered block ${number} of channel ${this.channelId} ${expected}`,
      {
        advice: 'Ask another peer of the channel: this one, or what stands before it, does not do as it is asked.',
      },
    );
  }

  /** By the peer's own index, which finds the first of several with one id. */
  async blockOf(txId: string, { signal }: Cancellable): Promise<bigint | undefined> {
    const { peer, signer } = this.#caller;
    using patience = this.#patience(`does not tell which block of channel ${this.channelId} has the transaction`, signal);
    const spec = { channelId: this.channelId, chaincode: 'qscc', args: ['GetBlockByTxID', this.channelId, txId] };
    try {
      const { payload } = await evaluate(peer, signer, spec, patience);
      return common.Block.decode(payload).header?.number ?? 0n;
    } catch (thrown) {
      if (thrown instanceof SelvageError && thrown.code === 'REFUSED_BY_PEER' && /no such transaction ID|not found/i.test(thrown.message))
        return undefined;
      throw thrown;
    }
  }
}
