import { afterEach, describe, expect, it } from 'vitest';
import { GrpcClient } from '../comm/client.ts';
import { listen } from '../comm/server.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { common, orderer } from '../protos/messages.ts';
import { type OrderingNode, ordererService } from './orderer-service.ts';

const never = new AbortController().signal;
const { SUCCESS, BAD_REQUEST, FORBIDDEN } = common.Status;
const { BLOCK, HEADER_WITH_SIG } = orderer.SeekInfo_SeekContentType;
const NORMAL = common.Block.decode(common.Block.encode({ header: { number: 0n }, data: { data: [common.Envelope.encode({})] } }));

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function serve(node: Partial<OrderingNode>): Promise<GrpcClient> {
  const all: OrderingNode = { broadcast: async () => ({ status: SUCCESS, info: '' }), find: () => undefined, ...node };
  const methods = ordererService(all, { timeWindowMs: 60_000, mutualTls: false, log: silent });
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods, log: silent }));
  return scope.use(new GrpcClient({ address: `127.0.0.1:${server.port}` }));
}

describe('broadcast', () => {
  it('answers each envelope in turn and ends after the first refusal', async () => {
    const seen: string[] = [];
    const client = await serve({
      broadcast: async (envelope) => {
        const text = textOf(common.Envelope.decode(envelope).payload);
        seen.push(text);
        return text === 'bad' ? { status: BAD_REQUEST, info: 'no good' } : { status: SUCCESS, info: '' };
      },
    });
    using stream = client.bidi('/orderer.AtomicBroadcast/Broadcast', { signal: never });
    for (const text of ['one', 'bad', 'never']) await stream.send(common.Envelope.encode({ payload: utf8(text) }));
    const answers: orderer.BroadcastResponse[] = [];
    for await (const bytes of stream.incoming) answers.push(orderer.BroadcastResponse.decode(bytes));
    expect(answers).toEqual([
      { status: SUCCESS, info: '' },
      { status: BAD_REQUEST, info: 'no good' },
    ]);
    expect(seen).toEqual(['one', 'bad']);
  });

  it('of what is no envelope ends the call, as gRPC in Go does', async () => {
    const client = await serve({ broadcast: () => Promise.reject(new Error('not reached')) });
    using stream = client.bidi('/orderer.AtomicBroadcast/Broadcast', { signal: never });
    await stream.send(utf8('\xff\xff'));
    await expect(stream.incoming[Symbol.asyncIterator]().next()).rejects.toThrow(
      'grpc: failed to unmarshal the received message: proto: cannot parse',
    );
  });
});

describe('deliver', () => {
  /** The answers to one request for the oldest block: block numbers and `status N`. */
  async function deliver(
    ok: boolean,
    { content = BLOCK as number, block = NORMAL } = {},
  ): Promise<{ readonly sent: readonly string[]; readonly asked: readonly string[] }> {
    const asked: string[] = [];
    const evaluate = async () => (ok ? { ok } : { ok, reason: 'not you' });
    const policies = {
      get: (path: string) => {
        asked.push(path);
        return { evaluate };
      },
    };
    const bundle = { sequence: 0n, policies, msps: { deserialize: () => ({ notAfter: new Date('2100-01-01') }) } };
    const blocks = { height: () => 1n, block: () => block, waitFor: async () => undefined };
    const client = await serve({ find: () => ({ blocks, bundle: () => bundle as unknown as ChannelBundle }) });
    using stream = client.bidi('/orderer.AtomicBroadcast/Deliver', { signal: never });
    await stream.send(request(content));
    stream.end();
    const sent: string[] = [];
    for await (const bytes of stream.incoming) {
      const response = orderer.DeliverResponse.decode(bytes);
      sent.push(
        response.block === undefined
          ? `status ${response.status}`
          : `block ${response.block.header?.number}${response.block.data ? ' whole' : ''}`,
      );
    }
    return { sent, asked };
  }

  function request(contentType: number): Uint8Array {
    const data = orderer.SeekInfo.encode({ start: { oldest: {} }, stop: { oldest: {} }, contentType });
    const timestamp = { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 };
    const channelHeader = common.ChannelHeader.encode({ channelId: 'mychannel', timestamp });
    return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader, signatureHeader: utf8('') }, data }) });
  }

  it('gives blocks to who satisfies /Channel/Readers', async () => {
    expect(await deliver(true)).toEqual({ sent: ['block 0 whole', `status ${SUCCESS}`], asked: ['/Channel/Readers'] });
  });

  it('gives headers to who asks for them, and configurations whole', async () => {
    const header = common.ChannelHeader.encode({ type: common.HeaderType.CONFIG });
    const config = common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader: header } }) });
    const configured = common.Block.decode(common.Block.encode({ header: { number: 0n }, data: { data: [config] } }));
    expect((await deliver(true, { content: HEADER_WITH_SIG })).sent[0]).toBe('block 0');
    expect((await deliver(true, { content: HEADER_WITH_SIG, block: configured })).sent[0]).toBe('block 0 whole');
  });

  it('gives nothing to others', async () => {
    expect((await deliver(false)).sent).toEqual([`status ${FORBIDDEN}`]);
  });
});
