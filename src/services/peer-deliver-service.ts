import type { Channel, Channels } from '../channel/channel.ts';
import type { BlockForm, CommittedBlock } from '../channel/committed-block.ts';
import type { Method } from '../comm/method.ts';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/log.ts';
import type { MaybePromise } from '../common/maybe.ts';
import { type Metrics, unmeasured } from '../common/metrics.ts';
import { Refusals } from '../common/refusals.ts';
import type { AccessControl } from '../msp/acl.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { common, protos } from '../protos/messages.ts';
import { attestedBlock } from './attested-block.ts';
import { type DeliverableBlocks, type DeliverParts, MOST_ASKED, serveDeliver } from './deliver.ts';
import { type DeliverKind, DeliverMetrics } from './deliver-metrics.ts';
import { filteredBlock } from './filtered-block.ts';
import { blockWithPrivateData } from './private-blocks.ts';
import { SendTurns } from './send-turns.ts';
import { StreamLimit } from './stream-limit.ts';

export interface PeerDeliverParts {
  readonly channels: Channels;
  readonly acl: AccessControl;
  readonly timeWindowMs: number;
  readonly mutualTls: boolean;
  /** `peer.limits.concurrency.deliverService`: streams at a time; 0 is no limit. */
  readonly concurrency: number;
  readonly clock?: Clock;
  readonly metrics?: Metrics;
  readonly log: Logger;
}

/** `protos.Deliver`: committed blocks with their validation codes, whole, filtered, or with the private data that the requester may see. */
export function peerDeliverService(parts: PeerDeliverParts): Method[] {
  const metrics = new DeliverMetrics(parts.metrics ?? unmeasured);
  const streams = { limit: new StreamLimit('/protos.Deliver', parts.concurrency), turns: new SendTurns(), metrics };
  return [
    deliverMethod('Deliver', { resource: 'event/Block', respond: wholeOrAttested, filtered: false, dataType: 'block' }, parts, streams),
    deliverMethod(
      'DeliverFiltered',
      { resource: 'event/FilteredBlock', respond: shared(filtered), filtered: true, dataType: 'filtered_block' },
      parts,
      streams,
    ),
    deliverMethod(
      'DeliverWithPrivateData',
      { resource: 'event/Block', respond: blockWithPrivateData, filtered: false, dataType: 'block_and_pvtdata' },
      parts,
      streams,
    ),
  ];
}

const status = (code: number): Uint8Array => protos.DeliverResponse.encode({ status: code });

const whole: BlockForm = ({ block }) => protos.DeliverResponse.encode({ block });
const attested: BlockForm = ({ block }) => protos.DeliverResponse.encode({ block: attestedBlock(block) });
const wholeOrAttested: Delivery['respond'] = (block, _channel, _subject, isAttested) => block.form(isAttested ? attested : whole);

/** A status stands in for a block that cannot be filtered, and the stream goes on. */
function filtered(block: CommittedBlock): Uint8Array {
  const form = filteredBlock(block);
  return form === undefined ? status(common.Status.BAD_REQUEST) : protos.DeliverResponse.encode({ filteredBlock: form });
}

interface Delivery extends DeliverKind {
  /** What a requester must have access to. */
  readonly resource: string;
  /** `DeliverResponse` bytes of a block for who asks. */
  respond(block: CommittedBlock, channel: Channel, subject: readonly SignedData[], attested: boolean): MaybePromise<Uint8Array | undefined>;
}

/** What is the same for all who ask. */
const shared =
  (form: BlockForm): Delivery['respond'] =>
  (block) =>
    block.form(form);

/** What the streams of all methods share. */
interface Streams {
  readonly limit: StreamLimit;
  readonly turns: SendTurns;
  readonly metrics: DeliverMetrics;
}

function deliverMethod(name: string, delivery: Delivery, parts: PeerDeliverParts, { limit, turns, metrics }: Streams): Method {
  const { resource, respond } = delivery;
  const { channels, acl, timeWindowMs, mutualTls, clock, log } = parts;
  const deliver: DeliverParts = {
    find: (id) => {
      const channel = channels.get(id);
      return channel && { bundle: () => channel.bundle(), blocks: deliverable(channel, respond) };
    },
    authorize: (bundle, subject) => acl.check(resource, bundle, subject),
    status,
    turns,
    metrics: metrics.of(delivery),
    timeWindowMs,
    mutualTls,
    ...(clock && { clock }),
    log,
    refusals: new Refusals(log, 'deliver request refused'),
  };
  return {
    kind: 'bidi',
    path: `/protos.Deliver/${name}`,
    mostHeld: MOST_ASKED,
    handle: (stream, context) => limit.run(() => metrics.stream(() => serveDeliver(deliver, stream, context))),
  };
}

const deliverable = (channel: Channel, respond: Delivery['respond']): DeliverableBlocks => ({
  height: () => channel.feed.height,
  response: async (number, subject, attested) => {
    const block = await channel.feed.at(number);
    return block && respond(block, channel, subject, attested);
  },
  waitFor: (number, signal) => channel.feed.waitFor(number, signal),
});
