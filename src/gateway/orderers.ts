import type { Pem } from '../comm/tls.ts';
import { type Cancellable, Deadline } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { common, orderer } from '../protos/messages.ts';
import type { Connections, ConnectionTarget } from './connections.ts';
import { ofLink } from './endorser-answer.ts';
import type { EndpointFailure } from './failures.ts';

/** An ordering node as the configuration of a channel names it. */
export interface Orderer {
  /** As clients are told it: where it was redirected, with both addresses. */
  readonly address: string;
  /** Of its organisation; '' where the address is the channel's and there are several organisations. */
  readonly mspId: string;
  readonly target: ConnectionTarget;
}

/** Where to go instead of an address of the configuration. */
export interface EndpointOverride {
  readonly address: string;
  readonly tlsRoots: readonly Pem[] | undefined;
}

/** @see config and newOrderer in hyperledger/fabric v3.1, internal/pkg/gateway */
export function orderersOf(
  { ordererEndpoints, orderer: config }: Pick<ChannelBundle, 'ordererEndpoints' | 'orderer'>,
  overrides: ReadonlyMap<string, EndpointOverride>,
): readonly Orderer[] {
  const orgs = config?.orgs ?? [];
  return ordererEndpoints.map(({ address, tlsRoots }) => {
    const org = orgs.find(({ endpoints }) => endpoints.includes(address)) ?? (orgs.length === 1 ? orgs[0] : undefined);
    const instead = overrides.get(address);
    return {
      address: instead === undefined ? address : `${instead.address} (mapped from ${address})`,
      mspId: org?.mspId ?? '',
      target: { address: instead?.address ?? address, tlsRoots: instead?.tlsRoots ?? tlsRoots },
    };
  });
}

/** What an orderer said of an envelope, or that it said nothing. */
export type Ordered = 'taken' | { readonly failure: EndpointFailure /** A `common.Status`, 0 for no answer. */; readonly status: number };

/** Of a BFT orderer that somebody was faster at: the transaction is there. */
const ALREADY_THERE = 'failed to submit request: request already exists';

/** Gives an envelope to one ordering node, and waits for its word so many milliseconds. Never rejects while the caller is there. */
export async function broadcast(
  connections: Connections,
  { address, mspId, target }: Orderer,
  envelope: Uint8Array,
  { signal, timeoutMs }: Cancellable & { readonly timeoutMs: number },
): Promise<Ordered> {
  const deadline = new Deadline(timeoutMs, 'context deadline exceeded', signal);
  try {
    using leased = connections.lease(target);
    using stream = leased.client.bidi('/orderer.AtomicBroadcast/Broadcast', deadline);
    await stream.send(envelope);
    stream.end();
    for await (const bytes of stream.incoming) {
      const { status, info } = orderer.BroadcastResponse.decode(bytes);
      if (status === common.Status.SUCCESS) return 'taken';
      if (status === common.Status.SERVICE_UNAVAILABLE && info === ALREADY_THERE) return 'taken';
      const name = Object.entries(common.Status).find(([, value]) => value === status)?.[0] ?? '';
      return { status, failure: { address, mspId, message: `received unsuccessful response from orderer: status=${name}, info=${info}` } };
    }
    throw new SelvageError('PEER_UNREACHABLE', 'the orderer ended the call without an answer');
  } catch (thrown) {
    signal.throwIfAborted();
    const { message, leave } = ofLink(deadline.expired ? deadline.signal.reason : thrown);
    if (leave) connections.leave(target);
    return { status: 0, failure: { address, mspId, message } };
  } finally {
    deadline[Symbol.dispose]();
  }
}
