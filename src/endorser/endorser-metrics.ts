import { SelvageError } from '../common/errors.ts';
import { counters, histograms, type Labelled } from '../common/labelled.ts';
import type { Counter, Gauge, Histogram, Metrics } from '../common/metrics.ts';
import type { protos } from '../protos/messages.ts';

/** The channel and the chaincode that a proposal names; both '' where it does not get so far. */
interface Target {
  readonly channelId: string;
  readonly chaincodeId: { readonly name: string };
}

const WHERE = ['channel', 'chaincode'];

/**
 * How proposals end and how long that takes, under the names that Fabric's dashboards know.
 * @see core/endorser/metrics.go in hyperledger/fabric v2.5
 */
export class EndorserMetrics {
  readonly #inFlight: Gauge;
  readonly #received: Counter;
  readonly #successful: Counter;
  readonly #invalid: Counter;
  readonly #refused: Labelled<Counter>;
  readonly #duplicates: Labelled<Counter>;
  readonly #forbidden: Labelled<Counter>;
  readonly #simulationFailures: Labelled<Counter>;
  readonly #initFailures: Labelled<Counter>;
  readonly #endorsementFailures: Labelled<Counter>;
  readonly #seconds: Labelled<Histogram>;

  constructor(metrics: Metrics) {
    this.#inFlight = metrics.gauge('selvage_endorser_proposals_in_flight', 'Proposals being worked on.');
    this.#received = metrics.counter('endorser_proposals_received', 'The number of proposals received.');
    this.#successful = metrics.counter('endorser_successful_proposals', 'The number of successful proposals.');
    this.#invalid = metrics.counter(
      'endorser_proposal_validation_failures',
      'The number of proposals that have failed initial validation.',
    );
    this.#refused = counters(metrics, 'selvage_endorser_proposals_refused_total', 'Proposals that got a gRPC error.', ['code']);
    this.#duplicates = counters(
      metrics,
      'endorser_duplicate_transaction_failures',
      'The number of failed proposals due to duplicate transaction ID.',
      WHERE,
    );
    this.#forbidden = counters(metrics, 'endorser_proposal_acl_failures', 'The number of proposals that failed ACL checks.', WHERE);
    this.#simulationFailures = counters(
      metrics,
      'endorser_proposal_simulation_failures',
      'The number of failed proposal simulations',
      WHERE,
    );
    this.#initFailures = counters(
      metrics,
      'endorser_chaincode_instantiation_failures',
      'The number of chaincode instantiations or upgrade that have failed.',
      WHERE,
    );
    this.#endorsementFailures = counters(metrics, 'endorser_endorsement_failures', 'The number of failed endorsements.', [
      ...WHERE,
      'chaincodeerror',
    ]);
    this.#seconds = histograms(metrics, 'endorser_proposal_duration', 'The time to complete a proposal.', [...WHERE, 'success']);
  }

  inFlight(count: number): void {
    this.#inFlight.set(count);
  }

  received(): void {
    this.#received.add();
  }

  /**
   * How long the answer to an admitted proposal took, and whether it is a success.
   * @param begun by `performance.now`
   * @param reply undefined when it ended without one
   */
  answered(proposal: Target, begun: number, reply: protos.ProposalResponseInit | undefined): void {
    const endorsed = reply?.endorsement !== undefined;
    const success = endorsed || (reply !== undefined && proposal.channelId === '' && (reply.response?.status ?? 0) < 400);
    if (success) this.#successful.add();
    this.#seconds.of(...where(proposal), String(success)).observe((performance.now() - begun) / 1000);
  }

  /** Counts a proposal that was not let in, by which check it failed. */
  notAdmitted(thrown: unknown): void {
    const { details } = SelvageError.from(thrown);
    const target = [String(details['channel'] ?? ''), String(details['chaincode'] ?? '')];
    if (details['check'] === 'duplicate') this.#duplicates.of(...target).add();
    else if (details['check'] === 'access') this.#forbidden.of(...target).add();
    else this.#invalid.add();
  }

  simulationFailed(proposal: Target): void {
    this.#simulationFailures.of(...where(proposal)).add();
  }

  /** @param chaincode the one that was to be instantiated or upgraded */
  initFailed(channelId: string, chaincode: string): void {
    this.#initFailures.of(channelId, chaincode).add();
  }

  /** @param byChaincode whether the chaincode refused, or something of the peer failed */
  endorsementFailed(proposal: Target, byChaincode: boolean): void {
    this.#endorsementFailures.of(...where(proposal), String(byChaincode)).add();
  }

  /** Counts a call that ended without a reply. */
  ended(thrown: unknown): void {
    this.#refused.of(SelvageError.from(thrown).code).add();
  }
}

const where = ({ channelId, chaincodeId }: Target): readonly [string, string] => [channelId, chaincodeId.name];
