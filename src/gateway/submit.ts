import type { Channel } from '../channel/channel.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { shuffled } from '../common/shuffled.ts';
import { common, type gateway } from '../protos/messages.ts';
import { whileWaited } from './caller.ts';
import type { Connections } from './connections.ts';
import { type EndpointFailure, failed } from './failures.ts';
import { broadcast, type EndpointOverride, type Orderer, orderersOf } from './orderers.ts';
import { malformed } from './proposed-transaction.ts';

export interface SubmitParts {
  readonly connections: Connections;
  /** Undefined for a channel that is not here. */
  channel(channelId: string): Pick<Channel, 'bundle'> | undefined;
  readonly overrides: ReadonlyMap<string, EndpointOverride>;
  readonly broadcastTimeoutMs: number;
}

interface Submission extends Cancellable {
  readonly orderers: readonly Orderer[];
  /** `common.Envelope` bytes. */
  readonly envelope: Uint8Array;
}

/**
 * Gives a transaction to the ordering service of its channel.
 * @throws {SelvageError} with what each orderer said that was asked
 * @see Submit in hyperledger/fabric v3.1, internal/pkg/gateway/submit.go
 */
export async function submit(
  parts: SubmitParts,
  { preparedTransaction: transaction, channelId }: gateway.SubmitRequest,
  { signal }: Cancellable,
): Promise<void> {
  if (transaction === undefined) throw malformed('a prepared transaction is required');
  if (transaction.signature.length === 0) throw malformed('prepared transaction must be signed');
  const bundle = parts.channel(channelId)?.bundle();
  if (bundle === undefined)
    throw new SelvageError('ENDORSERS_MISSING', `failed to get config for channel [${channelId}]: ${noConfig(channelId)}`);
  const orderers = orderersOf(bundle, parts.overrides);
  if (orderers.length === 0) throw new SelvageError('PEER_UNREACHABLE', 'no orderer nodes available');
  const submission = { orderers, envelope: common.Envelope.encode(transaction), signal };
  const taken = bundle.orderer?.consensusType === 'BFT' ? toQuorum(parts, submission) : toOne(parts, submission);
  await whileWaited(taken, signal, 'submit timeout expired while broadcasting to ordering service');
}

/** Why there is no configuration, as discovery has it. */
export const noConfig = (channelId: string): string => `could not get last config for channel ${channelId}`;

/** One orderer is enough; they are tried in any order. */
async function toOne(
  { connections, broadcastTimeoutMs: timeoutMs }: SubmitParts,
  { orderers, envelope, signal }: Submission,
): Promise<void> {
  const failures: EndpointFailure[] = [];
  for (const orderer of shuffled(orderers)) {
    const ordered = await broadcast(connections, orderer, envelope, { signal, timeoutMs });
    if (ordered === 'taken') return;
    if (ordered.status >= 400 && ordered.status < 500) throw new SelvageError('ORDERER_REFUSED', ordered.failure.message); // so will all others
    failures.push(ordered.failure);
  }
  throw failed('PEER_UNREACHABLE', 'no orderers could successfully process transaction', failures);
}

/** All are asked at a time, and a quorum of them has to take it, since some may lie. The others get it too, whether the client waits or not. */
function toQuorum({ connections, broadcastTimeoutMs: timeoutMs }: SubmitParts, { orderers, envelope }: Submission): Promise<void> {
  const quorum = quorumOf(orderers.length);
  const failures: EndpointFailure[] = [];
  let taken = 0;
  return new Promise((resolve, reject) => {
    for (const orderer of orderers)
      broadcast(connections, orderer, envelope, { signal: new AbortController().signal, timeoutMs }).then((ordered) => {
        if (ordered === 'taken') taken += 1;
        else failures.push(ordered.failure);
        if (taken >= quorum) resolve();
        else if (failures.length > orderers.length - quorum) reject(failed('PEER_UNREACHABLE', NO_QUORUM, failures));
      }, reject);
  });
}

const NO_QUORUM = 'insufficient number of orderers could successfully process transaction to satisfy quorum requirement';

/** Any two sets of so many nodes have more in common than may lie. @see computeBFTQuorum in hyperledger/fabric v3.1, internal/pkg/gateway/submit.go */
export function quorumOf(nodes: number): number {
  const faulty = Math.floor((nodes - 1) / 3);
  return Math.ceil((nodes + faulty + 1) / 2);
}
