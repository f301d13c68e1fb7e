/** Finding out why a connection fails. */
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { type Cancellable, orAbort } from '../common/cancel.ts';
import { deferred } from '../common/deferred.ts';
import { wordsOf } from './dial-cause.ts';
import { clientContext } from './tls.ts';
import type { DialOptions } from './transport.ts';

/** The certificate that a server showed, trusted or not. */
export interface ShownCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** `DNS:localhost, IP Address:127.0.0.1`; '' when there are none. */
  readonly names: string;
}

export interface AttemptOptions extends Cancellable {
  /** How long the other side may say nothing, in milliseconds. */
  readonly timeoutMs: number;
}

/** Connects once as a gRPC client does. @returns what it failed with, in the words of Node and OpenSSL; undefined when it worked */
export async function attemptDial({ address, tls }: DialOptions, { timeoutMs, signal }: AttemptOptions): Promise<string | undefined> {
  const outcome = deferred<string | undefined>();
  const { hostnameOverride } = tls ?? {};
  const session = connectHttp2(`${tls === undefined ? 'http' : 'https'}://${address}`, {
    ...(tls && { secureContext: clientContext(tls) }),
    ...(hostnameOverride !== undefined && { servername: hostnameOverride }),
  });
  session.on('error', (error) => outcome.resolve(wordsOf(error)));
  session.once('close', () => outcome.resolve('socket disconnected'));
  session.once('remoteSettings', () => outcome.resolve(undefined));
  const late = setTimeout(() => outcome.resolve('no answer in time'), timeoutMs);
  try {
    return await orAbort(outcome.promise, signal);
  } finally {
    clearTimeout(late);
    session.destroy();
  }
}

/** What the server at an address shows in a TLS handshake, whoever issued it; undefined when it speaks no TLS, or not in time. */
export async function shownCertificate(
  { address, tls }: DialOptions,
  { timeoutMs, signal }: AttemptOptions,
): Promise<ShownCertificate | undefined> {
  const outcome = deferred<ShownCertificate | undefined>();
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  const servername = tls?.hostnameOverride ?? host;
  const socket = connectTls({
    host,
    port: Number(address.slice(at + 1)),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false, // nothing is sent: only what it shows is looked at
    ...(/^[\d.]+$|:/.test(servername) ? {} : { servername }),
  });
  socket.once('error', () => outcome.resolve(undefined));
  socket.once('close', () => outcome.resolve(undefined));
  socket.once('secureConnect', () => {
    const certificate = socket.getPeerX509Certificate();
    outcome.resolve(
      certificate && {
        subject: oneLine(certificate.subject),
        issuer: oneLine(certificate.issuer),
        names: certificate.subjectAltName ?? '',
      },
    );
  });
  const late = setTimeout(() => outcome.resolve(undefined), timeoutMs);
  try {
    return await orAbort(outcome.promise, signal);
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

const oneLine = (name: string | undefined): string => (name ?? '').split('\n').join(', ');
