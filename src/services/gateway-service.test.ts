import { afterEach, describe, expect, it } from 'vitest';
import { commitBlock } from '../../test/fakes/followed-channel.ts';
import { proposed, type SmallGateway, type SmallGatewayOptions, smallGateway } from '../../test/fakes/small-gateway.ts';
import { GrpcClient } from '../comm/client.ts';
import { listen } from '../comm/server.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { gateway } from '../protos/messages.ts';
import { gatewayService } from './gateway-service.ts';

const never = { signal: new AbortController().signal };
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function serve(options: SmallGatewayOptions, concurrency = 500): Promise<{ small: SmallGateway; client: GrpcClient }> {
  const small = scope.use(await smallGateway(options));
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods: gatewayService(small.gateway, { concurrency }), log: silent }));
  return { small, client: scope.use(new GrpcClient({ address: `127.0.0.1:${server.port}` })) };
}

const signed = <T>(codec: { encode(init: { request: Uint8Array; signature: Uint8Array }): T }, request: Uint8Array): T =>
  codec.encode({ request, signature: utf8('signature') });

const statusRequest = (transactionId: string): Uint8Array =>
  signed(gateway.SignedCommitStatusRequest, gateway.CommitStatusRequest.encode({ channelId: 'ch', transactionId, identity: utf8('user') }));

const eventsRequest = (): Uint8Array =>
  signed(
    gateway.SignedChaincodeEventsRequest,
    gateway.ChaincodeEventsRequest.encode({ channelId: 'ch', chaincodeId: 'cc', identity: utf8('user') }),
  );

describe('the gateway on the wire', () => {
  it('answers each of its methods', async () => {
    const { small, client } = await serve({ peers: [{ name: 'self', self: true }], orderers: [() => ({ status: 200 })] });
    const call = (name: string, request: Uint8Array) => client.unary(`/gateway.Gateway/${name}`, request, never);
    const evaluated = await call('Evaluate', gateway.EvaluateRequest.encode({ proposedTransaction: proposed() }));
    expect(textOf(gateway.EvaluateResponse.decode(evaluated).result?.payload ?? new Uint8Array())).toBe('done');
    const orgs = { proposedTransaction: proposed(), endorsingOrganizations: ['Org1MSP'] };
    const endorsed = gateway.EndorseResponse.decode(await call('Endorse', gateway.EndorseRequest.encode(orgs)));
    const preparedTransaction = { payload: endorsed.preparedTransaction?.payload, signature: utf8('signature') };
    expect(await call('Submit', gateway.SubmitRequest.encode({ channelId: 'ch', preparedTransaction }))).toHaveLength(0);
    using stream = client.bidi('/gateway.Gateway/ChaincodeEvents', never);
    await stream.send(eventsRequest());
    stream.end();
    const status = call('CommitStatus', statusRequest('tx'));
    const first = stream.incoming[Symbol.asyncIterator]().next();
    while (await waits(status)) commitBlock(small.channel, [{ txId: 'tx', event: 'painted' }]);
    expect(gateway.CommitStatusResponse.decode(await status)).toMatchObject({ result: 0 });
    const { value } = await first;
    expect(gateway.ChaincodeEventsResponse.decode(value ?? new Uint8Array()).events[0]?.eventName).toBe('painted');
  });

  it('refuses calls that are too many at a time, streams among them', async () => {
    const { small, client } = await serve({}, 2);
    const text = 'too many requests for /gateway.Gateway, exceeding concurrency limit (2)';
    const gone = new AbortController();
    const waiting = client.unary('/gateway.Gateway/CommitStatus', statusRequest('a'), { signal: gone.signal });
    using stream = client.bidi('/gateway.Gateway/ChaincodeEvents', never);
    await stream.send(eventsRequest());
    const refused = { message: text, details: { grpcStatus: 2 } };
    await expect(client.unary('/gateway.Gateway/Submit', new Uint8Array(), never)).rejects.toMatchObject(refused);
    using other = client.bidi('/gateway.Gateway/ChaincodeEvents', never);
    await other.send(eventsRequest());
    await expect(other.incoming[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
    gone.abort(new SelvageError('CANCELLED', 'gone'));
    await expect(waiting).rejects.toThrow('gone');
    for (;;) {
      const thrown = await client.unary('/gateway.Gateway/Submit', new Uint8Array(), never).catch((failure: unknown) => failure);
      if (SelvageError.from(thrown).message === 'a prepared transaction is required') break;
    }
    expect(small.asked).toEqual([]);
  });

  it('refuses a request that is none', async () => {
    const { client } = await serve({});
    await expect(client.unary('/gateway.Gateway/Evaluate', new Uint8Array([255]), never)).rejects.toMatchObject({
      details: { grpcStatus: 13 },
    });
  });
});

/** Whether the promise is still open after a turn. */
const waits = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    promise.then(
      () => false,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(true))),
  ]);
