import type { Method } from '../comm/method.ts';
import type { Clock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { Refusals } from '../common/refusals.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { OrderedBlocks } from '../orderer/orderer-blocks.ts';
import { common, orderer } from '../protos/messages.ts';
import { attestedBlock } from './attested-block.ts';
import { type DeliverableBlocks, type DeliverParts, MOST_ASKED, serveDeliver } from './deliver.ts';
import { received } from './received.ts';
import { SendTurns } from './send-turns.ts';

/** What the two services need of an ordering node. */
export interface OrderingNode {
  /** Takes one `common.Envelope`; the answer says whether it will be ordered, nothing more. */
  broadcast(envelope: Uint8Array): Promise<{ readonly status: number; readonly info: string }>;
  find(channelId: string): { readonly blocks: OrderedBlocks; bundle(): ChannelBundle } | undefined;
}

export interface OrdererServiceOptions {
  readonly timeWindowMs: number;
  readonly mutualTls: boolean;
  readonly clock?: Clock;
  readonly log: Logger;
}

/** `orderer.AtomicBroadcast` of the embedded development orderer. */
export function ordererService(node: OrderingNode, { timeWindowMs, mutualTls, clock, log }: OrdererServiceOptions): Method[] {
  const deliver: DeliverParts = {
    find: (id) => {
      const channel = node.find(id);
      return channel && { bundle: () => channel.bundle(), blocks: deliverable(channel.blocks) };
    },
    authorize: async (bundle, subject) => {
      const verdict = await bundle.policies.get('/Channel/Readers').evaluate(subject);
      if (!verdict.ok) throw new SelvageError('ACCESS_DENIED', verdict.reason);
    },
    status: (status) => orderer.DeliverResponse.encode({ status }),
    turns: new SendTurns(),
    timeWindowMs,
    mutualTls,
    ...(clock && { clock }),
    log,
    refusals: new Refusals(log, 'deliver request refused'),
  };
  return [
    {
      kind: 'bidi',
      path: '/orderer.AtomicBroadcast/Deliver',
      mostHeld: MOST_ASKED,
      handle: (stream, context) => serveDeliver(deliver, stream, context),
    },
    {
      kind: 'bidi',
      path: '/orderer.AtomicBroadcast/Broadcast',
      handle: async (stream) => {
        for await (const envelope of stream.incoming) {
          received(common.Envelope, envelope);
          const { status, info } = await node.broadcast(envelope);
          await stream.send(orderer.BroadcastResponse.encode({ status, info }));
          if (status !== common.Status.SUCCESS) return;
        }
      },
    },
  ];
}

const deliverable = (blocks: OrderedBlocks): DeliverableBlocks => ({
  height: () => blocks.height(),
  response: async (number, _subject, attested) => {
    const block = await blocks.block(number);
    return block && orderer.DeliverResponse.encode({ block: attested ? attestedBlock(block) : block });
  },
  waitFor: (number, signal) => blocks.waitFor(number, signal),
});
