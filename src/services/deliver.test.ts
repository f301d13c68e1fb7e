import { describe, expect, it } from 'vitest';
import type { ByteStream, CallContext } from '../comm/method.ts';
import { sha256, utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { Refusals } from '../common/refusals.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { common, orderer } from '../protos/messages.ts';
import { type DeliverableBlocks, type DeliverParts, serveDeliver } from './deliver.ts';
import { SendTurns } from './send-turns.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const { SUCCESS, BAD_REQUEST, FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE } = common.Status;
const { FAIL_IF_NOT_READY } = orderer.SeekInfo_SeekBehavior;

/** Blocks in memory that a test adds to. */
class Blocks implements DeliverableBlocks {
  readonly #waiting = new Map<bigint, ReturnType<typeof deferred<void>>>();
  readonly #begun = deferred<void>();
  #height: bigint;

  readonly #onRead: () => void;

  constructor(height: number, onRead: () => void = () => undefined) {
    this.#height = BigInt(height);
    this.#onRead = onRead;
  }
  /** Resolves when somebody waits for a block. */
  get waitedFor(): Promise<void> {
    return this.#begun.promise;
  }
  height = (): bigint => this.#height;
  response = (number: bigint) => {
    this.#onRead();
    return number < this.#height ? orderer.DeliverResponse.encode({ block: blockOf(number) }) : undefined;
  };
  add(): void {
    this.#height += 1n;
    this.#waiting.get(this.#height - 1n)?.resolve();
  }
  waitFor(number: bigint, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const waiting = deferred<void>();
    this.#waiting.set(number, waiting);
    signal.addEventListener('abort', () => waiting.reject(signal.reason), { once: true });
    this.#begun.resolve();
    return waiting.promise;
  }
}

const blockOf = (number: bigint): common.Block =>
  common.Block.decode(common.Block.encode({ header: { number, previousHash: utf8(''), dataHash: utf8('') } }));

/** How a stream ends whose reader leaves, as Fabric counts it. */
const LEFT = { code: 'READER_LEFT', grpc: 'UNKNOWN', message: 'context finished before block retrieved: context canceled' };

interface World extends Partial<DeliverParts> {
  readonly height?: number;
  readonly notAfter?: Date;
  /** Runs when a block is read. */
  readonly onRead?: () => void;
}

/** One open deliver call. What it sent is told as block numbers and `status N`. */
function open({ height = 3, notAfter = new Date('2030-01-01'), onRead, ...parts }: World = {}) {
  const blocks = new Blocks(height, onRead);
  const sent: (number | string)[] = [];
  const requests: Uint8Array[] = [];
  let wake: () => void = () => undefined;
  let over = false;
  const gone = new AbortController();
  const bundle = { sequence: 0n, msps: { deserialize: () => ({ notAfter }) } };
  const stream: ByteStream = {
    incoming: (async function* () {
      while (true) {
        const next = requests.shift();
        if (next !== undefined) yield next;
        else if (over) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    })(),
    send: async (bytes) => {
      const { block, status } = orderer.DeliverResponse.decode(bytes);
      sent.push(block === undefined ? `status ${status}` : Number(block.header?.number));
    },
  };
  const context: CallContext = { signal: gone.signal, remote: 'client', peerCertificate: undefined };
  const all: DeliverParts = {
    find: (id) => (id === 'mychannel' ? { blocks, bundle: () => bundle as unknown as ChannelBundle } : undefined),
    authorize: async () => undefined,
    status: (status) => orderer.DeliverResponse.encode({ status }),
    turns: new SendTurns(),
    timeWindowMs: 15 * 60_000,
    mutualTls: false,
    clock: { now: () => NOW },
    log: silent,
    refusals: new Refusals(silent, 'refused'),
    ...parts,
  };
  return {
    blocks,
    sent,
    bundle,
    ask: (...envelopes: Uint8Array[]) => {
      requests.push(...envelopes);
      wake();
    },
    end: () => {
      over = true;
      wake();
    },
    leave: () => gone.abort(new SelvageError('CANCELLED', 'the client left')),
    serve: (more: Partial<CallContext> = {}) => serveDeliver(all, stream, { ...context, ...more }),
  };
}

interface Request {
  readonly seek?: orderer.SeekInfoInit | Uint8Array;
  readonly channelId?: string;
  readonly sent?: Date | undefined;
  readonly tlsCertHash?: Uint8Array;
}

const at = (number: bigint) => ({ specified: { number } });
const ALL = { start: { oldest: {} }, stop: { newest: {} } };

function envelope({ seek = ALL, channelId = 'mychannel', tlsCertHash, ...rest }: Request = {}): Uint8Array {
  const sent = 'sent' in rest ? rest.sent : NOW;
  const timestamp = sent && { seconds: BigInt(Math.floor(sent.getTime() / 1000)), nanos: 0 };
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.DELIVER_SEEK_INFO, channelId, timestamp, tlsCertHash });
  const signatureHeader = common.SignatureHeader.encode({ creator: utf8('creator') });
  const data = seek instanceof Uint8Array ? seek : orderer.SeekInfo.encode(seek);
  const payload = common.Payload.encode({ header: { channelHeader, signatureHeader }, data });
  return common.Envelope.encode({ payload, signature: utf8('signature') });
}

