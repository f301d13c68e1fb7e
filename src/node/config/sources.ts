/** Where a peer's settings come from: core.yaml under FABRIC_CFG_PATH, overridden by CORE_ variables. */
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { fileReason } from '../../common/file-reason.ts';
import { goYaml, YamlProblem } from './go-yaml.ts';
import { ACTED_ON, covering, KNOWN_KEYS, NOT_ACTED_ON } from './known-keys.ts';

/** A tree of settings with lower-case keys, as viper has them. */
export interface RawSettings {
  readonly [key: string]: unknown;
}

export interface SettingSources {
  readonly raw: RawSettings;
  /** Folder of core.yaml: relative paths in it start here. */
  readonly folder: string;
  /** The folder that FABRIC_CFG_PATH names, if there is no core.yaml in it. */
  readonly absent: string | undefined;
  /** What neither Fabric nor Selvage knows: dotted paths as core.yaml writes them, and names of CORE_ variables. */
  readonly unknown: readonly string[];
  /** Settings that are Fabric's, are set, and change nothing here; whole sections by their name. */
  readonly ignored: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variable of a key: `peer.tls.enabled` is `CORE_PEER_TLS_ENABLED`. */
export const variableOf = (path: string): string => `CORE_${path.replaceAll('.', '_').toUpperCase()}`;

/**
 * Reads `core.yaml` (there need not be one) and the environment. As in viper, keys have no case, a variable beats the file, and
 * an empty variable counts as absent.
 *
 * @throws {SelvageError} `SETTING_INVALID` when FABRIC_CFG_PATH names no folder, and when core.yaml cannot be read or does not parse,
 *   with file, line and column
 * @see InitViper in hyperledger/fabric v2.5, core/config/config.go
 */
export function readSources(env: Environment): SettingSources {
  const named = env['FABRIC_CFG_PATH'] || undefined;
  if (named !== undefined) checkFolder(named);
  const folder = resolve(named ?? '/etc/hyperledger/fabric');
  const file = findFile(folder);
  const fromFile = file === undefined ? {} : parseYamlFile(file);
  const inFile = leaves(fromFile);
  const raw = lowerKeys(fromFile);
  const overridable = [...inFile, ...KNOWN_KEYS.filter((path) => !path.endsWith('.*'))];
  const overridden = overridable.filter((path) => (env[variableOf(path)] ?? '') !== '');
  for (const path of overridden) put(raw, path.toLowerCase().split('.'), env[variableOf(path)] ?? '');
  const set = [...inFile.filter((path) => settingAt(raw, path) !== undefined), ...overridden];
  return {
    raw,
    folder,
    absent: named !== undefined && file === undefined ? folder : undefined,
    unknown: [...inFile.filter((path) => !isKnown(path)), ...unknownVariables(env)],
    ignored: ignoredOf(set),
  };
}

function checkFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new SelvageError('SETTING_INVALID', `FABRIC_CFG_PATH ${path} does not exist`, {
    advice: 'It names the folder with core.yaml: correct it, or look whether a mount is missing.',
  });
}

/** The file's names in the order in which viper looks for them; JSON is YAML, too. A link that leads nowhere is no absent file. */
function findFile(folder: string): string | undefined {
  const names = ['core.json', 'core.yaml', 'core.yml'].map((name) => join(folder, name));
  return names.find((name) => lstatSync(name, { throwIfNoEntry: false }) !== undefined);
}

/** A path as core.yaml means it: relative to the file's folder. */
export const configPath = (folder: string, path: string): string => (isAbsolute(path) ? path : join(folder, path));

/** The text of a setting by its dotted path, in any case; undefined when it is absent, null or no single value. */
export function settingAt(raw: RawSettings, path: string): string | undefined {
  let value: unknown = raw;
  for (const key of path.toLowerCase().split('.')) value = isTree(value) ? value[key] : undefined;
  return value === undefined || value === null || isTree(value) ? undefined : String(value);
}

/** Parses YAML text into plain values, as Go does. @throws {SelvageError} `SETTING_INVALID` with line and column */
export function parseYaml(text: string, name: string): unknown {
  try {
    return goYaml(text);
  } catch (thrown) {
    if (!(thrown instanceof YamlProblem)) throw thrown;
    const { line, column, message } = thrown;
    const where = line === undefined ? name : `${name}:${line}:${column}`;
    throw new SelvageError('SETTING_INVALID', `${where}: ${message}`, { details: { file: name, ...(line !== undefined && { line }) } });
  }
}

function parseYamlFile(file: string): Tree {
  const value = parseYaml(readText(file), file) ?? {};
  if (isTree(value)) return value;
  throw new SelvageError('SETTING_INVALID', `${file} holds no settings: expected keys and values`, { details: { file } });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `cannot read ${file}: ${fileReason(file, cause)}`, {
      cause,
      details: { file },
      advice: 'Check who may read it, and where it leads if it is a link.',
    });
  }
}

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function lowerKeys(tree: Tree): Tree {
  const lowered = (value: unknown): unknown => (Array.isArray(value) ? value.map(lowered) : isTree(value) ? lowerKeys(value) : value);
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key.toLowerCase(), lowered(value)]));
}

/** Dotted paths of everything in a tree that has no keys below it. */
function leaves(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) && Object.keys(value).length > 0 ? leaves(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

function put(tree: Tree, [head, ...rest]: readonly string[], value: string): void {
  if (head === undefined) return;
  if (rest.length === 0) {
    tree[head] = value;
    return;
  }
  const child = tree[head];
  const next = isTree(child) ? child : {};
  tree[head] = next;
  put(next, rest, value);
}

/** A section that holds nothing is known by what it could hold. */
const isKnown = (path: string): boolean =>
  covering(path, KNOWN_KEYS) !== undefined || KNOWN_KEYS.some((key) => key.toLowerCase().startsWith(`${path.toLowerCase()}.`));

/** CORE_ variables that no key has. A variable's `_` may be any dot of a path, so open sections are compared as variables. */
function unknownVariables(env: Environment): string[] {
  const exact = new Set(KNOWN_KEYS.map(variableOf));
  const open = KNOWN_KEYS.filter((path) => path.endsWith('.*')).map((path) => variableOf(path.slice(0, -1)));
  const known = (name: string): boolean => exact.has(name) || open.some((start) => name.startsWith(start));
  return Object.keys(env).filter((name) => name.startsWith('CORE_') && !known(name));
}

function ignoredOf(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    if (covering(path, ACTED_ON) !== undefined) return [];
    return covering(path, NOT_ACTED_ON)?.replace(/\.\*$/, '') ?? [];
  });
  return [...new Set(found)].sort();
}
