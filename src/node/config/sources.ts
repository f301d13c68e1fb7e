/** Where a peer's settings come from: core.yaml under FABRIC_CFG_PATH, overridden by CORE_ variables. */
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { SelvageError } from '../../common/errors.ts';
import { ACTED_ON, covering, KNOWN_KEYS, NOT_ACTED_ON } from './known-keys.ts';

/** A tree of settings with lower-case keys, as viper has them. */
export interface RawSettings {
  readonly [key: string]: unknown;
}

export interface SettingSources {
  readonly raw: RawSettings;
  /** Folder of core.yaml: relative paths in it start here. */
  readonly folder: string;
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
 * @throws {SelvageError} `SETTING_INVALID` when core.yaml does not parse, with file, line and column
 */
export function readSources(env: Environment): SettingSources {
  const folder = resolve(env['FABRIC_CFG_PATH'] ?? '/etc/hyperledger/fabric');
  const file = join(folder, 'core.yaml');
  const fromFile = existsSync(file) ? parseYamlFile(file) : {};
  const inFile = leaves(fromFile);
  const raw = lowerKeys(fromFile);
  const overridable = [...inFile, ...KNOWN_KEYS.filter((path) => !path.endsWith('.*'))];
  const overridden = overridable.filter((path) => (env[variableOf(path)] ?? '') !== '');
  for (const path of overridden) put(raw, path.toLowerCase().split('.'), env[variableOf(path)] ?? '');
  const set = [...inFile.filter((path) => settingAt(raw, path) !== undefined), ...overridden];
  return {
    raw,
    folder,
    unknown: [...inFile.filter((path) => !isKnown(path)), ...unknownVariables(env)],
    ignored: ignoredOf(set),
  };
}

/** A path as core.yaml means it: relative to the file's folder. */
export const configPath = (folder: string, path: string): string => (isAbsolute(path) ? path : join(folder, path));

/** The text of a setting by its dotted path, in any case; undefined when it is absent, null or no single value. */
export function settingAt(raw: RawSettings, path: string): string | undefined {
  let value: unknown = raw;
  for (const key of path.toLowerCase().split('.')) value = isTree(value) ? value[key] : undefined;
  return value === undefined || value === null || isTree(value) ? undefined : String(value);
}

/** Parses YAML text into plain values. @throws {SelvageError} `SETTING_INVALID` with line and column */
export function parseYaml(text: string, name: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error === undefined) return document.toJS();
  const { line, col } = lines.linePos(error.pos[0]);
  throw new SelvageError('SETTING_INVALID', `${name}:${line}:${col}: ${error.message.split('\n')[0]}`, { details: { file: name, line } });
}

function parseYamlFile(file: string): Tree {
  const value = parseYaml(readFileSync(file, 'utf8'), file) ?? {};
  if (isTree(value)) return value;
  throw new SelvageError('SETTING_INVALID', `${file} holds no settings: expected keys and values`, { details: { file } });
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
