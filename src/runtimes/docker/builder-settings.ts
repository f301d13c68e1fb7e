import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TarEntry } from '../../chaincode/packaging/tar-writer.ts';

/** What builds take over from the peer's own surroundings: how to reach registries, and whom to trust. Images never get it. */
export interface BuilderSettings {
  readonly env: Readonly<Record<string, string>>;
  /** For the root folder of the builder. */
  readonly files: readonly TarEntry[];
}

const VARIABLES =
  /^(https?_proxy|no_proxy|all_proxy|GOPROXY|GONOSUMDB|GONOSUMCHECK|GOSUMDB|GOPRIVATE|GOFLAGS|npm_config_registry|npm_config_strict_ssl)$/i;

/** Lines of an .npmrc that mean the same elsewhere; those that name folders and files of this machine do not. */
const NPM_LINES = /^\s*(registry|@[^:=\s]+:registry|\/\/[^=\s]+|strict-ssl|proxy|https-proxy|noproxy|legacy-peer-deps|always-auth)\s*=/;

/** In the builder, not in `/chaincode/output`, which is all that leaves it. */
const TRUSTED = 'etc/selvage/trusted.pem';

/** Reads them anew for each build; what is not there, or cannot be read, is left out. */
export async function builderSettings(host: Readonly<Record<string, string | undefined>>): Promise<BuilderSettings> {
  const env = Object.fromEntries(
    Object.entries(host).filter((entry): entry is [string, string] => VARIABLES.test(entry[0]) && entry[1] !== undefined),
  );
  const files: TarEntry[] = [];
  const trusted = await textOf(host['NODE_EXTRA_CA_CERTS'] ?? host['SSL_CERT_FILE']);
  if (trusted !== undefined) {
    files.push({ name: TRUSTED, content: Buffer.from(trusted) });
    Object.assign(env, { NODE_EXTRA_CA_CERTS: `/${TRUSTED}`, SSL_CERT_FILE: `/${TRUSTED}` });
  }
  const npmrc = await textOf(host['npm_config_userconfig'] ?? (host['HOME'] && join(host['HOME'], '.npmrc')));
  const lines = npmrc?.split('\n').filter((line) => NPM_LINES.test(line)) ?? [];
  if (lines.length > 0) {
    const text = lines.map((line) => line.replace(/\$\{(\w+)\}/g, (whole, name: string) => host[name] ?? whole)).join('\n');
    files.push({ name: 'etc/selvage/npmrc', mode: 0o600, content: Buffer.from(`${text}\n`) });
    Object.assign(env, { npm_config_userconfig: '/etc/selvage/npmrc' });
  }
  return { env, files };
}

const textOf = (path: string | undefined): Promise<string | undefined> =>
  path === undefined || path === '' ? Promise.resolve(undefined) : readFile(path, 'utf8').catch(() => undefined);
