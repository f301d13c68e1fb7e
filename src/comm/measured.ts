import { SelvageError } from '../common/errors.ts';
import type { Listener } from '../common/incoming.ts';
import { counters, histograms, type Labelled } from '../common/labelled.ts';
import type { Counter, Histogram, Metrics } from '../common/metrics.ts';
import type { ByteStream, CallContext, Method } from './method.ts';
import { goStatusName, statusOf } from './status.ts';

/**
 * Counts and times the calls of a server's methods, by service, method and status, and the messages of its streams.
 * @see common/grpcmetrics/metrics.go in hyperledger/fabric v2.5
 */
export class CallMetrics {
  readonly #unary: Calls;
  readonly #stream: Calls;
  readonly #received: Labelled<Counter>;
  readonly #sent: Labelled<Counter>;

  constructor(metrics: Metrics) {
    this.#unary = callsOf('unary', metrics);
    this.#stream = callsOf('stream', metrics);
    const messages = (what: string): Labelled<Counter> =>
      counters(metrics, `grpc_server_stream_messages_${what}`, `The number of stream messages ${what}.`, ['service', 'method']);
    this.#received = messages('received');
    this.#sent = messages('sent');
  }

  /** The same method, measured. */
  measured(method: Method): Method {
    const name = nameOf(method.path);
    if (method.kind === 'unary')
      return { ...method, handle: (...call: Parameters<typeof method.handle>) => counted(this.#unary, name, () => method.handle(...call)) };
    const [received, sent] = [this.#received, this.#sent].map((each) => each.of(...name));
    const handle = (stream: ByteStream, context: CallContext): Promise<void> =>
      counted(this.#stream, name, () => method.handle(countedStream(stream, received, sent), context));
    return { ...method, handle };
  }
}

interface Calls {
  readonly received: Labelled<Counter>;
  readonly completed: Labelled<Counter>;
  readonly seconds: Labelled<Histogram>;
}

function callsOf(kind: 'unary' | 'stream', metrics: Metrics): Calls {
  const named = ['service', 'method'];
  const name = `grpc_server_${kind}_request`;
  return {
    received: counters(metrics, `${name}s_received`, `The number of ${kind} requests received.`, named),
    completed: counters(metrics, `${name}s_completed`, `The number of ${kind} requests completed.`, [...named, 'code']),
    seconds: histograms(metrics, `${name}_duration`, `The time to complete a ${kind} request.`, [...named, 'code']),
  };
}

/** `protos_Endorser` and `ProcessProposal` of `/protos.Endorser/ProcessProposal`: a dot stands for levels in StatsD. */
function nameOf(path: string): readonly [service: string, method: string] {
  const [, service = '', method = ''] = path.split('/');
  return [service.replaceAll('.', '_'), method];
}

async function counted<T>(calls: Calls, name: readonly [string, string], work: () => Promise<T>): Promise<T> {
  calls.received.of(...name).add();
  const started = performance.now();
  let code = 'OK';
  try {
    return await work();
  } catch (thrown) {
    code = goStatusName(statusOf(SelvageError.from(thrown)).code);
    throw thrown;
  } finally {
    calls.completed.of(...name, code).add();
    calls.seconds.of(...name, code).observe((performance.now() - started) / 1000);
  }
}

const counting = (listener: Listener<Uint8Array>, received: Counter | undefined): Listener<Uint8Array> => ({
  received: (message) => {
    received?.add();
    return listener.received(message);
  },
  ended: (failure) => listener.ended(failure),
});

function countedStream(stream: ByteStream, received: Counter | undefined, sent: Counter | undefined): ByteStream {
  const { incoming } = stream;
  return {
    incoming: {
      ...(incoming.listen && { listen: (listener) => incoming.listen?.(counting(listener, received)) }),
      [Symbol.asyncIterator]: () => {
        const messages = incoming[Symbol.asyncIterator]();
        return {
          next: async () => {
            const next = await messages.next();
            if (next.done !== true) received?.add();
            return next;
          },
          ...(messages.return && { return: () => messages.return?.() ?? Promise.resolve({ done: true, value: undefined }) }),
        };
      },
    },
    send: (message) => {
      sent?.add();
      return stream.send(message);
    },
  };
}
