import { SelvageError } from '../common/errors.ts';
import { counters, histograms, type Labelled } from '../common/labelled.ts';
import type { Counter, Histogram, Metrics } from '../common/metrics.ts';

/** A request of chaincode that is being served. */
export interface MeasuredRequest {
  done(success: boolean): void;
}

const REQUEST = ['type', 'channel', 'chaincode'];

/**
 * What Fabric measures of launches and of the requests of chaincode. Chaincode is named as it registers: by package id, or by name and
 * version.
 * @see core/chaincode/metrics.go in hyperledger/fabric v2.5
 */
export class ChaincodeMetrics {
  readonly #launches: Labelled<Histogram>;
  readonly #launchFailures: Labelled<Counter>;
  readonly #launchTimeouts: Labelled<Counter>;
  readonly #executeTimeouts: Labelled<Counter>;
  readonly #received: Labelled<Counter>;
  readonly #completed: Labelled<Counter>;
  readonly #seconds: Labelled<Histogram>;

  constructor(metrics: Metrics) {
    const completed = [...REQUEST, 'success'];
    this.#launches = histograms(metrics, 'chaincode_launch_duration', 'The time to launch a chaincode.', ['chaincode', 'success']);
    this.#launchFailures = counters(metrics, 'chaincode_launch_failures', 'The number of chaincode launches that have failed.', [
      'chaincode',
    ]);
    this.#launchTimeouts = counters(metrics, 'chaincode_launch_timeouts', 'The number of chaincode launches that have timed out.', [
      'chaincode',
    ]);
    this.#executeTimeouts = counters(
      metrics,
      'chaincode_execute_timeouts',
      'The number of chaincode executions (Init or Invoke) that have timed out.',
      ['chaincode'],
    );
    this.#received = counters(metrics, 'chaincode_shim_requests_received', 'The number of chaincode shim requests received.', REQUEST);
    this.#completed = counters(metrics, 'chaincode_shim_requests_completed', 'The number of chaincode shim requests completed.', completed);
    this.#seconds = histograms(metrics, 'chaincode_shim_request_duration', 'The time to complete chaincode shim requests.', completed);
  }

  /** Times a launch. One that is called off counts for nothing. */
  async launching<T>(ccid: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const took = (): number => (performance.now() - started) / 1000;
    try {
      const running = await work();
      this.#launches.of(ccid, 'true').observe(took());
      return running;
    } catch (thrown) {
      const { code } = SelvageError.from(thrown);
      if (code !== 'CANCELLED') {
        (code === 'DEADLINE_EXCEEDED' ? this.#launchTimeouts : this.#launchFailures).of(ccid).add();
        this.#launches.of(ccid, 'false').observe(took());
      }
      throw thrown;
    }
  }

  executeTimedOut(ccid: string): void {
    this.#executeTimeouts.of(ccid).add();
  }

  /** @param type like `GET_STATE` */
  request(type: string, channelId: string, ccid: string): MeasuredRequest {
    this.#received.of(type, channelId, ccid).add();
    const started = performance.now();
    return {
      done: (success) => {
        this.#completed.of(type, channelId, ccid, String(success)).add();
        this.#seconds.of(type, channelId, ccid, String(success)).observe((performance.now() - started) / 1000);
      },
    };
  }
}
