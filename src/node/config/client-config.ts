import { parseDuration } from '../../common/duration.ts';
import { configPath, readSources, settingAt, variableOf } from './sources.ts';

/** What the command line knows about the peer it talks to and the identity it uses, from core.yaml and CORE_ variables. */
export interface ClientConfig {
  readonly mspId: string;
  readonly mspPath: string;
  readonly peerAddress: string;
  /** Whether peers are reached by TLS. */
  readonly tls: boolean;
  /** Trusted certificates of the peer; '' where nothing names them. */
  readonly rootCertFile: string;
  readonly hostnameOverride: string | undefined;
  /** Whether we show a certificate to peers. */
  readonly clientAuth: boolean;
  readonly keyFile: string | undefined;
  readonly certFile: string | undefined;
  /** How long to wait for a connection, in milliseconds. */
  readonly connTimeoutMs: number;
  /** Settings that count for something else than they may be meant for, one sentence each. */
  readonly doubts: readonly string[];
}

const DEFAULT_CONN_TIMEOUT_MS = 3_000;

/**
 * @throws {SelvageError} `SETTING_INVALID` when core.yaml does not parse
 * @see configFromEnv in hyperledger/fabric v2.5, internal/peer/common/common.go
 */
export function readClientConfig(env: Readonly<Record<string, string | undefined>>): ClientConfig {
  const { raw, folder, absent } = readSources(env);
  const doubts =
    absent === undefined ? [] : [`there is no core.yaml in ${absent} (FABRIC_CFG_PATH): what no variable sets has its default`];
  const setting = (path: string): string | undefined => settingAt(raw, path) || undefined;
  const file = (...paths: readonly string[]): string | undefined => {
    const value = paths.map(setting).find((each) => each !== undefined);
    return value && configPath(folder, value);
  };
  const isOn = (path: string): boolean => {
    const text = setting(path) ?? 'false';
    const value = truthOf(text);
    if (value === undefined) doubts.push(`${path} (${variableOf(path)}) is ${text}, which counts as false: write true or false`);
    return value ?? false;
  };
  return {
    mspId: setting('peer.localMspId') ?? 'SampleOrg',
    mspPath: file('peer.mspConfigPath') ?? configPath(folder, 'msp'),
    peerAddress: setting('peer.address') ?? '0.0.0.0:7051',
    tls: isOn('peer.tls.enabled'),
    rootCertFile: file('peer.tls.rootcert.file') ?? '',
    hostnameOverride: setting('peer.tls.serverhostoverride'),
    clientAuth: isOn('peer.tls.clientAuthRequired'),
    keyFile: file('peer.tls.clientKey.file', 'peer.tls.key.file'),
    certFile: file('peer.tls.clientCert.file', 'peer.tls.cert.file'),
    connTimeoutMs: parseDuration(setting('peer.client.connTimeout') ?? '') || DEFAULT_CONN_TIMEOUT_MS,
    doubts,
  };
}

/** What Go's reader of settings takes for true or false; undefined for any other text, which it takes for false. @see ToBoolE in spf13/cast, caste.go */
function truthOf(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
