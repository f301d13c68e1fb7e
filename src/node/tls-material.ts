import type { Pem, ServerTls } from '../comm/tls.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { firstPemBlock } from '../msp/identities/pem.ts';
import type { PeerConfig, TlsConfig } from './config/peer-config.ts';
import { readPem } from './files.ts';
import type { OperationsTls } from './operations.ts';
import type { EndpointOverride, TlsIdentity } from './orderers/orderer-rotation.ts';

/** What the peer's TLS files hold. */
export interface PeerTls {
  /**
   * Callers are checked, where they are, against the configured authorities and the peer's own; else they are asked for a certificate
   * all the same, which is how other peers bind their streams to who they are.
   */
  readonly server: ServerTls;
  readonly client: TlsIdentity;
}

/** @throws {SelvageError} `SETTING_INVALID` naming the file */
export async function readPeerTls({ tls }: PeerConfig): Promise<PeerTls | undefined> {
  if (tls === undefined) return undefined;
  const own = tls.rootCertFile === undefined ? [] : [tls.rootCertFile];
  const server = await readServerTls({ ...tls, clientRootFiles: [...tls.clientRootFiles, ...own] });
  return {
    server: { ...server, asksForCertificates: true },
    client: { key: await readPem(tls.clientKeyFile), cert: await readPem(tls.clientCertFile) },
  };
}

/** Authorities of clients count there in any case. @throws {SelvageError} `SETTING_INVALID` naming the file */
export async function readOperationsTls({ operationsTls: tls }: PeerConfig): Promise<OperationsTls | undefined> {
  if (tls === undefined) return undefined;
  return { ...(await readServerTls({ ...tls, clientAuthRequired: true })), clientAuthRequired: tls.clientAuthRequired };
}

/** @throws {SelvageError} `SETTING_INVALID` naming the file */
export async function readServerTls({ keyFile, certFile, clientAuthRequired, clientRootFiles }: TlsConfig): Promise<ServerTls> {
  const clientRoots = clientAuthRequired ? await Promise.all(clientRootFiles.map(readPem)) : undefined;
  return { key: await readPem(keyFile), cert: await readPem(certFile), clientRoots };
}

/**
 * `peer.deliveryclient.addressOverrides` by the address they stand for. One whose authorities cannot be read is left out with a warning.
 * @see LoadOverridesMap in hyperledger/fabric v2.5, core/deliverservice/config.go
 */
export async function readOverrides({ ordererOverrides }: PeerConfig, log: Logger): Promise<ReadonlyMap<string, EndpointOverride>> {
  const all = new Map<string, EndpointOverride>();
  for (const { from, to, caCertsFile } of ordererOverrides) {
    try {
      all.set(from, { address: to, tlsRoots: caCertsFile === '' ? undefined : [await readCertificates(caCertsFile)] });
    } catch (thrown) {
      log.warn('an address override of an orderer is not used', { from, to, caCertsFile, error: messageOf(thrown) });
    }
  }
  return all;
}

/** @throws {SelvageError} `SETTING_INVALID` when the file cannot be read; `MALFORMED` when it holds no PEM */
async function readCertificates(file: string): Promise<Pem> {
  const text = await readPem(file);
  if (firstPemBlock(text) === undefined) throw new SelvageError('MALFORMED', `there is no certificate in ${file}`);
  return text;
}
