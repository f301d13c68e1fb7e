/** A node that a command talks to, and which settings say how: an error of the connection names the one that is wrong. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { attemptDial, shownCertificate } from '../comm/dial-attempt.ts';
import { type DialCause, dialCauseOf, plainReason } from '../comm/dial-cause.ts';
import type { ClientTls } from '../comm/tls.ts';
import type { DialOptions } from '../comm/transport.ts';
import type { Cancellable } from '../common/cancel.ts';
import { messageOf, SelvageError } from '../common/errors.ts';

/** Names of settings, as a user writes them. */
export interface EndpointSettings {
  readonly address: string;
  /** What switches TLS on. */
  readonly tls: string;
  readonly roots: string;
  /** The file that `roots` names. */
  readonly rootsFile: string;
  readonly hostname: string;
  readonly client: string;
}

export interface Endpoint extends DialOptions {
  readonly what: 'peer' | 'orderer';
  readonly settings: EndpointSettings;
}

/** @throws {SelvageError} `SETTING_INVALID` naming the setting, for what is no `host:port` */
export function checkAddress(address: string, setting: string): void {
  const port = /^(?:\[[^\]]+\]|[^:,/\s]+):(\d{1,5})$/.exec(address)?.[1];
  if (port !== undefined && Number(port) > 0 && Number(port) < 65_536) return;
  throw new SelvageError('SETTING_INVALID', `${address || 'nothing'} is no address: ${setting} takes HOST:PORT`, {
    advice: address.includes(',') ? 'For several addresses give the flag several times.' : `Correct ${setting}.`,
  });
}

/** What can be connected: a client of a peer or an orderer. */
interface Connectable {
  connected(ms: number): Promise<boolean>;
}

export interface ReachOptions extends Cancellable {
  /** How long to wait for the connection, in milliseconds. */
  readonly timeoutMs: number;
}

/** How long to look for the reason once it has failed. */
const DIAGNOSIS_MS = 2_000;
const PAUSE_MS = 100;

/**
 * Makes the connection; a node that is about to start has as long as the timeout for that.
 * @throws {SelvageError} `PEER_UNREACHABLE` naming the setting that is wrong
 */
