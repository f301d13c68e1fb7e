import { randomUUID } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { type ClientTls, clientContext } from '../comm/tls.ts';
import type { Cancellable } from '../common/cancel.ts';
import { messageOf, SelvageError } from '../common/errors.ts';

export interface ParticipationTarget {
  /** `host:port` of an orderer's admin listener. */
  readonly address: string;
  readonly tls: ClientTls | undefined;
}

/**
 * Has an orderer serve a channel that begins with this block, as `osnadmin channel join` does.
 * @param block `common.Block` bytes
 * @throws {SelvageError} `CHANNEL_EXISTS`, `REFUSED_BY_PEER` with the orderer's text, `PEER_UNREACHABLE`
 */
export async function joinOrderer(target: ParticipationTarget, block: Uint8Array, options: Cancellable): Promise<void> {
  const boundary = randomUUID();
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="config-block"; filename="config.block"\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), block, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  const { status, text } = await post(target, { type: `multipart/form-data; boundary=${boundary}`, body }, options);
  if (status === 201) return;
  const details = { status, address: target.address };
  const reason = reasonIn(text);
  if (status === 405) throw new SelvageError('CHANNEL_EXISTS', reason, { details });
  throw new SelvageError('REFUSED_BY_PEER', `the orderer's admin at ${target.address} answered ${status}: ${reason}`, { details });
}

function post(
  { address, tls }: ParticipationTarget,
  { type, body }: { readonly type: string; readonly body: Buffer },
  { signal }: Cancellable,
): Promise<{ readonly status: number; readonly text: string }> {
  const [url, request] = tls === undefined ? [`http://${address}`, plainRequest] : [`https://${address}`, secureRequest];
  const secure = tls && { secureContext: clientContext(tls), servername: tls.hostnameOverride ?? '', agent: false };
  const headers = { 'content-type': type, 'content-length': body.length, accept: 'application/json' };
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void =>
      reject(new SelvageError('PEER_UNREACHABLE', `cannot reach ${address}: ${messageOf(cause)}`, { cause, details: { address } }));
    const sent = request(`${url}/participation/v1/channels`, { method: 'POST', headers, signal, ...secure }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    sent.on('error', failed);
    sent.end(body);
  });
}

function reasonIn(text: string): string {
  try {
    const { error }: { error?: unknown } = Object(JSON.parse(text));
    return typeof error === 'string' ? error : text;
  } catch {
    return text;
  }
}
