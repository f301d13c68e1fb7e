import { equalBytes, sha256, utf8 } from '../common/bytes.ts';
import { toPem } from '../msp/identities/pem.ts';

/**
 * Whether a request is of the client whose TLS certificate this is: it says the SHA-256 of the certificate.
 *
 * That is of the DER for SDKs, and of the file for the `discover` command, which hashes the PEM text as it stands. Fabric's service has
 * the check, for DER alone, and never comes to it (its configuration is not kept), so that command works with it.
 * @param certificate DER
 * @see validateStructure in hyperledger/fabric v2.5, discovery/service.go; NewClient in cmd/common/comm/client.go
 */
export function isBoundTo(certificate: Uint8Array, claimed: Uint8Array): boolean {
  const pem = toPem('CERTIFICATE', certificate);
  return [certificate, utf8(pem), utf8(pem.trimEnd())].some((form) => equalBytes(sha256(form), claimed));
}
