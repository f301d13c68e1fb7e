/** Finding out why a connection fails. */
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { type Cancellable, orAbort } from '../common/cancel.ts';
import { deferred } from '../common/deferred.ts';
import { wordsOf } from './dial-cause.ts';
import { problemOfServer } from './judged-server.ts';
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

/** What an HTTP/2 client says first, and an empty SETTINGS frame. @see RFC 9113, sections 3.4 and 6.5 */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
const SETTINGS_FRAME = 4;

/**
 * Connects once as a gRPC client does, and waits for the server's first word: only then has it accepted a client certificate.
 * @returns what it failed with, in the words of Node and OpenSSL; undefined when it worked
 */
export async function attemptDial({ address, tls }: DialOptions, { timeoutMs, signal }: AttemptOptions): Promise<string | undefined> {
  const outcome = deferred<string | undefined>();
  const socket =
    tls === undefined
      ? connectTcp(placeOf(address))
      : connectTls({ ...tlsPlace(address, tls), secureContext: clientContext(tls), rejectUnauthorized: tls.judge === undefined });
  socket.once('error', (error) => outcome.resolve(wordsOf(error)));
  socket.once('close', () => outcome.resolve('socket disconnected'));
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
    const name = tls?.hostnameOverride ?? placeOf(address).host;
    const problem = tls?.judge && socket instanceof TLSSocket ? problemOfServer(socket, name, tls.judge) : undefined;
    if (problem === undefined) socket.write(PREFACE);
    else outcome.resolve(wordsOf(problem));
  });
  socket.once('data', (first: Buffer) =>
    outcome.resolve(first[3] === SETTINGS_FRAME ? undefined : 'socket disconnected: it speaks no HTTP/2'),
  );
  const late = setTimeout(() => outcome.resolve('no answer in time'), timeoutMs);
  try {
    return await orAbort(outcome.promise, signal);
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

function placeOf(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** A name is sent only where it is one: the servers' names of addresses are not to be asked for. */
function tlsPlace(address: string, tls: DialOptions['tls']) {
  const { host, port } = placeOf(address);
  const name = tls?.hostnameOverride ?? host;
  return { host, port, ALPNProtocols: ['h2'], ...(isIP(name) === 0 && { servername: name }) };
}

/** What the server at an address shows in a TLS handshake, whoever issued it; undefined when it speaks no TLS, or not in time. */
export async function shownCertificate(
  { address, tls }: DialOptions,
  { timeoutMs, signal }: AttemptOptions,
): Promise<ShownCertificate | undefined> {
  const outcome = deferred<ShownCertificate | undefined>();
  // nothing is sent: only what it shows is looked at
  const socket = connectTls({ ...tlsPlace(address, tls), rejectUnauthorized: false });
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