export async function reach(client: Connectable, endpoint: Endpoint, { timeoutMs, signal }: ReachOptions): Promise<void> {
  const until = Date.now() + timeoutMs;
  const options = { timeoutMs: DIAGNOSIS_MS, signal };
  while (!(await client.connected(Math.max(until - Date.now(), 0)))) {
    signal.throwIfAborted();
    const reason = plainReason((await attemptDial(endpoint, options)) ?? '');
    const cause = dialCauseOf(reason);
    if (Date.now() + PAUSE_MS > until || !(cause === 'refused' || reason === '')) throw await unreachable(endpoint, reason, cause, options);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function unreachable(endpoint: Endpoint, reason: string, cause: DialCause, options: ReachOptions): Promise<SelvageError> {
  const { what, address, tls } = endpoint;
  const shown = cause === 'refused' || cause === 'unresolvable' ? undefined : await shownCertificate(endpoint, options);
  const advice =
    tls === undefined && shown !== undefined
      ? speaksTls(endpoint)
      : adviceOn(cause, endpoint, shown && { issuer: shown.issuer, names: shown.names });
  return new SelvageError('PEER_UNREACHABLE', `cannot reach the ${what} at ${address}: ${reason || 'no answer in time'}`, {
    details: { address, cause },
    advice,
  });
}

const speaksTls = ({ what, address, settings }: Endpoint): string =>
  `The ${what} at ${address} speaks TLS, and ${settings.tls} does not ask for it: ${
    what === 'peer' ? `set ${settings.tls}=true and ${settings.roots}` : `add ${settings.tls} and ${settings.roots} FILE`
  }.`;

interface Shown {
  readonly issuer: string;
  readonly names: string;
}

function adviceOn(cause: DialCause, { what, address, tls, settings }: Endpoint, shown: Shown | undefined): string {
  switch (cause) {
    case 'refused':
      return `Nothing listens at ${address}: start the ${what}, or correct ${settings.address}.`;
    case 'unresolvable':
      return `The name in ${address} has no address: correct ${settings.address}, or the name service of this machine.`;
    case 'unreachable':
      return `No way leads to ${address}: correct ${settings.address}, or see whether a firewall lies between.`;
    case 'untrusted': {
      const issuer = shown === undefined ? '' : ` (its issuer is ${shown.issuer})`;
      return `The certificate of the ${what}${issuer} was not issued by ${rootsOf(tls?.roots)} in ${settings.rootsFile}: let ${settings.roots} name the certificate of its issuer.`;
    }
    case 'misnamed':
      return `The certificate of the ${what} is for ${shown?.names || 'another name'}: use one of these names in ${settings.address}, or set ${settings.hostname} to one.`;
    case 'expired':
      return `The certificate of the ${what} has expired, or is not valid yet: renew it; if it is valid, compare the clocks of both machines.`;
    case 'client-certificate-missing':
      return `The ${what} asks for a client certificate: set ${settings.client}.`;
    case 'client-certificate-untrusted':
    case 'client-certificate-expired':
    case 'client-certificate-refused':
      return `The ${what} refuses our client certificate: correct ${settings.client}; its log says more.`;
    case 'plain':
      return `The ${what} at ${address} speaks no TLS: ${
        what === 'peer'
          ? `set ${settings.tls}=false`
          : `leave ${settings.tls} out (a word behind it, as in --tls false, does not switch it off: write --tls=false)`
      }, or correct ${settings.address}.`;
    case 'closed':
      return tls === undefined
        ? `What listens at ${address} is no ${what}, or it speaks another version of TLS: correct ${settings.address}.`
        : `What listens at ${address} is no ${what}, or it asks for a client certificate (${settings.client}); its log says more.`;
    case 'silent':
      return `What listens at ${address} does not answer as a ${what}: see its log, and that ${settings.address} is right.`;
  }
}

/** Who the certificates in PEM texts are of. */
function rootsOf(roots: ClientTls['roots'] | undefined): string {
  const texts = roots === undefined ? [] : typeof roots === 'string' || roots instanceof Uint8Array ? [roots] : roots;
  const subjects = texts.flatMap((pem) => certificatesIn(String(Buffer.from(pem)))).map(({ subject }) => subject.split('\n').join(', '));
  return subjects.join(' or ') || 'what is';
}

const certificatesIn = (pem: string): readonly X509Certificate[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)].flatMap(([block]) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return []; // as in Go, what does not parse is not trusted
    }
  });

/**
 * The trusted certificates that a file holds.
 * @param setting what names the file
 * @throws {SelvageError} `SETTING_INVALID` naming setting and file when there is none in it
 */
export function checkedRoots(pem: string, file: string, setting: string): string {
  if (certificatesIn(pem).length > 0) return pem;
  const labels = [...pem.matchAll(/-----BEGIN ([^\n-]+)-----/g)].map(([, label]) => label ?? '');
  const holds = labels.includes('CERTIFICATE') ? 'one that does not parse' : labels.length > 0 ? `a ${labels.join(', a ')}` : 'no PEM text';
  throw new SelvageError('SETTING_INVALID', `${file}, which ${setting} names, holds no certificate but ${holds}`, {
    advice: `Let ${setting} name the certificate, in PEM, of the authority that issued the TLS certificate of the other side.`,
  });
}

/** @throws {SelvageError} `SETTING_INVALID` when key and certificate, in PEM, are none or do not belong together */
export function checkPair(pair: { readonly key: string; readonly cert: string }, settings: string): void {
  let matches: boolean;
  try {
    matches = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key));
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `${settings} do not name a certificate and a key in PEM: ${messageOf(cause)}`, { cause });
  }
  if (!matches) throw new SelvageError('SETTING_INVALID', `the key and the certificate of ${settings} do not belong together`);
}