/** What one request is answered. */
async function answer(request: Uint8Array | Request, world: World = {}, context: Partial<CallContext> = {}) {
  const call = open(world);
  call.ask(request instanceof Uint8Array ? request : envelope(request));
  call.end();
  await call.serve(context);
  return call.sent;
}

const status = (code: number): string => `status ${code}`;

describe('a range of blocks', () => {
  it.each<[string, orderer.SeekInfoInit, readonly (number | string)[]]>([
    ['from the oldest to the newest', ALL, [0, 1, 2, status(SUCCESS)]],
    ['newest alone', { start: { newest: {} }, stop: { newest: {} } }, [2, status(SUCCESS)]],
    ['by number', { start: at(1n), stop: at(2n) }, [1, 2, status(SUCCESS)]],
    ['from block 0 to the next commit, which ends it there', { start: at(0n), stop: { nextCommit: {} } }, [0, status(SUCCESS)]],
    ['from block 0 to nothing', { start: { oldest: {} }, stop: {} }, [0, status(SUCCESS)]],
    ['that ends where it starts, by oldest', { start: at(1n), stop: { oldest: {} } }, [1, status(SUCCESS)]],
  ])('%s', async (_, seek, sent) => {
    expect(await answer({ seek })).toEqual(sent);
  });

  it('waits for what is not there yet', async () => {
    const call = open();
    call.ask(envelope({ seek: { start: at(2n), stop: at(4n) } }));
    call.end();
    const served = call.serve();
    await call.blocks.waitedFor;
    expect(call.sent).toEqual([2]);
    call.blocks.add();
    call.blocks.add();
    await served;
    expect(call.sent).toEqual([2, 3, 4, status(SUCCESS)]);
  });

  it('may begin with the next block that is committed', async () => {
    const call = open();
    call.ask(envelope({ seek: { start: { nextCommit: {} }, stop: at(3n) } }));
    call.end();
    const served = call.serve();
    await call.blocks.waitedFor;
    call.blocks.add();
    await served;
    expect(call.sent).toEqual([3, status(SUCCESS)]);
  });

  it.each<[string, orderer.SeekPositionInit]>([
    ['the newest, which is behind the start', { newest: {} }],
    ['the next commit, which is no block', { nextCommit: {} }],
    ['nothing', {}],
  ])('goes on for ever up to %s', async (_, stop) => {
    const call = open();
    call.ask(envelope({ seek: { start: at(3n), stop } }));
    const served = call.serve();
    await call.blocks.waitedFor;
    call.blocks.add();
    call.blocks.add();
    call.leave();
    await expect(served).rejects.toMatchObject(LEFT);
    expect(call.sent.every((each) => typeof each === 'number')).toBe(true);
  });

  it('is followed by another on the same stream, but not after a refusal', async () => {
    const call = open();
    call.ask(envelope({ seek: { start: at(0n), stop: at(0n) } }), envelope({ channelId: 'other' }), envelope());
    call.end();
    await call.serve();
    expect(call.sent).toEqual([0, status(SUCCESS), status(NOT_FOUND)]);
  });
});

it('what is no envelope ends the call, as gRPC in Go does', async () => {
  const message = 'grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data';
  await expect(answer(utf8('\xff\xff\xff'))).rejects.toMatchObject({ code: 'REQUEST_UNREADABLE', grpc: 'INTERNAL', message });
});

