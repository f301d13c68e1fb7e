import { SelvageError } from '../common/errors.ts';
import type { Gauge, Histogram, Metrics } from '../common/metrics.ts';
import type { protos } from '../protos/messages.ts';

/** A reply and the chaincode that ran for it, which is absent where none came to run. */
export interface Answered {
  readonly reply: protos.ProposalResponseInit;
  readonly chaincode?: string;
}

/** How proposals end and how long that takes. Labels are bounded: a client's made-up names never become one. */
export class EndorserMetrics {
  readonly #metrics: Metrics;
  readonly #inFlight: Gauge;
  readonly #seconds = new Map<string, Histogram>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#inFlight = metrics.gauge('selvage_endorser_proposals_in_flight', 'Proposals being worked on.');
  }

  inFlight(count: number): void {
    this.#inFlight.set(count);
  }

  /** Times the answer to an admitted proposal. */
  async answering(channel: string, work: () => Promise<Answered>): Promise<protos.ProposalResponseInit> {
    const started = performance.now();
    const { reply, chaincode = '' } = await work();
    this.#histogram({ channel, chaincode, outcome: outcomeOf(reply) }).observe((performance.now() - started) / 1000);
    return reply;
  }

  /** Counts a call that ended without a reply. */
  ended(thrown: unknown): void {
    const labels = { code: SelvageError.from(thrown).code };
    this.#metrics.counter('selvage_endorser_proposals_refused_total', 'Proposals that got a gRPC error.', labels).add();
  }

  #histogram(labels: Readonly<Record<string, string>>): Histogram {
    const key = JSON.stringify(labels);
    const known = this.#seconds.get(key);
    if (known !== undefined) return known;
    const made = this.#metrics.histogram(
      'selvage_endorser_proposal_seconds',
      'Time to answer an admitted proposal, launches included.',
      labels,
    );
    this.#seconds.set(key, made);
    return made;
  }
}

function outcomeOf({ endorsement, response }: protos.ProposalResponseInit): string {
  if (endorsement !== undefined) return 'endorsed';
  return (response?.status ?? 0) >= 400 ? 'failed' : 'answered';
}
