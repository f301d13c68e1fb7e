import { evaluate } from '../../client/submit.ts';
import { type Caller, chainInfo } from '../../client/system-calls.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { BlockSpan, ExplainedBlocks } from '../../explain/explained-blocks.ts';
import { common } from '../../protos/messages.ts';

/** The blocks of a channel as any peer delivers them to who may read the channel. */
export class PeerBlocks implements ExplainedBlocks {
  readonly channelId: string;
  readonly #caller: Caller;
  readonly #tlsCertHash: Uint8Array | undefined;

  constructor(caller: Caller, { channelId, tlsCertHash }: { readonly channelId: string; readonly tlsCertHash: Uint8Array | undefined }) {
    this.#caller = caller;
    this.channelId = channelId;
    this.#tlsCertHash = tlsCertHash;
  }

  async height(options: Cancellable): Promise<bigint> {
    return (await chainInfo(this.#caller, this.channelId, options)).height;
  }

  async *blocks({ first, last }: BlockSpan, options: Cancellable): AsyncGenerator<common.Block> {
    if (first > last) return;
    const { peer, signer } = this.#caller;
    const range = { start: first, stop: last, failIfNotReady: true, tlsCertHash: this.#tlsCertHash };
    let next = first;
    try {
      for await (const { block } of peer.blocks(signer, this.channelId, range, options)) {
        if (block === undefined) continue;
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

  /** By the peer's own index, which finds the first of several with one id. */
  async blockOf(txId: string, options: Cancellable): Promise<bigint | undefined> {
    const { peer, signer } = this.#caller;
    const spec = { channelId: this.channelId, chaincode: 'qscc', args: ['GetBlockByTxID', this.channelId, txId] };
    try {
      const { payload } = await evaluate(peer, signer, spec, options);
      return common.Block.decode(payload).header?.number ?? 0n;
    } catch (thrown) {
      if (thrown instanceof SelvageError && thrown.code === 'REFUSED_BY_PEER' && /no such transaction ID|not found/i.test(thrown.message))
        return undefined;
      throw thrown;
    }
  }
}
