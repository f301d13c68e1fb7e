import { configPath, type RawSettings, readSources } from './sources.ts';

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
  const setting = (path: string): string | undefined => settingAt(raw, path.toLowerCase().split('.'));
  const file = (path: string): string | undefined => {
    const value = setting(path);
    return value === undefined || value === '' ? undefined : configPath(folder, value);
  };
  const enabled = setting('peer.tls.enabled')?.toLowerCase() === 'true';
  return {
    mspId: setting('peer.localMspId') ?? 'SampleOrg',
    mspPath: file('peer.mspConfigPath') ?? configPath(folder, 'msp'),
    peerAddress: setting('peer.address') ?? '0.0.0.0:7051',
    peerTls: enabled
      ? {
          rootCertFile: file('peer.tls.rootcert.file') ?? '',
          keyFile:
            setting('peer.tls.clientAuthRequired')?.toLowerCase() === 'true'
              ? (file('peer.tls.clientKey.file') ?? file('peer.tls.key.file'))
              : undefined,
          certFile:
            setting('peer.tls.clientAuthRequired')?.toLowerCase() === 'true'
              ? (file('peer.tls.clientCert.file') ?? file('peer.tls.cert.file'))
              : undefined,
          hostnameOverride: setting('peer.tls.serverhostoverride') || undefined,
        }
      : undefined,
  };
}

function settingAt(tree: RawSettings, [head, ...rest]: readonly string[]): string | undefined {
  const value = head === undefined ? undefined : tree[head];
  if (value === undefined || value === null) return undefined;
  if (rest.length === 0) return String(value);
  return typeof value === 'object' && !Array.isArray(value) ? settingAt(value as RawSettings, rest) : undefined;
}
