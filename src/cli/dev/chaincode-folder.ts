import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import type { DevSource } from '../../node/dev/deployment.ts';
import { CHAINCODE_FILES, LANGUAGES } from '../../packages/platforms/platforms.ts';
import { readText } from '../read-file.ts';
import { listed } from './find-chaincodes.ts';

/** One call that `selvage dev` makes to show that the chaincode works. `{n}` in an argument becomes the ledger's height. */
export interface TourStep {
  readonly kind: 'invoke' | 'query';
  readonly args: readonly string[];
}

/** What `selvage dev` was told to run. */
export type DevelopedChaincode = DevSource & {
  /** What it is written in; undefined for a package. */
  readonly language?: string;
  /** Default name of the chaincode. */
  readonly name: string;
  /** Of a package: its output is kept under it. */
  readonly label?: string;
  readonly tour: readonly TourStep[];
};

/** Whether there is chaincode in a folder. */
export const holdsChaincode = (folder: string): boolean => CHAINCODE_FILES.some((name) => existsSync(join(folder, name)));

/**
 * A folder with chaincode. What its package.json says to Selvage under `selvage` counts in every language.
 * @throws {SelvageError} `SETTING_INVALID` when the folder holds no chaincode, or its `selvage` section is wrong
 */
export function readChaincodeFolder(path: string, cwd: string): DevelopedChaincode {
  const folder = resolve(cwd, path);
  if (!existsSync(folder))
    throw new SelvageError('SETTING_INVALID', `there is no folder ${folder}`, {
      advice: 'Name the folder of your chaincode, or a package: selvage dev FOLDER.',
    });
  if (!holdsChaincode(folder)) throw noChaincode(folder, cwd);
  const file = join(folder, 'package.json');
  const manifest = existsSync(file) ? parsed(file) : {};
  return { folder, language: languageOf(folder), name: nameIn(folder, manifest), tour: tourOf(manifest['selvage'], file) };
}

/** Names the chaincodes below the folder, if there are any. @param command that was to have it */
export function noChaincode(folder: string, cwd: string, command: 'dev' | 'deploy' = 'dev'): SelvageError {
  const below = listed(folder, cwd);
  const { line, more } = COMMANDS[command];
  if (below !== undefined)
    return new SelvageError('SETTING_INVALID', `${folder} holds no chaincode itself, but these folders do:\n${below}`, {
      advice: `Name the one that you want${more}`,
    });
  return new SelvageError('SETTING_INVALID', `${folder} holds no chaincode: it has none of ${CHAINCODE_FILES.join(', ')}`, {
    advice: `Name the folder where that file lies: ${line}.`,
  });
}

const COMMANDS = {
  dev: { line: 'selvage dev FOLDER', more: ', or several: selvage dev FOLDER. A network without any: selvage dev --empty.' },
  deploy: { line: 'selvage deploy FOLDER', more: ': selvage deploy FOLDER.' },
} as const;

function parsed(file: string): Record<string, unknown> {
  const text = readText(file).replace(/^\uFEFF/, '');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `${file} is no JSON`, { cause });
  }
  throw new SelvageError('SETTING_INVALID', `${file} holds no object`);
}

/** The name that chaincode in a folder has where nobody gives it another. @throws {SelvageError} `SETTING_INVALID` for a package.json that is none */
export function nameOfFolder(folder: string): string {
  const file = join(folder, 'package.json');
  return nameIn(folder, existsSync(file) ? parsed(file) : {});
}

/** As the peer decides it. */
const languageOf = (folder: string): string =>
  LANGUAGES.find(([, files]) => files.some((file) => existsSync(join(folder, file))))?.[0] ?? '';

/** The name that the sources have for others: of the module, of the npm package, or of the folder. */
function nameIn(folder: string, manifest: Readonly<Record<string, unknown>>): string {
  const module = join(folder, 'go.mod');
  if (existsSync(module)) return nameOfPath(/^\s*module\s+["`]?([^\s"`]+)/m.exec(readText(module))?.[1] ?? folder);
  return typeof manifest['name'] === 'string' ? chaincodeName(manifest['name']) : nameOfPath(folder);
}

/** Ends of paths that say what is there, not what it is for, and versions of Go modules. */
const SAYS_NOTHING =
  /^(v\d+|src|cmd|chaincode|contract|cc|((chaincode|contract|cc)[-_])?(go|golang|java|node|javascript|typescript|js|ts))$/i;

/** The last part that means something: of `…/asset-transfer-basic/chaincode-go` the one before. */
function nameOfPath(path: string): string {
  for (let at = path; basename(at) !== ''; at = dirname(at))
    if (!SAYS_NOTHING.test(basename(at)) && basename(at) !== '.') return chaincodeName(basename(at));
  return chaincodeName(basename(path));
}

/** npm's names may hold a scope and dots; chaincode names may not. */
export const chaincodeName = (name: string): string =>
  name
    .replace(/^@[^/]*\//, '')
    .replace(/[^a-zA-Z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'chaincode';

function tourOf(section: unknown, file: string): readonly TourStep[] {
  const tour = typeof section === 'object' && section !== null && 'tour' in section ? section.tour : [];
  const steps = Array.isArray(tour) ? tour.map(stepOf) : [undefined];
  if (steps.every((step) => step !== undefined)) return steps;
  throw new SelvageError('SETTING_INVALID', `selvage.tour in ${file} is no list of calls`, {
    advice: 'Write it like [{"invoke":["Function","argument"]},{"query":["Function"]}].',
  });
}

function stepOf(value: unknown): TourStep | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [[kind, args] = [], ...others] = Object.entries(value);
  const strings = Array.isArray(args) && args.every((arg) => typeof arg === 'string');
  return (kind === 'invoke' || kind === 'query') && strings && others.length === 0 ? { kind, args } : undefined;
}
