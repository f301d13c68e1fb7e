/** Recorded rich queries: those of `test/vectors/`, or of the set that SELVAGE_FIXTURES names. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { vectorsFolder } from './vectors/unpack.ts';

const folder = join(resolve(process.env['SELVAGE_FIXTURES'] ?? vectorsFolder('queries')), 'rich-queries');

/** Whether there are any here; tests that need them are skipped otherwise. */
export const hasRecordedQueries: boolean = existsSync(join(folder, 'manifest.json'));

export const readQueryFixture = (path: string): string => readFileSync(join(folder, path), 'utf8');

/** The values of a file that has one a line, of the form that its README describes. None where there are no recordings. */
export function queryFixtureLines<T>(path: string): readonly T[] {
  if (!hasRecordedQueries) return [];
  return readQueryFixture(path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
