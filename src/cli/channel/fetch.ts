import { OrdererClient } from '../../client/orderer-client.ts';
import type { PeerClient } from '../../client/peer-client.ts';
import type { BlockPosition } from '../../client/seek.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { systemTimers, type Timers } from '../../common/timers.ts';
import { lastConfigOf } from '../../msp/channelconfig/config-block.ts';
import type { Signer } from '../../msp/identity.ts';
import { common } from '../../protos/messages.ts';
import { Patience } from '../patience.ts';

/** Who wants blocks of which channel, and from whom. */
export interface BlockRequest {
  readonly source: OrdererClient | PeerClient;
  readonly signer: Signer;
  readonly channelId: string;
  readonly bestEffort?: boolean | undefined;
  readonly tlsCertHash: Uint8Array | undefined;
  readonly timers?: Timers | undefined;
}

/**
 * @param which `newest`, `oldest`, `config` or a number
 * @throws {SelvageError} `NOT_FOUND` saying whether it is the block or the channel that is not there; `BLOCK_INVALID` for another block than
 *   the one asked for; `DEADLINE_EXCEEDED` when nothing comes for a minute
 */
export async function fetchBlock(request: BlockRequest, which: string, options: Cancellable): Promise<common.Block> {
  if (which === 'config') return read(request, lastConfigOf(await fetchBlock(request, 'newest', options)), options);
  const at = positionOf(which);
  try {
    return await read(request, at, options);
  } catch (thrown) {
    throw isNotFound(thrown) ? await absent(request, at, options, thrown) : thrown;
  }
}

async function read(request: BlockRequest, at: BlockPosition, { signal }: Cancellable): Promise<common.Block> {
  const { source, channelId, timers = systemTimers } = request;
  using patience = new Patience(`${nodeOf(source)} does not deliver block ${at} of channel ${channelId}`, timers, signal);
  const block = await firstOf(request, at, patience);
  if (block === undefined) throw new SelvageError('NOT_FOUND', `no block ${at} came from ${source.address}`);
  const number = block.header?.number ?? 0n;
  if (typeof at !== 'bigint' || number === at) return block;
  throw new SelvageError(
    'BLOCK_INVALID',
    `${nodeOf(source)} delivered block ${number} of channel ${channelId} where block ${at} was asked for`,
    {
      advice: 'Ask another node: this one, or what stands before it, does not do as it is asked.',
    },
  );
}

async function firstOf(request: BlockRequest, at: BlockPosition, options: Cancellable): Promise<common.Block | undefined> {
  const { source, signer, channelId, bestEffort, tlsCertHash } = request;
  const range = { start: at, stop: at, failIfNotReady: true, bestEffort, tlsCertHash };
  if (source instanceof OrdererClient) {
    for await (const block of source.blocks(signer, channelId, range, options)) return block;
  } else {
    for await (const { block } of source.blocks(signer, channelId, range, options)) if (block !== undefined) return block;
  }
  return undefined;
}

const kindOf = (source: BlockRequest['source']): string => (source instanceof OrdererClient ? 'orderer' : 'peer');
const nodeOf = (source: BlockRequest['source']): string => `the ${kindOf(source)} at ${source.address}`;

/** Of a block that is not there: a node that has others of the channel has not come as far, one that has none does not have the channel. */
async function absent(request: BlockRequest, at: BlockPosition, options: Cancellable, cause: unknown): Promise<SelvageError> {
  const { source, channelId } = request;
  const newest = typeof at === 'bigint' ? await read(request, 'newest', options).catch(onlyNotFound) : undefined;
  const node = kindOf(source);
  if (newest !== undefined) {
    const height = (newest.header?.number ?? 0n) + 1n;
    return new SelvageError(
      'NOT_FOUND',
      `can't read the block: &{NOT_FOUND}: there is no block ${at} yet, the height of channel ${channelId} is ${height}`,
      {
        cause,
        advice: `The ${node} at ${source.address} has the blocks 0 to ${height - 1n}.`,
      },
    );
  }
  const what = node === 'peer' ? `has not joined channel ${channelId}` : `has no channel ${channelId}`;
  return new SelvageError('NOT_FOUND', `can't read the block: &{NOT_FOUND}: the ${node} at ${source.address} ${what}`, {
    cause,
    advice: node === 'peer' ? 'See its channels with: channel list' : 'Correct -c, or name another orderer with -o.',
  });
}

const isNotFound = (thrown: unknown): boolean =>
  thrown instanceof SelvageError && thrown.code === 'REFUSED_BY_PEER' && thrown.details['status'] === common.Status.NOT_FOUND;

function onlyNotFound(thrown: unknown): undefined {
  if (!isNotFound(thrown)) throw thrown;
}

function positionOf(which: string): BlockPosition {
  if (which === 'newest' || which === 'oldest') return which;
  if (/^\+?\d+$/.test(which)) return BigInt(which);
  throw new SelvageError('SETTING_INVALID', `fetch target illegal: ${which}`, {
    advice: 'Write newest, oldest, config or a block number.',
  });
}
