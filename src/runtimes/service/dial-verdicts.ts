import type { BuildVerdict } from '../../packages/platforms/platform.ts';
import { type Sign, verdictOf } from '../../packages/platforms/verdict.ts';
import type { ServerSettings } from './server-settings.ts';

/** What a dial failed with, and what it means for who wrote connection.json or runs the service. */
const SIGNS: readonly Sign[] = [
  {
    pattern: /ECONNREFUSED/,
    cause: 'nothing listens at the address of the service',
    advice: 'Start the chaincode service, or correct address in connection.json.',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|Name resolution/i,
    cause: 'the peer cannot resolve the name of the service',
    advice: 'Correct address in connection.json, or the name service of the peer.',
  },
  {
    pattern: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/,
    cause: 'the address of the service cannot be reached from the peer',
    advice: 'See whether a network or a firewall lies between them, and that address in connection.json is right.',
  },
  {
    pattern: /alert certificate required|alert handshake failure/i,
    cause: 'the service asks for a client certificate',
    advice: 'Set client_auth_required, client_cert and client_key in connection.json.',
  },
  {
    pattern: /alert unknown ca/i,
    cause: 'the service does not trust the client certificate of the peer',
    advice: 'client_cert in connection.json must be issued by what the service trusts (CHAINCODE_CLIENT_CA_CERT).',
  },
  {
    pattern: /alert certificate expired/i,
    cause: 'the client certificate of the peer has expired, says the service',
    advice: 'Renew client_cert in connection.json; if it is still valid, compare the clocks of both machines.',
  },
  {
    pattern: /alert (?:bad|unsupported|revoked|unknown) ?certificate|alert certificate (?:revoked|unknown)/i,
    cause: 'the service refuses the client certificate of the peer',
    advice: 'The log of the service says why; compare client_cert in connection.json with what it trusts.',
  },
  {
    pattern: /certificate has expired|certificate is not yet valid/i,
    cause: "the service's certificate has expired, or is not valid yet",
    advice: 'Renew it; if it is valid, compare the clocks of both machines.',
  },
  {
    pattern: /altname/i,
    cause: "the service's certificate is for another name",
    advice: 'Set domain in connection.json to a name that is in the certificate, or have one issued for the host of address.',
  },
  {
    pattern: /unable to (?:verify|get)[^\n]*certificate|self.signed|unknown ca|invalid CA/i,
    cause: "the service's certificate was not issued by root_cert",
    advice:
      'root_cert in connection.json must be the certificate of the authority that issued the one of the service (CHAINCODE_TLS_CERT).',
  },
  {
    pattern: /wrong version number|packet length too long|http request/i,
    cause: 'what answers there speaks no TLS',
    advice: 'Set tls_required to false in connection.json, or switch TLS on in the service (CHAINCODE_TLS_DISABLED=false).',
  },
];

/** Of a connection that was accepted and then closed nothing more is known. */
const CLOSED = /Failed to connect|ECONNRESET|socket disconnected|hang up|EPIPE/i;

export function dialVerdict(reason: string, { address, tls }: ServerSettings): BuildVerdict {
  const advice = `See that the chaincode service runs and that ${address} can be reached from this peer.`;
  return verdictOf([reason], SIGNS, CLOSED.test(reason) ? closedVerdict(tls) : { cause: 'the service did not answer in time', advice });
}

function closedVerdict(tls: ServerSettings['tls']): BuildVerdict {
  if (tls === undefined) {
    return {
      cause: 'the service accepted the connection and closed it: it speaks TLS, or is no chaincode service',
      advice: 'If it speaks TLS, set tls_required and root_cert in connection.json.',
    };
  }
  return {
    cause: 'the service accepted the connection and closed it: it refuses the client certificate, or is no chaincode service',
    advice: 'Compare client_cert in connection.json with what the service trusts (CHAINCODE_CLIENT_CA_CERT); its log says more.',
  };
}

/** The words of OpenSSL without its own places and times. */
export const plainReason = (reason: string): string =>
  reason
    .replace(/ ?\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, '')
    .replace(/[0-9A-F]{8,}:error:[0-9A-F]+:[^:\n]*:[^:\n]*:([^:\n]*):[^\n]*/g, '$1')
    .trim();
