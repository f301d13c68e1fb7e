import type { Channel, Channels } from '../channel/channel.ts';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import type { PeerView } from '../gossip/peers.ts';
import type { PrivateDataExchange } from '../gossip/private-exchange.ts';
import { Collector } from './collector.ts';
import { MemberDistributor } from './member-distributor.ts';
import { pauseFor } from './pause.ts';
import type { PrivateDataSource } from './ports/private-data-source.ts';
import type { PrivateDataDistributor } from './ports/private-writes.ts';
import { Puller } from './puller.ts';
import { Receiver } from './receiver.ts';
import { Reconciler } from './reconciler.ts';
import { Responder } from './responder.ts';
import type { PrivateDataSettings } from './settings.ts';

export interface PrivateDataServiceParts {
  readonly channels: Channels;
  readonly peers: PeerView;
  readonly exchange: PrivateDataExchange;
  /** This peer's organisation. */
  readonly mspId: string;
  readonly settings: PrivateDataSettings;
  /** Blocks after which private data of a transaction that never came is dropped. */
  readonly retention: bigint;
  readonly clock?: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** All that a peer does about private data with others: it gives, takes, asks and answers. Disposing ends that. */
export class PrivateDataService implements AsyncDisposable {
  readonly #parts: PrivateDataServiceParts;
  readonly #receiver: Receiver;
  readonly #scope = new Scope();
  readonly distributor: PrivateDataDistributor;

  constructor(parts: PrivateDataServiceParts) {
    const { log } = parts;
    this.#parts = parts;
    this.distributor = new MemberDistributor(parts);
    this.#receiver = this.#scope.use(new Receiver(parts));
    const responder = new Responder(parts);
    this.#scope.use(
      parts.exchange.serve({
        received: (data, channelId, from) => this.#receiver.received(data, channelId, from),
        asked: (digests, channelId, from) => responder.asked(digests, channelId, from),
      }),
    );
    if (!parts.settings.reconciliationEnabled) log.debug('Private data reconciliation has been disabled');
  }

  /** Begins with a channel: what is missing of it is asked for. @returns where the data of its blocks come from */
  follow(channel: Channel): PrivateDataSource {
    const { peers, exchange, metrics, mspId, settings } = this.#parts;
    const log = this.#parts.log.child({ channel: channel.id });
    const puller = new Puller({ channelId: channel.id, peers, exchange, btlPullMargin: settings.btlPullMargin, metrics, log });
    this.#receiver.follow(channel);
    if (settings.reconciliationEnabled) this.#scope.use(new Reconciler({ channel, puller, settings, metrics, log })).start();
    return new Collector({ channel, puller, mspId, settings, pause: pauseFor, metrics, log });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}
