import type { ClientTls } from '../comm/tls.ts';
import { systemClock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import { ServerTrust } from '../msp/identities/server-trust.ts';
import { checkedRoots, checkPair } from './endpoint.ts';
import { readText } from './read-file.ts';

/** Trusted certificates: in PEM, or in the file of a setting. */
export interface RootsSetting {
  readonly setting: string;
  readonly file: string;
  readonly pem?: string;
}

/** A peer that asks who is at the other end of a connection is content with any certificate, if the request names the same. */
export async function passingCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const { CertificateAuthority } = await import('../msp/material/certificate-authority.ts'); // takes long to load
  const { own } = await CertificateAuthority.create({ commonName: 'selvage', organization: 'selvage' }, systemClock.now());
  return { key: own.privateKey, cert: own.certificate };
}

/** @throws {SelvageError} `SETTING_INVALID` naming the setting */
export function rootsIn({ setting, file, pem }: RootsSetting): string {
  if (file === '')
    throw new SelvageError('SETTING_INVALID', `TLS is on for the peer (CORE_PEER_TLS_ENABLED), and ${setting} is not set`, {
      advice: `Let ${setting} name the certificate, in PEM, of the authority that issued the peer's TLS certificate.`,
    });
  return checkedRoots(pem ?? readText(file, { setting }), file, setting);
}

/** A key and its certificate, in PEM. @param why both are needed @throws {SelvageError} `SETTING_INVALID` */
export function pairIn(files: { readonly key: string | undefined; readonly cert: string | undefined }, settings: string, why: string) {
  if (!files.key || !files.cert) throw new SelvageError('SETTING_INVALID', `${why}, so ${settings} have to be set`);
  const pair = { key: readText(files.key, { setting: settings }), cert: readText(files.cert, { setting: settings }) };
  checkPair(pair, settings);
  return pair;
}

/**
 * What an orderer shows is judged as it was `shiftMs` ago, so that one whose certificate has expired can still be reconfigured. One that
 * says less than nothing is passed over.
 * @see TimeShift in hyperledger/fabric v2.5, internal/pkg/comm/config.go
 */
export function judgedEarlier(tls: ClientTls, shiftMs: number): ClientTls {
  if (shiftMs <= 0) return tls;
  const roots = typeof tls.roots === 'string' || tls.roots instanceof Uint8Array ? [tls.roots] : tls.roots;
  const trust = new ServerTrust(roots);
  return { ...tls, judge: (shown) => trust.problemAt(shown, new Date(systemClock.now().getTime() - shiftMs)) };
}
