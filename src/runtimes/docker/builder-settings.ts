import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TarEntry } from '../../packages/archive/tar-writer.ts';
import type { Platform } from '../../packages/platforms/platform.ts';

/** What builds take over from the peer's own surroundings: how to reach registries, and whom to trust. Images never get it. */
export interface BuilderSettings {
  readonly env: Readonly<Record<string, string>>;
  /** For the root folder of the builder. */
  readonly files: readonly TarEntry[];
}

/** The peer's own environment. */
type Host = Readonly<Record<string, string | undefined>>;

const EVERYWHERE = /^(https?_proxy|no_proxy|all_proxy)$/i;

/** In the builder, not in `/chaincode/output`, which is all that leaves it. */
const TRUSTED = 'etc/selvage/trusted.pem';

/** The user that builds in the images of Fabric and of `selvage images build`. */
const HOME = 'root';

/**
 * What a build in that language gets, read anew for each build: proxies and extra certificates, and for Node the registry and
 * authentication lines of the `.npmrc`, for Go its module settings, for Java the settings of Maven and Gradle. What is not there, or
 * cannot be read, is left out, and so is what names files and folders of this machine.
 */
export async function builderSettings(host: Host, language: Platform['name']): Promise<BuilderSettings> {
  const shared: BuilderSettings = { env: chosen(host, EVERYWHERE), files: [] };
  const parts = await Promise.all([shared, trustOf(host), { node: npmOf, golang: goOf, java: javaOf }[language](host)]);
  return { env: Object.assign({}, ...parts.map(({ env }) => env)), files: parts.flatMap(({ files }) => files) };
}

async function trustOf(host: Host): Promise<BuilderSettings> {
  const trusted = await textOf(host['NODE_EXTRA_CA_CERTS'] ?? host['SSL_CERT_FILE']);
  if (trusted === undefined) return { env: {}, files: [] };
  return { env: { NODE_EXTRA_CA_CERTS: `/${TRUSTED}`, SSL_CERT_FILE: `/${TRUSTED}` }, files: [file(TRUSTED, trusted)] };
}

const NPM_VARIABLES = /^npm_config_(registry|strict_ssl)$/i;
/** Lines of an .npmrc that mean the same elsewhere. */
const NPM_LINES = /^\s*(registry|@[^:=\s]+:registry|\/\/[^=\s]+|strict-ssl|proxy|https-proxy|noproxy|legacy-peer-deps|always-auth)\s*=/;

async function npmOf(host: Host): Promise<BuilderSettings> {
  const env = chosen(host, NPM_VARIABLES);
  const npmrc = await textOf(host['npm_config_userconfig'] ?? under(host['HOME'], '.npmrc'));
  const lines = npmrc?.split('\n').filter((line) => NPM_LINES.test(line)) ?? [];
  if (lines.length === 0) return { env, files: [] };
  const text = lines.map((line) => line.replace(/\$\{(\w+)\}/g, (whole, name: string) => host[name] ?? whole)).join('\n');
  return { env: { ...env, npm_config_userconfig: '/etc/selvage/npmrc' }, files: [secret('etc/selvage/npmrc', `${text}\n`)] };
}

const GO_VARIABLES = /^(GOPROXY|GONOPROXY|GOPRIVATE|GOSUMDB|GONOSUMDB|GONOSUMCHECK|GOINSECURE|GOFLAGS)$/;

/** Go's variables, also those that `go env -w` wrote; the environment has the last word. Passwords of module proxies only when `NETRC` names their file. */
async function goOf(host: Host): Promise<BuilderSettings> {
  const written = await textOf(host['GOENV'] ?? under(host['XDG_CONFIG_HOME'] ?? under(host['HOME'], '.config'), 'go', 'env'));
  const lines = written?.split('\n').flatMap((line) => [...line.matchAll(/^(\w+)=(.*)$/g)]) ?? [];
  const file = Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value.trim()]));
  const netrc = await textOf(host['NETRC']);
  const files = netrc === undefined ? [] : [secret(`${HOME}/.netrc`, netrc)];
  return { env: chosen({ ...file, ...host }, GO_VARIABLES), files };
}

/** Options of a JVM that mean the same elsewhere. */
const JVM_OPTIONS =
  /^(-Dhttps?\.(proxyHost|proxyPort|nonProxyHosts)=\S*|-D(maven\.wagon|https\.protocols|java\.net\.prefer)\S*|-Xm[xs]\w+)$/;
const LOCAL_REPOSITORY = /<localRepository>[^<]*<\/localRepository>/g;
/** Lines of a gradle.properties that name Java installations and folders here. */
const GRADLE_LOCAL = /^\s*org\.gradle\.(java\.(home|installations\.\w+)|projectcachedir)\s*[=:]/;

async function javaOf(host: Host): Promise<BuilderSettings> {
  const maven = under(host['HOME'], '.m2');
  const gradle = host['GRADLE_USER_HOME'] ?? under(host['HOME'], '.gradle');
  const options = (name: string): Record<string, string> => {
    const words = [...(host[name] ?? '').split(/\s+/)].filter((word) => JVM_OPTIONS.test(word));
    return words.length === 0 ? {} : { [name]: words.join(' ') };
  };
  const files = [
    await taken(maven, 'settings.xml', '.m2', (text) => text.replace(LOCAL_REPOSITORY, '')),
    await taken(maven, 'settings-security.xml', '.m2'),
    await taken(gradle, 'gradle.properties', '.gradle', (text) =>
      text
        .split('\n')
        .filter((line) => !GRADLE_LOCAL.test(line))
        .join('\n'),
    ),
    ...(await Promise.all((await gradleScripts(gradle)).map((name) => taken(gradle, name, '.gradle')))),
  ].flat();
  return { env: { ...options('MAVEN_OPTS'), ...options('GRADLE_OPTS') }, files };
}

async function gradleScripts(gradle: string | undefined): Promise<readonly string[]> {
  const folder = under(gradle, 'init.d');
  const names = folder === undefined ? [] : await readdir(folder).catch(() => []);
  return ['init.gradle', 'init.gradle.kts', ...names.filter((name) => /\.gradle(\.kts)?$/.test(name)).map((name) => `init.d/${name}`)];
}

async function taken(
  folder: string | undefined,
  name: string,
  target: string,
  change: (text: string) => string = (text) => text,
): Promise<readonly TarEntry[]> {
  const text = await textOf(under(folder, name));
  return text === undefined ? [] : [secret(`${HOME}/${target}/${name}`, change(text))];
}

const chosen = (host: Host, names: RegExp): Record<string, string> =>
  Object.fromEntries(Object.entries(host).filter((entry): entry is [string, string] => names.test(entry[0]) && entry[1] !== undefined));

const file = (name: string, text: string): TarEntry => ({ name, content: Buffer.from(text) });
const secret = (name: string, text: string): TarEntry => ({ name, mode: 0o600, content: Buffer.from(text) });

const under = (folder: string | undefined, ...names: readonly string[]): string | undefined =>
  folder === undefined || folder === '' ? undefined : join(folder, ...names);

const textOf = (path: string | undefined): Promise<string | undefined> =>
  path === undefined || path === '' ? Promise.resolve(undefined) : readFile(path, 'utf8').catch(() => undefined);
