/** The recorded Fabric networks that judge wire questions: those of `test/vectors/`, or the set that SELVAGE_FIXTURES names. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { vectorsFolder } from './vectors/unpack.ts';

const folder = resolve(process.env['SELVAGE_FIXTURES'] ?? vectorsFolder());

/** The fixtures' folder, or undefined where there is none: then tests that need it are skipped. */
export const fixtures: string | undefined = existsSync(join(folder, 'manifest.json')) ? folder : undefined;

/**
 * The same, if it is the set that the tests beside the code know by its steps and numbers. The conformance tests take any set of
 * the same form; the others are skipped with another one.
 */
export const developmentSet: string | undefined = setName() === 'dev' ? fixtures : undefined;

function setName(): unknown {
  if (fixtures === undefined) return undefined;
  return (JSON.parse(readFileSync(join(fixtures, 'manifest.json'), 'utf8')) as { set?: unknown }).set;
}

/** One entry of `manifest.json`; see the fixtures' README. */
export interface FixtureFile {
  readonly file: string;
  readonly kind: string;
  readonly network: 'v1.1' | 'v2.4';
  readonly proto?: string;
  readonly step?: string;
  readonly channel?: string;
  readonly txid?: string;
  readonly chaincode?: string;
  readonly headerType?: number;
  readonly validation?: readonly { readonly block: number; readonly index: number; readonly code: number; readonly name: string }[];
  readonly status?: number;
  readonly endorsed?: boolean;
  readonly validationCodes?: readonly {
    readonly txid: string;
    readonly headerType: number;
    readonly code: number;
    readonly name: string;
  }[];
  readonly headerHash?: string;
  readonly previousHash?: string;
  readonly dataHash?: string;
  readonly packageId?: string;
}

/** Bytes of a fixture, by its path in the manifest. Only call it where {@link fixtures} is defined. */
export const readFixture = (path: string): Buffer => readFileSync(join(folder, path));

export const readFixtureJson = (path: string): unknown => JSON.parse(readFixture(path).toString('utf8'));

/** Every recorded file. */
export const manifest = (): readonly FixtureFile[] => (readFixtureJson('manifest.json') as { files: FixtureFile[] }).files;

/** The steps of one network, in order, as recorded. */
export const steps = (network: 'v1.1' | 'v2.4'): readonly Record<string, unknown>[] =>
  readFixtureJson(`${network}/steps.json`) as Record<string, unknown>[];
