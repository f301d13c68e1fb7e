/** A peer and an orderer that answer as a test says, over real connections: what the client folder is tested against. */

import { OrdererClient } from '../../src/client/orderer-client.ts';
import { PeerClient } from '../../src/client/peer-client.ts';
import type { CallContext } from '../../src/comm/method.ts';
import { listen } from '../../src/comm/server.ts';
import { silent } from '../../src/common/log.ts';
import type { Scope } from '../../src/common/scope.ts';
import { common, orderer, protos } from '../../src/protos/messages.ts';

export interface PeerScript {
  readonly endorse?: (signed: protos.SignedProposal) => protos.ProposalResponseInit;
  /** What a deliver call is answered, message by message. */
  readonly deliver?: (seek: orderer.SeekInfo, context: CallContext) => AsyncIterable<protos.DeliverResponseInit>;
}

export interface OrdererScript {
  readonly broadcast?: (envelope: Uint8Array) => orderer.BroadcastResponseInit;
}

const seekIn = (bytes: Uint8Array): orderer.SeekInfo =>
  orderer.SeekInfo.decode(common.Payload.decode(common.Envelope.decode(bytes).payload).data);

/** Nodes that go away when the scope does. */
export async function scriptedPeer(scope: Scope, { endorse = () => ({}), deliver }: PeerScript): Promise<PeerClient> {
  const delivered = (path: string) => ({
    kind: 'bidi' as const,
    path,
    handle: async (
      stream: { incoming: AsyncIterable<Uint8Array>; send(message: Uint8Array): Promise<void> },
      context: CallContext,
    ): Promise<void> => {
      for await (const request of stream.incoming)
        for await (const answer of deliver?.(seekIn(request), context) ?? []) await stream.send(protos.DeliverResponse.encode(answer));
    },
  });
  const endorsed = async (request: Uint8Array): Promise<Uint8Array> =>
    protos.ProposalResponse.encode(endorse(protos.SignedProposal.decode(request)));
  const methods = [
    { kind: 'unary' as const, path: '/protos.Endorser/ProcessProposal', handle: endorsed },
    delivered('/protos.Deliver/Deliver'),
    delivered('/protos.Deliver/DeliverFiltered'),
  ];
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods, log: silent }));
  return scope.use(new PeerClient({ address: `127.0.0.1:${server.port}` }));
}

export async function scriptedOrderer(
  scope: Scope,
  { broadcast = () => ({ status: common.Status.SUCCESS }) }: OrdererScript,
): Promise<OrdererClient> {
  const path = '/orderer.AtomicBroadcast/Broadcast';
  const handle = async (stream: { incoming: AsyncIterable<Uint8Array>; send(message: Uint8Array): Promise<void> }): Promise<void> => {
    for await (const envelope of stream.incoming) await stream.send(orderer.BroadcastResponse.encode(broadcast(envelope)));
  };
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods: [{ kind: 'bidi', path, handle }], log: silent }));
  return scope.use(new OrdererClient({ address: `127.0.0.1:${server.port}` }));
}
