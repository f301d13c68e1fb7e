import { type DialCause, dialCauseOf } from '../../comm/dial-cause.ts';
import type { BuildVerdict } from '../../packages/platforms/platform.ts';
import type { ServerSettings } from './server-settings.ts';

/** What a dial failed with, and what it means for who wrote connection.json or runs the service. */
const VERDICTS: Readonly<Record<Exclude<DialCause, 'closed' | 'silent'>, BuildVerdict>> = {
  refused: {
    cause: 'nothing listens at the address of the service',
    advice: 'Start the chaincode service, or correct address in connection.json.',
  },
  unresolvable: {
    cause: 'the peer cannot resolve the name of the service',
    advice: 'Correct address in connection.json, or the name service of the peer.',
  },
  unreachable: {
    cause: 'the address of the service cannot be reached from the peer',
    advice: 'See whether a network or a firewall lies between them, and that address in connection.json is right.',
  },
  'client-certificate-missing': {
    cause: 'the service asks for a client certificate',
    advice: 'Set client_auth_required, client_cert and client_key in connection.json.',
  },
  'client-certificate-untrusted': {
    cause: 'the service does not trust the client certificate of the peer',
    advice: 'client_cert in connection.json must be issued by what the service trusts (CHAINCODE_CLIENT_CA_CERT).',
  },
  'client-certificate-expired': {
    cause: 'the client certificate of the peer has expired, says the service',
    advice: 'Renew client_cert in connection.json; if it is still valid, compare the clocks of both machines.',
  },
  'client-certificate-refused': {
    cause: 'the service refuses the client certificate of the peer',
    advice: 'The log of the service says why; compare client_cert in connection.json with what it trusts.',
  },
  expired: {
    cause: "the service's certificate has expired, or is not valid yet",
    advice: 'Renew it; if it is valid, compare the clocks of both machines.',
  },
  misnamed: {
    cause: "the service's certificate is for another name",
    advice: 'Set domain in connection.json to a name that is in the certificate, or have one issued for the host of address.',
  },
  untrusted: {
    cause: "the service's certificate was not issued by root_cert",
    advice:
      'root_cert in connection.json must be the certificate of the authority that issued the one of the service (CHAINCODE_TLS_CERT).',
  },
  plain: {
    cause: 'what answers there speaks no TLS',
    advice: 'Set tls_required to false in connection.json, or switch TLS on in the service (CHAINCODE_TLS_DISABLED=false).',
  },
};

export function dialVerdict(reason: string, { address, tls }: ServerSettings): BuildVerdict {
  const cause = dialCauseOf(reason);
  if (cause === 'closed') return closedVerdict(tls);
  if (cause !== 'silent') return VERDICTS[cause];
  return {
    cause: 'the service did not answer in time',
    advice: `See that the chaincode service runs and that ${address} can be reached from this peer.`,
  };
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
