import { configPath, readSources, settingAt } from './sources.ts';

/** What the command line knows about the peer it talks to and the identity it uses, from core.yaml and CORE_ variables. */
export interface ClientConfig {
  readonly mspId: string;
  readonly mspPath: string;
  readonly peerAddress: string;
  readonly peerTls: ClientTlsFiles | undefined;
}

/** Files of the client's side of TLS; key and certificate only with mutual TLS. */
export interface ClientTlsFiles {
  readonly rootCertFile: string;
  readonly keyFile: string | undefined;
  readonly certFile: string | undefined;
  readonly hostnameOverride: string | undefined;
}

/** @throws {SelvageError} `SETTING_INVALID` when core.yaml does not parse */
export function readClientConfig(env: Readonly<Record<string, string | undefined>>): ClientConfig {
  const { raw, folder } = readSources(env);
  const setting = (path: string): string | undefined => settingAt(raw, path) || undefined;
  const isOn = (path: string): boolean => /^(true|t|1)$/i.test(setting(path) ?? '');
  const file = (...paths: readonly string[]): string | undefined => {
    const value = paths.map(setting).find((each) => each !== undefined);
    return value && configPath(folder, value);
  };
  const mutual = isOn('peer.tls.clientAuthRequired');
  const peerTls = {
    rootCertFile: file('peer.tls.rootcert.file') ?? '',
    keyFile: mutual ? file('peer.tls.clientKey.file', 'peer.tls.key.file') : undefined,
    certFile: mutual ? file('peer.tls.clientCert.file', 'peer.tls.cert.file') : undefined,
    hostnameOverride: setting('peer.tls.serverhostoverride'),
  };
  return {
    mspId: setting('peer.localMspId') ?? 'SampleOrg',
    mspPath: file('peer.mspConfigPath') ?? configPath(folder, 'msp'),
    peerAddress: setting('peer.address') ?? '0.0.0.0:7051',
    peerTls: isOn('peer.tls.enabled') ? peerTls : undefined,
  };
}
