import type { Method } from '../comm/method.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { gateway } from '../protos/messages.ts';
import { MOST_ASKED } from './deliver.ts';
import { received, requested } from './received.ts';
import { SendTurns } from './send-turns.ts';
import { StreamLimit } from './stream-limit.ts';

/** `gateway.Gateway`: what today's client libraries call. @param concurrency `peer.limits.concurrency.gatewayService`; 0 is no limit */
export function gatewayService(served: Gateway, { concurrency }: { readonly concurrency: number }): Method[] {
  const limit = new StreamLimit('/gateway.Gateway', concurrency);
  const turns = new SendTurns();
  const unary = (name: string, handle: Extract<Method, { kind: 'unary' }>['handle']): Method => ({
    kind: 'unary',
    path: `/gateway.Gateway/${name}`,
    handle: (request, context) => limit.run(() => handle(request, context)),
  });
  return [
    unary('Evaluate', async (request, context) =>
      gateway.EvaluateResponse.encode(await served.evaluate(requested(gateway.EvaluateRequest, request), context)),
    ),
    unary('Endorse', async (request, context) =>
      gateway.EndorseResponse.encode(await served.endorse(requested(gateway.EndorseRequest, request), context)),
    ),
    unary('Submit', async (request, context) => {
      await served.submit(requested(gateway.SubmitRequest, request), context);
      return gateway.SubmitResponse.encode({});
    }),
    {
      ...unary('CommitStatus', async (request, context) =>
        gateway.CommitStatusResponse.encode(await served.commitStatus(requested(gateway.SignedCommitStatusRequest, request), context)),
      ),
      mostHeld: MOST_ASKED,
    },
    {
      kind: 'bidi', // one request, then answers
      path: '/gateway.Gateway/ChaincodeEvents',
      mostHeld: MOST_ASKED,
      handle: (stream, context) =>
        limit.run(async () => {
          const [first] = await firstOf(stream.incoming);
          if (first === undefined) return;
          const request = received(gateway.SignedChaincodeEventsRequest, first);
          for await (const response of served.chaincodeEvents(request, context)) {
            await turns.take(response.length);
            await stream.send(response);
          }
        }),
    },
  ];
}

/** The first message of a call, and what may be read of it later. */
async function firstOf(incoming: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  for await (const message of incoming) return [message];
  return [];
}
