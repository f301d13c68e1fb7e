import { buffer } from 'node:stream/consumers';
import { utf8 } from '../../common/bytes.ts';
import { type TarEntry, writeTar } from '../../packages/archive/tar-writer.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';

const FOLDER = '/etc/hyperledger/fabric';

/**
 * Environment of a chaincode's container.
 * @see core/chaincode/chaincode_support.go in hyperledger/fabric v1.1.0, and v2.5 for the `_FILE` and MSP variables
 */
export function containerEnvironment(spec: LaunchSpec, mspId: string | undefined): Readonly<Record<string, string>> {
  return {
    ...spec.env,
    CORE_CHAINCODE_ID_NAME: spec.ccid,
    CORE_PEER_ADDRESS: spec.peerAddress,
    CORE_PEER_TLS_ENABLED: String(spec.tls !== undefined),
    ...(mspId !== undefined && { CORE_PEER_LOCALMSPID: mspId }),
    ...(spec.tls !== undefined && {
      CORE_TLS_CLIENT_KEY_PATH: `${FOLDER}/client.key`,
      CORE_TLS_CLIENT_CERT_PATH: `${FOLDER}/client.crt`,
      CORE_TLS_CLIENT_KEY_FILE: `${FOLDER}/client_pem.key`,
      CORE_TLS_CLIENT_CERT_FILE: `${FOLDER}/client_pem.crt`,
      CORE_PEER_TLS_ROOTCERT_FILE: `${FOLDER}/peer.crt`,
    }),
  };
}

/**
 * The TLS files as one tar for the root folder of the container. Any user of the container may read them: images need not run as
 * root (1.1 made them readable by root alone). Shims before 2.x read base64 of the PEM text.
 */
export function tlsFiles({ clientKey, clientCert, rootCert }: NonNullable<LaunchSpec['tls']>): Promise<Uint8Array> {
  const entry = (name: string, text: string): TarEntry => ({ name: `${FOLDER.slice(1)}/${name}`, mode: 0o644, content: utf8(text) });
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return buffer(
    writeTar([
      entry('client.key', base64(clientKey)),
      entry('client.crt', base64(clientCert)),
      entry('client_pem.key', clientKey),
      entry('client_pem.crt', clientCert),
      entry('peer.crt', rootCert),
    ]),
  );
}
