import type { ServerHttp2Session } from 'node:http2';

/**
 * Whether the process at the other end of a server's call still runs its part of the connection. False when no answer to an HTTP/2 ping
 * came within `ms` milliseconds; undefined when the connection is over, or nobody can tell.
 */
export function answersPing(call: object, ms: number): Promise<boolean | undefined> {
  const session = sessionOf(call);
  if (session === undefined || session.destroyed) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const tooLate = setTimeout(() => resolve(session.destroyed ? undefined : false), ms);
    tooLate.unref();
    session.ping((failure) => {
      clearTimeout(tooLate);
      resolve(failure === null ? true : undefined);
    });
  });
}

/** grpc-js has no public way to the connection of a call. */
function sessionOf(call: object): ServerHttp2Session | undefined {
  const inner: unknown = Reflect.get(call, 'call');
  const stream: unknown = isObject(inner) ? Reflect.get(inner, 'stream') : undefined;
  const session: unknown = isObject(stream) ? Reflect.get(stream, 'session') : undefined;
  return isObject(session) && 'ping' in session ? (session as ServerHttp2Session) : undefined;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
