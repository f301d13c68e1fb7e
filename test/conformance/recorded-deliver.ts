/** One recorded deliver call, asked again. */
import type { ByteStream, Method } from '../../src/comm/method.ts';
import { deferred } from '../../src/common/deferred.ts';
import { common, orderer, protos } from '../../src/protos/messages.ts';
import { bytesIn, type RecordedCall, type Recording, read, readLines } from './recording.ts';

/**
 * The recorded answers of a call, from single files or from JSON lines. Answers that are whole blocks may be left out of the
 * recording; they are the blocks from the start on and a status. The private data beside them are left out with them.
 */
export function responsesOf({ network, blocks }: Recording, call: RecordedCall): readonly Uint8Array[] {
  const [request = ''] = call.requests;
  return call.responses.flatMap((file) => {
    const [, count] = LEFT_OUT.exec(file) ?? [];
    if (count !== undefined) return leftOut(blocks, seekOf(read(network, request)), { count: Number(count), call });
    return file.endsWith('.jsonl') ? readLines<{ readonly msg: string }>(`${network}/${file}`).map(bytesIn) : [read(network, file)];
  });
}

const LEFT_OUT = /\/(\d+) messages, left out/;

/** Whether answers with private data were left out, so that only the blocks of ours can be compared. */
export const lacksPrivateData = ({ method, responses }: RecordedCall): boolean =>
  method.endsWith('/DeliverWithPrivateData') && responses.some((file) => LEFT_OUT.test(file));

function leftOut(
  blocks: readonly common.Block[],
  seek: orderer.SeekInfo | undefined,
  { count, call }: { readonly count: number; readonly call: RecordedCall },
): readonly Uint8Array[] {
  const start = Number(seek?.start?.specified?.number ?? 0n);
  const form = (block: common.Block) => (lacksPrivateData(call) ? { blockAndPrivateData: { block } } : { block });
  const delivered = blocks.slice(start, start + count - 1).map((block) => protos.DeliverResponse.encode(form(block)));
  return [...delivered, protos.DeliverResponse.encode({ status: common.Status.SUCCESS })];
}

/** Number of the block in an answer, filtered or whole; undefined for a status. The messages of peers and orderers differ in field 3 alone. */
export function blockNumberIn(response: Uint8Array): bigint | undefined {
  const { block, filteredBlock, blockAndPrivateData } = protos.DeliverResponse.decode(response);
  return block?.header?.number ?? filteredBlock?.number ?? blockAndPrivateData?.block?.header?.number;
}

/** What an envelope asks for; undefined where it does not parse. */
export function seekOf(envelope: Uint8Array): orderer.SeekInfo | undefined {
  try {
    return orderer.SeekInfo.decode(common.Payload.decode(common.Envelope.decode(envelope).payload).data);
  } catch {
    return undefined;
  }
}

export class RecordedDeliver {
  readonly call: RecordedCall;
  readonly recorded: readonly Uint8Array[];
  readonly requests: readonly Uint8Array[];
  readonly ours: Uint8Array[] = [];
  /** Whether our service ended the call. */
  ended = false;
  readonly #stop = new AbortController();
  readonly #first = deferred<void>();
  readonly #all = deferred<void>();

  constructor(recording: Recording, call: RecordedCall) {
    this.call = call;
    this.recorded = responsesOf(recording, call);
    this.requests = call.requests.map((file) => read(recording.network, file));
  }

  /** The least height at which the recorded answer was possible, as far as it says. */
  get evidence(): number {
    const [request] = this.requests;
    const numbers = this.recorded.map(blockNumberIn).filter((number) => number !== undefined);
    const fromNewest = request !== undefined && seekOf(request)?.start?.newest !== undefined;
    const known = fromNewest ? numbers.slice(0, 1) : numbers;
    return known.reduce((height, number) => Math.max(height, Number(number) + 1), 0);
  }

  /** Asks; resolves when the range is fixed: at the first answer, or at once if that is a block still to come. */
  async start(method: Method, height: number): Promise<void> {
    if (method.kind !== 'bidi') throw new Error(`${method.path} is no stream`);
    const { recorded, requests, ours } = this;
    const stream: ByteStream = {
      incoming: (async function* () {
        yield* requests;
      })(),
      send: async (message) => {
        ours.push(message);
        this.#first.resolve();
        if (ours.length >= recorded.length) this.#all.resolve();
      },
    };
    const context = { remote: 'recorded', peerCertificate: undefined, signal: this.#stop.signal };
    void method.handle(stream, context).then(
      () => this.#end(),
      () => this.#end(),
    );
    const [first] = recorded;
    const number = first && blockNumberIn(first);
    if (number === undefined || number < BigInt(height)) await this.#first.promise;
  }

  #end(): void {
    this.ended = true;
    this.#first.resolve();
    this.#all.resolve();
  }

  /** Waits for as many answers as were recorded, and hangs up. All blocks must be there by now. */
  async finish(): Promise<void> {
    await this.#all.promise;
    if (this.#endsWithStatus) await new Promise((resolve) => setImmediate(resolve));
    this.#stop.abort(new Error('the recording ends here'));
  }

  get #endsWithStatus(): boolean {
    const last = this.recorded.at(-1);
    return last !== undefined && blockNumberIn(last) === undefined;
  }
}
