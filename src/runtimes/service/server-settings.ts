import { createPrivateKey, X509Certificate } from 'node:crypto';
import { parseDuration } from '../../common/duration.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';

/** Where a chaincode service listens and how to trust it: `connection.json`, checked. */
export interface ServerSettings {
  /** `host:port`. */
  readonly address: string;
  readonly dialTimeoutMs: number;
  /** Absent for a plain connection. */
  readonly tls: ServerTlsSettings | undefined;
}

export interface ServerTlsSettings {
  /** PEM of what the server's certificate was issued by. */
  readonly rootCert: string;
  /** PEM texts that the peer shows; absent when the server does not ask. */
  readonly client: { readonly key: string; readonly cert: string } | undefined;
  /** Name to expect in the server's certificate instead of the address' host (Fabric 3.x). */
  readonly domain: string | undefined;
}

const DEFAULT_DIAL_TIMEOUT_MS = 3_000;

/**
 * Reads `connection.json`. Fields that are not known are ignored, as Fabric ignores them.
 *
 * @param where file that the text was read from, for errors
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text where it has one, naming the file and what is wrong
 * @see ChaincodeServerUserData in hyperledger/fabric v2.5, core/container/externalbuilder/instance.go
 */
export function parseServerSettings(text: string, where: string): ServerSettings {
  const fields = new Fields(objectIn(text, where), where);
  const address = fields.text('address');
  if (address === '') throw invalid('chaincode address not provided', where, 'connection.json needs "address": "host:port".');
  if (!/^(\[[^\]]+\]|[^:]+):\d{1,5}$/.test(address)) {
    throw invalid(`chaincode address '${address}' is not host:port`, where, 'Write it without a scheme, like asset.example.com:9999.');
  }
  return { address, dialTimeoutMs: fields.duration('dial_timeout') || DEFAULT_DIAL_TIMEOUT_MS, tls: tlsSettings(fields, where) };
}

function tlsSettings(fields: Fields, where: string): ServerTlsSettings | undefined {
  if (!fields.flag('tls_required')) return undefined;
  const clientAuth = fields.flag('client_auth_required');
  const [key, cert, rootCert] = [fields.text('client_key'), fields.text('client_cert'), fields.text('root_cert')];
  const advice = 'The value is the PEM text itself, with \\n for its line breaks, not the name of a file.';
  if (clientAuth && key === '') throw invalid('chaincode tls key not provided', where, advice);
  if (clientAuth && cert === '') throw invalid('chaincode tls cert not provided', where, advice);
  if (rootCert === '') throw invalid('chaincode tls root cert not provided', where, advice);
  certificate(rootCert, 'root_cert', where, advice);
  if (clientAuth) checkPair(key, cert, where, advice);
  return { rootCert, client: clientAuth ? { key, cert } : undefined, domain: fields.text('domain') || undefined };
}

function checkPair(key: string, cert: string, where: string, advice: string): void {
  const shown = certificate(cert, 'client_cert', where, advice);
  let matches: boolean;
  try {
    matches = shown.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw invalid(`client_key is no private key in PEM: ${messageOf(cause)}`, where, advice);
  }
  if (!matches) throw invalid('client_key does not belong to client_cert', where, 'Take the key and the certificate from one enrolment.');
}

function certificate(pem: string, field: string, where: string, advice: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw invalid(`${field} is no certificate in PEM: ${messageOf(cause)}`, where, advice);
  }
}

function objectIn(text: string, where: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw invalid(`malformed chaincode info at '${where}': ${messageOf(cause)}`, where);
  }
  throw invalid(`malformed chaincode info at '${where}': it is no object`, where);
}

/** Values by name; absent and null are the empty value, as in Go. */
class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(values: Readonly<Record<string, unknown>>, where: string) {
    this.#values = values;
    this.#where = where;
  }

  text(name: string): string {
    const value = this.#values[name] ?? '';
    if (typeof value === 'string') return value;
    throw this.#wrong(name, 'a text');
  }

  flag(name: string): boolean {
    const value = this.#values[name] ?? false;
    if (typeof value === 'boolean') return value;
    throw this.#wrong(name, 'true or false');
  }

  /** Milliseconds: a Go duration, or a number of nanoseconds. */
  duration(name: string): number {
    const value = this.#values[name] ?? '';
    if (value === '') return 0;
    const ms = typeof value === 'number' ? value / 1e6 : typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms !== undefined && ms >= 0) return ms;
    throw this.#wrong(name, 'a duration like 10s');
  }

  #wrong(name: string, wanted: string): SelvageError {
    return invalid(`malformed chaincode info at '${this.#where}': ${name} is not ${wanted}`, this.#where);
  }
}

const invalid = (message: string, where: string, advice?: string): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', message, { details: { file: where }, ...(advice !== undefined && { advice }) });
