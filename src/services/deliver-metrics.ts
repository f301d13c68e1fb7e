import { counters, type Labelled } from '../common/labelled.ts';
import type { Counter, Metrics } from '../common/metrics.ts';

/** What one method delivers. */
export interface DeliverKind {
  readonly filtered: boolean;
  readonly dataType: 'block' | 'filtered_block' | 'block_and_pvtdata';
}

/** Counts the streams of all deliver methods. @see common/deliver/metrics.go in hyperledger/fabric v2.5 */
export class DeliverMetrics {
  readonly #opened: Counter;
  readonly #closed: Counter;
  readonly #received: Labelled<Counter>;
  readonly #completed: Labelled<Counter>;
  readonly #sent: Labelled<Counter>;

  constructor(metrics: Metrics) {
    const labels = ['channel', 'filtered', 'data_type'];
    this.#opened = metrics.counter('deliver_streams_opened', 'The number of GRPC streams that have been opened for the deliver service.');
    this.#closed = metrics.counter('deliver_streams_closed', 'The number of GRPC streams that have been closed for the deliver service.');
    this.#received = counters(metrics, 'deliver_requests_received', 'The number of deliver requests that have been received.', labels);
    this.#completed = counters(metrics, 'deliver_requests_completed', 'The number of deliver requests that have been completed.', [
      ...labels,
      'success',
    ]);
    this.#sent = counters(metrics, 'deliver_blocks_sent', 'The number of blocks sent by the deliver service.', labels);
  }

  /** Counts a stream from now until it ends. */
  async stream(work: () => Promise<void>): Promise<void> {
    this.#opened.add();
    try {
      await work();
    } finally {
      this.#closed.add();
    }
  }

  /** What is counted of the requests of one method. */
  of({ filtered, dataType }: DeliverKind): RequestMetrics {
    const labels = [String(filtered), dataType];
    return {
      received: (channelId) => this.#received.of(channelId, ...labels).add(),
      completed: (channelId, success) => this.#completed.of(channelId, ...labels, String(success)).add(),
      sent: (channelId) => this.#sent.of(channelId, ...labels).add(),
    };
  }
}

/** Of channels that there are. */
export interface RequestMetrics {
  received(channelId: string): void;
  completed(channelId: string, success: boolean): void;
  sent(channelId: string): void;
}
