/** Where a peer's settings come from: core.yaml under FABRIC_CFG_PATH, overridden by CORE_ variables. */
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { SelvageError } from '../../common/errors.ts';
import { KNOWN_KEYS } from './known-keys.ts';

/** A tree of settings with lower-case keys, as viper has them. */
export interface RawSettings {
  readonly [key: string]: unknown;
}

export interface SettingSources {
  readonly raw: RawSettings;
  /** Folder of core.yaml: relative paths in it start here. */
  readonly folder: string;
  /** Keys that neither Fabric nor Selvage knows, as dotted paths. */
  readonly unknown: readonly string[];
}

/** Environment variable of a key: `peer.tls.enabled` is `CORE_PEER_TLS_ENABLED`. */
export const variableOf = (path: string): string => `CORE_${path.replaceAll('.', '_').toUpperCase()}`;

/**
 * Reads `core.yaml` (there need not be one) and the environment.
 *
 * @throws {SelvageError} `SETTING_INVALID` when core.yaml does not parse, with file, line and column
 */
export function readSources(env: Readonly<Record<string, string | undefined>>): SettingSources {
  const folder = resolve(env['FABRIC_CFG_PATH'] ?? '/etc/hyperledger/fabric');
  const file = join(folder, 'core.yaml');
  const fromFile = existsSync(file) ? parseYamlFile(file) : {};
  const raw = lowerKeys(fromFile);
  const unknown = unknownKeys(raw);
  for (const path of KNOWN_KEYS) {
    const value = env[variableOf(path)];
    if (value !== undefined) put(raw, path.toLowerCase().split('.'), value);
  }
  return { raw, folder, unknown };
}

/** A path as core.yaml means it: relative to the file's folder. */
export const configPath = (folder: string, path: string): string => (isAbsolute(path) ? path : join(folder, path));

/** Parses YAML text into plain values. @throws {SelvageError} `SETTING_INVALID` with line and column */
export function parseYaml(text: string, name: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error === undefined) return document.toJS();
  const { line, col } = lines.linePos(error.pos[0]);
  throw new SelvageError('SETTING_INVALID', `${name}:${line}:${col}: ${error.message.split('\n')[0]}`, { details: { file: name, line } });
}

function parseYamlFile(file: string): unknown {
  return parseYaml(readFileSync(file, 'utf8'), file) ?? {};
}

type Tree = Record<string, unknown>;

function lowerKeys(value: unknown): Tree {
  const out: Tree = {};
  if (!isTree(value)) return out;
  for (const [key, child] of Object.entries(value)) out[key.toLowerCase()] = isTree(child) ? lowerKeys(child) : child;
  return out;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

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

const known = new Set(KNOWN_KEYS.map((path) => path.toLowerCase()));
const openEnded = KNOWN_KEYS.filter((path) => path.endsWith('.*')).map((path) => path.slice(0, -1).toLowerCase());

function unknownKeys(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    if (known.has(path) || openEnded.some((start) => `${path}.`.startsWith(start))) return [];
    return isTree(value) && Object.keys(value).length > 0 ? unknownKeys(value, `${path}.`) : [path];
  });
}
