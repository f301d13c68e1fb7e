import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { splitAddress } from '../../common/address.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { timerMs } from '../../common/timers.ts';
import { type JudgeServer, problemOfServer } from '../judged-server.ts';

export interface Target {
  /** `host:port`. */
  readonly address: string;
  readonly tls?: TlsTarget | undefined;
}

export interface TlsTarget {
  readonly context: SecureContext;
  /** The name to expect in the server's certificate, where it is not the host's. */
  readonly name: string | undefined;
  /** Judges what the server shows in place of the TLS library. */
  readonly judge?: JudgeServer | undefined;
}

/** There was no answer in the time that we gave it. */
export class DialTimeout extends Error {
  override readonly name = 'DialTimeout';
}

/** Resolves when TCP, and TLS where it is asked for, stand. Rejects with what Node says, a {@link DialTimeout}, or the signal's reason. */
export function dial({ address, tls }: Target, { ms, signal }: { readonly ms: number } & Cancellable): Promise<Socket> {
  const { host, port } = splitAddress(address) ?? { host: address, port: 0 };
  const socket = tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...tlsOptions(tls) });
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancelled);
      socket.off('error', fail).off('close', closed).off(stands, stood);
      then();
    };
    const fail = (cause: Error): void =>
      settle(() => {
        socket.on('error', () => undefined);
        socket.destroy();
        reject(cause);
      });
    const cancelled = (): void => fail(signal.reason);
    const closed = (): void => fail(new Error('the other side closed the connection'));
    const stands = tls === undefined ? 'connect' : 'secureConnect';
    const stood = (): void => {
      const problem = 'alpnProtocol' in socket ? problemOf(socket, host, tls) : undefined;
      if (problem !== undefined) fail(problem);
      else settle(() => resolve(socket));
    };
    const timer = setTimeout(() => fail(new DialTimeout(`no connection within ${Math.ceil(ms)} ms`)), timerMs(ms));
    signal.addEventListener('abort', cancelled, { once: true });
    if (signal.aborted) cancelled();
    socket.once('error', fail);
    socket.once('close', closed);
    socket.once(stands, stood);
  });
}

function problemOf(socket: TLSSocket, host: string, tls: TlsTarget | undefined): Error | undefined {
  if (socket.alpnProtocol === 'http/1.1') return new Error('the other side speaks HTTP/1.1 only');
  return tls?.judge && problemOfServer(socket, tls.name ?? host, tls.judge);
}

const tlsOptions = ({ context, name, judge }: TlsTarget) => ({
  secureContext: context,
  rejectUnauthorized: judge === undefined,
  ...(name !== undefined && { servername: name }),
  ALPNProtocols: ['h2'],
});
