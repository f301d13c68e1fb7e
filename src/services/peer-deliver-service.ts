import type { Channels } from '../channel/channel.ts';
import type { Method } from '../comm/method.ts';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/log.ts';
import type { AccessControl } from '../msp/acl.ts';
import { protos } from '../protos/messages.ts';
import { type DeliverParts, serveDeliver } from './deliver.ts';
import { filteredBlock } from './filtered-block.ts';

export interface PeerDeliverParts {
  readonly channels: Channels;
  readonly acl: AccessControl;
  readonly timeWindowMs: number;
  readonly mutualTls: boolean;
  readonly clock?: Clock;
  readonly log: Logger;
}

/** `protos.Deliver`: committed blocks with their validation codes, whole or filtered. */
export function peerDeliverService(parts: PeerDeliverParts): Method[] {
  const whole: DeliverParts['form'] = (block) => protos.DeliverResponse.encode({ block });
  const filtered: DeliverParts['form'] = (block, channelId) => {
    const form = filteredBlock(block, channelId);
    return form === undefined ? undefined : protos.DeliverResponse.encode({ filteredBlock: form });
  };
  return [
    deliverMethod('/protos.Deliver/Deliver', 'event/Block', whole, parts),
    deliverMethod('/protos.Deliver/DeliverFiltered', 'event/FilteredBlock', filtered, parts),
  ];
}

function deliverMethod(path: string, resource: string, form: DeliverParts['form'], parts: PeerDeliverParts): Method {
  const { channels, acl, timeWindowMs, mutualTls, clock, log } = parts;
  const deliver: DeliverParts = {
    find: (id) => {
      const channel = channels.get(id);
      if (channel === undefined) return undefined;
      const { blocks } = channel.ledger;
      return {
        bundle: () => channel.bundle(),
        blocks: {
          height: () => blocks.info().height,
          block: (number) => blocks.block(number),
          waitFor: (number, signal) => blocks.waitFor(number, signal),
        },
      };
    },
    authorize: (bundle, subject) => acl.check(resource, bundle, subject),
    form,
    status: (status) => protos.DeliverResponse.encode({ status }),
    timeWindowMs,
    mutualTls,
    ...(clock && { clock }),
    log,
  };
  return { kind: 'bidi', path, handle: (stream, context) => serveDeliver(deliver, stream, context) };
}
