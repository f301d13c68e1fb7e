import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePassingFolder } from '../../common/durable-files.ts';
import type { HostCommand } from '../../packages/platforms/platform.ts';
import { nodeFiles, pathFiles, programFiles } from './installations.ts';
import type { BuildReach } from './isolation.ts';

export interface BuildPlace {
  /** `golang`, `node` or `java`. */
  readonly platform: string;
  /** The environment of the build. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it works. */
  readonly folder: string;
  /** What else it reads: finished builds that this one stands on. */
  readonly reads?: readonly string[] | undefined;
}

/**
 * What a build in a sandbox reaches beside the system's files: its own folder, the programs, and of the user's home the settings and
 * caches of the tools of its language, nothing else. The caches are made where they are missing.
 */
export async function buildReach(command: HostCommand, { platform, env, folder, reads = [] }: BuildPlace): Promise<BuildReach> {
  const { settings, caches } = (await OF_PLATFORM[platform]?.(env)) ?? NONE;
  for (const cache of caches) await makePassingFolder(cache);
  const node = await nodeFiles(nodeIn(command) ?? process.execPath);
  const mentioned = [command.file, ...command.args].filter(isAbsolute);
  const programs = await Promise.all(mentioned.map(programFiles));
  const npm = mentioned.filter((path) => path.endsWith('/bin/npm-cli.js')).map((path) => join(path, '..', '..'));
  const path = await Promise.all((env['PATH'] ?? '').split(delimiter).filter(isAbsolute).map(pathFiles));
  const home = env['HOME'] === undefined ? [] : ['.gitconfig', '.config/git', '.netrc'].map((name) => join(env['HOME'] ?? '', name));
  const named = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'JAVA_HOME', 'M2_HOME', 'MAVEN_HOME', 'GOROOT'].flatMap(
    (name) => env[name] ?? [],
  );
  return {
    reads: [...path.flat(), ...programs.flat(), ...npm, ...node.reads, ...named, '/etc/gitconfig', ...home, ...settings],
    links: node.links,
    own: reads,
    writes: [folder],
    caches,
    folder,
  };
}

/** The Node of a command that npm's own file tells. */
const nodeIn = ({ file, args }: HostCommand): string | undefined =>
  [file, ...args].find((each) => isAbsolute(each) && basename(each) === 'node');

interface ToolPlaces {
  readonly settings: readonly string[];
  readonly caches: readonly string[];
}

type Environment = BuildPlace['env'];

const NONE: ToolPlaces = { settings: [], caches: [] };

const OF_PLATFORM: Readonly<Record<string, (env: Environment) => ToolPlaces | Promise<ToolPlaces>>> = { node, golang, java };

/** npm reads its variables in any case. */
function node(env: Environment): ToolPlaces {
  const named = (name: string): string | undefined =>
    Object.entries(env).find(([key, value]) => key.toLowerCase() === `npm_config_${name}` && value !== '')?.[1];
  const home = env['HOME'] ?? '/';
  return {
    settings: [named('userconfig') ?? join(home, '.npmrc'), ...[named('globalconfig'), named('cafile')].flatMap((file) => file ?? [])],
    caches: [named('cache') ?? join(home, '.npm'), join(cacheHome(env), 'node-gyp')],
  };
}

function golang(env: Environment): ToolPlaces {
  const home = env['HOME'] ?? '/';
  const paths = (env['GOPATH'] || join(home, 'go')).split(delimiter);
  const fromDisk = (env['GOPROXY'] ?? '').split(/[,|]/).filter((each) => each.startsWith('file://'));
  return {
    settings: [
      env['GOENV'] ?? join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'go'),
      ...paths,
      ...fromDisk.map((url) => fileURLToPath(url)),
    ],
    caches: [env['GOCACHE'] || join(cacheHome(env), 'go-build'), env['GOMODCACHE'] || join(paths[0] ?? home, 'pkg', 'mod')],
  };
}

/** A JVM takes the user's home from the accounts of the machine, not from the environment. */
async function java(env: Environment): Promise<ToolPlaces> {
  const home = /-Duser\.home=(\S+)/.exec(env['MAVEN_OPTS'] ?? '')?.[1] ?? userInfo().homedir;
  const settings = await readFile(join(home, '.m2', 'settings.xml'), 'utf8').catch(() => '');
  const told =
    /-Dmaven\.repo\.local=(\S+)/.exec(env['MAVEN_OPTS'] ?? '')?.[1] ??
    /<localRepository>\s*([^<$]+?)\s*<\/localRepository>/.exec(settings)?.[1];
  return {
    settings: [join(home, '.m2'), join(home, '.mavenrc'), '/etc/maven', '/etc/mavenrc', '/etc/gradle'],
    caches: [told ?? join(home, '.m2', 'repository'), env['GRADLE_USER_HOME'] ?? join(home, '.gradle')],
  };
}

const cacheHome = (env: Environment): string => env['XDG_CACHE_HOME'] || join(env['HOME'] ?? '/', '.cache');