describe('a request', () => {
  const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
  const certificate = utf8('certificate');
  const mutual = { mutualTls: true };
  const noHeader = common.Envelope.encode({ payload: common.Payload.encode({ data: orderer.SeekInfo.encode(ALL) }) });

  it.each<[string, Uint8Array | Request, number]>([
    ['whose payload does not parse', common.Envelope.encode({ payload: utf8('\xff\xff') }), BAD_REQUEST],
    ['without a header', noHeader, BAD_REQUEST],
    ['without a timestamp', { sent: undefined }, BAD_REQUEST],
    ['from 16 minutes ago', { sent: minutes(-16) }, BAD_REQUEST],
    ['from 16 minutes ahead', { sent: minutes(16) }, BAD_REQUEST],
    ['for a channel that is not here', { channelId: 'other' }, NOT_FOUND],
    ['whose SeekInfo does not parse', { seek: utf8('\xff\xff') }, BAD_REQUEST],
    ['without a start', { seek: { stop: { newest: {} } } }, BAD_REQUEST],
    ['without a stop', { seek: { start: { newest: {} } } }, BAD_REQUEST],
    ['with a start of no type', { seek: { start: {}, stop: { newest: {} } } }, NOT_FOUND],
    ['that starts beyond the height', { seek: { start: at(4n), stop: at(9n) } }, NOT_FOUND],
    ['that starts beyond the height and stops before', { seek: { start: at(9n), stop: at(0n) } }, NOT_FOUND],
    ['that stops before it starts', { seek: { start: at(2n), stop: at(1n) } }, BAD_REQUEST],
  ])('%s is refused', async (_, request, code) => {
    expect(await answer(request)).toEqual([status(code)]);
  });

  it('may be 14 minutes off', async () => {
    expect(await answer({ sent: minutes(-14) })).toContain(status(SUCCESS));
    expect(await answer({ sent: minutes(14) })).toContain(status(SUCCESS));
  });

  it('that does not want to wait gets what there is, then NOT_FOUND', async () => {
    const seek = { start: at(2n), stop: at(3n), behavior: FAIL_IF_NOT_READY };
    expect(await answer({ seek })).toEqual([2, status(NOT_FOUND)]);
    expect(await answer({ seek: { ...seek, start: at(3n) } })).toEqual([status(NOT_FOUND)]);
  });

  it('is bound to the TLS certificate where both sides show one', async () => {
    const tlsCertHash = sha256(certificate);
    const shown = { peerCertificate: certificate };
    expect(await answer({ tlsCertHash }, mutual, shown)).toContain(status(SUCCESS));
    expect(await answer({ tlsCertHash }, mutual, { peerCertificate: utf8('other') })).toEqual([status(BAD_REQUEST)]);
    expect(await answer({}, mutual, shown)).toEqual([status(BAD_REQUEST)]);
    expect(await answer({ tlsCertHash }, mutual)).toEqual([status(BAD_REQUEST)]);
    expect(await answer({ tlsCertHash: utf8('whatever') })).toContain(status(SUCCESS));
  });

  it('for a block that cannot be read gets SERVICE_UNAVAILABLE', async () => {
    const unreadable = { height: () => 1n, response: () => undefined, waitFor: async () => undefined };
    const bundle = { sequence: 0n, msps: { deserialize: () => ({ notAfter: undefined }) } } as unknown as ChannelBundle;
    expect(await answer({}, { find: () => ({ blocks: unreadable, bundle: () => bundle }) })).toEqual([status(SERVICE_UNAVAILABLE)]);
    const broken = { ...unreadable, response: () => Promise.reject(new Error('disk')) };
    expect(await answer({}, { find: () => ({ blocks: broken, bundle: () => bundle }) })).toEqual([status(SERVICE_UNAVAILABLE)]);
  });
});

describe('access', () => {
  const denied = async () => {
    throw new SelvageError('ACCESS_DENIED', 'no');
  };

  it('is judged by what was signed', async () => {
    const subjects: (readonly SignedData[])[] = [];
    await answer({}, { authorize: async (_, subject) => void subjects.push(subject) });
    const { payload, signature } = common.Envelope.decode(envelope());
    expect(subjects).toEqual([[{ data: payload, identity: Buffer.from('creator'), signature }]]);
  });

  it('is judged before the range is looked at', async () => {
    expect(await answer({}, { authorize: denied })).toEqual([status(FORBIDDEN)]);
    expect(await answer({ seek: {} }, { authorize: denied })).toEqual([status(FORBIDDEN)]);
    expect(await answer({ seek: utf8('\xff\xff') }, { authorize: denied })).toEqual([status(BAD_REQUEST)]);
  });

  it('ends with the certificate, also while blocks are delivered', async () => {
    expect(await answer({}, { notAfter: new Date(NOW.getTime() - 1) })).toEqual([status(FORBIDDEN)]);
    let now = NOW;
    const onRead = (): void => {
      now = new Date('2031-01-01');
    };
    expect(await answer({}, { onRead, clock: { now: () => now } })).toEqual([0, status(FORBIDDEN)]);
  });

  it('is judged again when the configuration grew, and only then', async () => {
    const judged: bigint[] = [];
    const authorize: DeliverParts['authorize'] = async ({ sequence }) => {
      judged.push(sequence);
      if (sequence > 0n) throw new SelvageError('ACCESS_DENIED', 'no longer');
    };
    const call = open({ authorize });
    call.ask(envelope({ seek: { start: at(0n), stop: at(9n) } }));
    call.end();
    const served = call.serve();
    await call.blocks.waitedFor;
    expect(judged).toEqual([0n]);
    call.bundle.sequence = 1n;
    call.blocks.add();
    await served;
    expect(call.sent).toEqual([0, 1, 2, status(FORBIDDEN)]);
    expect(judged).toEqual([0n, 1n]);
  });

  it('of somebody nobody knows is for the policy to refuse', async () => {
    const unknown = {
      deserialize: () => {
        throw new SelvageError('IDENTITY_INVALID', 'unknown');
      },
    };
    const bundle = { sequence: 0n, msps: unknown } as unknown as ChannelBundle;
    expect(await answer({}, { find: () => ({ blocks: new Blocks(1), bundle: () => bundle }), authorize: denied })).toEqual([
      status(FORBIDDEN),
    ]);
  });
});

describe('a client that leaves', () => {
  it('ends a call that waits for a block, and nothing more is sent', async () => {
    const call = open();
    call.ask(envelope({ seek: { start: at(3n), stop: at(3n) } }));
    const served = call.serve();
    await call.blocks.waitedFor;
    call.leave();
    await expect(served).rejects.toMatchObject(LEFT);
    expect(call.sent).toEqual([]);
  });
});
