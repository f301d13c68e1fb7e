import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import type { DevSource } from '../../node/dev/deployment.ts';
import { CHAINCODE_FILES } from '../../packages/platforms/platforms.ts';

/** One call that `selvage dev` makes to show that the chaincode works. `{n}` in an argument becomes the ledger's height. */
export interface TourStep {
  readonly kind: 'invoke' | 'query';
  readonly args: readonly string[];
}

/** What `selvage dev` was told to run. */
export type DevelopedChaincode = DevSource & {
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
  if (!holdsChaincode(folder))
    throw new SelvageError('SETTING_INVALID', `${folder} holds no chaincode: it has none of ${CHAINCODE_FILES.join(', ')}`, {
      advice: 'Name the folder where that file lies: selvage dev FOLDER.',
    });
  const file = join(folder, 'package.json');
  const manifest = existsSync(file) ? parsed(file) : {};
  const name = typeof manifest['name'] === 'string' ? manifest['name'] : basename(folder);
  return { folder, name: chaincodeName(name), tour: tourOf(manifest['selvage'], file) };
}

function parsed(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `${file} is no JSON`, { cause });
  }
  throw new SelvageError('SETTING_INVALID', `${file} holds no object`);
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
