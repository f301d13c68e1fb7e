import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { LaunchSpec } from '../../packages/launch-spec.ts';

/** The environment that the peer itself was started with, as `process.env`. */
export type HostEnvironment = Readonly<Record<string, string | undefined>>;

/** What any program of the user's may need: where trust and proxies are configured, and in which language to speak. */
const GENERAL =
  /^(https?_proxy|no_proxy|all_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|LANG|LC_[A-Z]+|TZ|TMPDIR|TEMP|TMP|SystemRoot|ComSpec|PATHEXT)$/i;

/** What the user's build tools are configured by, beside their files. `NODE_REGISTRY` comes as `npm_config_registry` from the platform. */
const TOOLS =
  /^(npm_config_.*|GO[A-Z0-9_]*|GCCGO|CGO_.*|JAVA_HOME|MAVEN_.*|M2_HOME|GRADLE_.*|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|XDG_.*|CC|CXX|PYTHON)$/i;

const SYSTEM_PATH = ['/usr/local/bin', '/usr/bin', '/bin'] as const;

/** For installing: the user's tools and their settings, but nothing of the peer's own settings. */
export function installEnvironment(host: HostEnvironment, nodePath: string): Record<string, string> {
  const path = host['PATH'] ?? SYSTEM_PATH.join(delimiter);
  return { ...chosen(host, GENERAL), ...chosen(host, TOOLS), PATH: `${dirname(nodePath)}${delimiter}${path}` };
}

export interface InstanceEnvironmentParts {
  readonly host: HostEnvironment;
  readonly nodePath: string;
  /** Folder of this instance alone, made for it and removed after it. */
  readonly directory: string;
  readonly mspId: string | undefined;
}

/**
 * For running: what shims read, a home of its own, and nothing that names the peer's folders or keys. Writes the TLS files,
 * readable by this user only.
 * @see core/chaincode/chaincode_support.go in hyperledger/fabric v1.1.0, and v2.x for the `_FILE` and MSP variables
 */
export async function instanceEnvironment(
  spec: LaunchSpec,
  { host, nodePath, directory, mspId }: InstanceEnvironmentParts,
): Promise<Record<string, string>> {
  const home = join(directory, 'home');
  await mkdir(home, { mode: 0o700 });
  const path = process.platform === 'win32' ? (host['PATH'] ?? '') : SYSTEM_PATH.join(delimiter);
  return {
    ...withoutCredentials(chosen(host, GENERAL)),
    ...spec.env,
    PATH: `${dirname(nodePath)}${delimiter}${path}`,
    HOME: home,
    CORE_CHAINCODE_ID_NAME: spec.ccid,
    CORE_PEER_ADDRESS: spec.peerAddress,
    no_grpc_proxy: hostOf(spec.peerAddress), // or the shim would dial its own peer through the user's proxy
    CORE_PEER_TLS_ENABLED: String(spec.tls !== undefined),
    ...(mspId !== undefined && { CORE_PEER_LOCALMSPID: mspId }),
    ...(spec.tls !== undefined && (await writeTls(spec.tls, join(directory, 'tls')))),
  };
}

/** Shims before 2.x read base64 of the PEM text; the newer names hold the PEM itself. */
async function writeTls(
  { clientKey, clientCert, rootCert }: NonNullable<LaunchSpec['tls']>,
  folder: string,
): Promise<Record<string, string>> {
  await mkdir(folder, { mode: 0o700 });
  const place = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return path;
  };
  return {
    CORE_TLS_CLIENT_KEY_PATH: await place('client.key', base64(clientKey)),
    CORE_TLS_CLIENT_CERT_PATH: await place('client.crt', base64(clientCert)),
    CORE_TLS_CLIENT_KEY_FILE: await place('client_pem.key', clientKey),
    CORE_TLS_CLIENT_CERT_FILE: await place('client_pem.crt', clientCert),
    CORE_PEER_TLS_ROOTCERT_FILE: await place('peer.crt', rootCert),
  };
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

const chosen = (host: HostEnvironment, names: RegExp): Record<string, string> =>
  Object.fromEntries(Object.entries(host).filter((entry): entry is [string, string] => entry[1] !== undefined && names.test(entry[0])));

/** Proxies without the name and password that the peer or its builds use them with: those are not the chaincode's. */
const withoutCredentials = (variables: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      /proxy$/i.test(name) ? value.replace(/^([a-z0-9+.-]+:\/\/)?[^/]*@/i, '$1') : value,
    ]),
  );

const hostOf = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf(':'))).replace(/^\[|\]$/g, '');
