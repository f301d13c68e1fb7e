import type { CallContext, Method } from '../comm/method.ts';
import { discovery } from '../protos/messages.ts';
import { requested } from './received.ts';
import { StreamLimit } from './stream-limit.ts';

/** Tells clients about channels. */
export interface DiscoveryAnswers {
  /** @returns `discovery.Response` bytes */
  answer(request: discovery.SignedRequest, asker: Pick<CallContext, 'remote' | 'peerCertificate'>): Promise<Uint8Array>;
}

/** Bytes of a request: clients send some hundred, and some thousand where keys have policies of their own. */
export const MOST_DISCOVERED = 1024 * 1024;

/** Requests at a time; clients wait for one before they send the next. */
const AT_ONCE = 500;

/** `discovery.Discovery`: what `discover` and clients of the time before the gateway ask. */
export function discoveryService(answers: DiscoveryAnswers): Method[] {
  const limit = new StreamLimit('/discovery.Discovery', AT_ONCE);
  return [
    {
      kind: 'unary',
      path: '/discovery.Discovery/Discover',
      mostHeld: MOST_DISCOVERED,
      handle: (request, context) => limit.run(async () => answers.answer(requested(discovery.SignedRequest, request), context)),
    },
  ];
}
