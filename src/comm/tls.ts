import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { cutText } from '../common/cut-text.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { JudgeServer } from './judged-server.ts';

/** PEM text with one certificate or several. */
export type Pem = string | Uint8Array;

/** PEM texts of a TLS server. With `clientRoots` every caller must show a certificate that one of them issued. */
export interface ServerTls {
  readonly key: Pem;
  readonly cert: Pem;
  readonly clientRoots?: readonly Pem[] | undefined;
  /**
   * Without client roots: every caller is asked for a certificate and may have none. Whoever issued it is let in and nobody is named in
   * the question, since a Go client shows nothing to who names others than its own authority. Only services that compare what was
   * shown with what was signed may look at it.
   * @see RequestClientCert in Go, crypto/tls, which peers of hyperledger/fabric v2.5 ask with
   */
  readonly asksForCertificates?: boolean;
}

/** PEM texts of a TLS client. `hostnameOverride` is the name to expect in the server's certificate. */
export interface ClientTls {
  readonly roots: Pem | readonly Pem[];
  readonly key?: Pem | undefined;
  readonly cert?: Pem | undefined;
  readonly hostnameOverride?: string | undefined;
  /** Judges the chain that the server shows in place of the TLS library, whose clock is this machine's. The name is looked at in any case. */
  readonly judge?: JudgeServer | undefined;
}

/**
 * What a Go peer takes: authenticated encryption only. The first three are those of TLS 1.3, which Go does not let anybody choose.
 * @see DefaultTLSCipherSuites in hyperledger/fabric v2.5, internal/pkg/comm/config.go
 */
const CIPHER_SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
].join(':');

/**
 * What every TLS connection of this program has in common. Each root stays a text of its own: one that ends without a line break
 * would swallow the next if they were joined. Whatever is listed is trusted for itself, as in Go, an intermediate authority too.
 */
export const tlsOptions = (roots: readonly Pem[]): SecureContextOptions => ({
  ca: roots.map(asBuffer),
  ciphers: CIPHER_SUITES,
  minVersion: 'TLSv1.2',
  allowPartialTrustChain: true,
});

export const serverOptions = ({ key, cert, clientRoots = [] }: ServerTls): SecureContextOptions => ({
  ...tlsOptions(clientRoots),
  key: asBuffer(key),
  cert: asBuffer(cert),
});

/** What TLS can carry of a name that a server is asked for. @see TLSEXT_MAXLEN_host_name in OpenSSL's tls1.h */
const LONGEST_NAME = 255;

/** @throws {SelvageError} `SETTING_INVALID` for material that does not parse or belong together, and for a name that is too long */
export function clientContext({ roots, key, cert, hostnameOverride = '' }: ClientTls): SecureContext {
  const length = Buffer.byteLength(hostnameOverride);
  if (length > LONGEST_NAME) {
    const name = cutText(hostnameOverride, 64);
    throw new SelvageError('SETTING_INVALID', `the name ${name} is too long to be asked of a server: ${length} bytes`, {
      advice: `Name the host that stands in the server's certificate; TLS carries up to ${LONGEST_NAME} bytes of it.`,
    });
  }
  return usable(() =>
    createSecureContext({
      ...tlsOptions(typeof roots === 'string' || roots instanceof Uint8Array ? [roots] : roots),
      ...(key !== undefined && { key: asBuffer(key) }),
      ...(cert !== undefined && { cert: asBuffer(cert) }),
    }),
  );
}

/** The work's result; what OpenSSL says of keys and certificates becomes ours. @throws {SelvageError} `SETTING_INVALID` */
export function usable<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `the TLS key or a certificate cannot be used: ${messageOf(cause)}`, {
      cause,
      advice: 'Check that the files are PEM and that the key belongs to the certificate.',
    });
  }
}

const asBuffer = (pem: Pem): Buffer => Buffer.from(pem);
