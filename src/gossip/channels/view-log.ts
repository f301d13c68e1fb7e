import type { Logger } from '../../common/log.ts';
import type { Gauge, Metrics } from '../../common/metrics.ts';
import { every, type Timers } from '../../common/timers.ts';
import type { ChannelMember } from '../peers.ts';

export interface ViewLogParts {
  readonly channels: () => readonly string[];
  readonly membersOf: (channelId: string) => readonly ChannelMember[];
  readonly timers: Timers;
  readonly intervalMs: number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

interface Watched {
  readonly gauge: Gauge;
  members: readonly ChannelMember[];
}

/**
 * Tells the log, and the metrics, who came to a channel and who went: people and scripts look for these lines.
 * @see trackMembershipChanges in hyperledger/fabric v2.5, gossip/gossip/channel/channel.go
 */
export class ViewLog implements Disposable {
  readonly #parts: ViewLogParts;
  readonly #watched = new Map<string, Watched>();
  #looking: Disposable | undefined;

  constructor(parts: ViewLogParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#looking = every(this.#parts.timers, this.#parts.intervalMs, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#looking?.[Symbol.dispose]();
  }

  #look(): void {
    for (const channelId of this.#parts.channels()) {
      const watched = this.#watched.get(channelId) ?? { gauge: this.#gauge(channelId), members: [] };
      this.#watched.set(channelId, watched);
      const members = this.#parts.membersOf(channelId).filter(({ self }) => !self);
      watched.gauge.set(members.length);
      this.#tell(channelId, watched.members, members);
      watched.members = members;
    }
  }

  #tell(channelId: string, before: readonly ChannelMember[], now: readonly ChannelMember[]): void {
    const offline = withoutThose(before, now);
    const online = withoutThose(now, before);
    if (offline.length + online.length === 0) return;
    const parts = [
      ...(offline.length > 0 ? [`peers went offline:  ${endpointsOf(offline)}`] : []),
      ...(online.length > 0 ? [`peers went online:  ${endpointsOf(online)}`] : []),
      `current view:  ${endpointsOf(now)}`,
    ];
    this.#parts.log.info(`[${channelId}] Membership view has changed. ${parts.join(' , ')}`);
  }

  #gauge(channel: string): Gauge {
    return this.#parts.metrics.gauge('gossip_membership_total_peers_known', 'Peers of a channel that are alive', { channel });
  }
}

function withoutThose(members: readonly ChannelMember[], others: readonly ChannelMember[]): readonly ChannelMember[] {
  const keys = new Set(others.map(({ pkiId }) => String(pkiId)));
  return members.filter(({ pkiId }) => !keys.has(String(pkiId)));
}

/** As Go prints a list of lists: both endpoints, or one where they are equal. */
const endpointsOf = (members: readonly ChannelMember[]): string =>
  `[${members.map(({ endpoint, internalEndpoint = '' }) => `[${endpoint === internalEndpoint ? endpoint : `${endpoint} ${internalEndpoint}`}]`).join(' ')}]`;
