/**
 * What is provoked for real, and where: P a whole peer and its client over gRPC, L the chaincode half of a peer behind a gRPC call
 * (where the environment or the machine has to be another), - it cannot happen there, . the same code as beside it.
 *
 * |                                          | Node | Go | Java | Docker | service | builder | dev mode |
 * | ---------------------------------------- | ---- | -- | ---- | ------ | ------- | ------- | -------- |
 * | registry not reached: closed port        | P    | L  | P    | P      | L       | -       | -        |
 * | registry not reached: unknown host       | P    | L  | .    | .      | L       | -       | -        |
 * | wrong registry: not there, login, page   | P    | L  | P    | P      | -       | -       | -        |
 * | package or version missing               | P    | P  | P    | P      | -       | -       | -        |
 * | checksum of a dependency differs         | P    | L  | .    | .      | -       | -       | -        |
 * | native module, no compiler               | L    | L  | -    | .      | -       | -       | -        |
 * | sources do not compile, syntax error     | P    | P  | P    | P      | -       | L       | -        |
 * | no start script, no or wrong main class  | P    | P  | P    | P      | -       | L       | -        |
 * | wrong architecture or version            | P    | L  | P    | L      | -       | -       | -        |
 * | ends before it registers: code           | P    | P  | P    | P      | L       | L       | -        |
 * | ends before it registers: signal         | P    | P  | .    | P      | -       | L       | -        |
 * | never registers                          | P    | .  | .    | L      | L       | L       | P        |
 * | registers under another name             | P    | P  | .    | P      | L       | L       | -        |
 * | TLS: other authority                     | P    | P  | .    | P      | L       | .       | -        |
 * | TLS: other or no client certificate      | P    | .  | .    | .      | L       | .       | -        |
 * | TLS: on one side only                    | P    | .  | .    | P      | L       | .       | -        |
 * | TLS: name, expiry                        | -    | -  | -    | -      | L       | -       | -        |
 * | engine absent, engine refuses            | -    | -  | -    | L      | -       | -       | -        |
 * | disk full: package, build, chaincode     | L    | .  | .    | L      | -       | L       | -        |
 * | out of memory                            | P, L | L  | L    | P      | -       | -       | -        |
 * | image missing                            | -    | -  | -    | L      | -       | -       | -        |
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { expect } from 'vitest';
import { type FailureCode, SelvageError } from '../../../src/common/errors.ts';
import type { LogFields, Logger } from '../../../src/common/log.ts';
import { scratchIn } from '../../journeys/faulty-chaincode.ts';

/** What one failure must look like, to the client and in the log. */
export interface Symptoms {
  readonly code: FailureCode;
  /** The cause in a sentence: all of it. */
  readonly reason: string | RegExp;
  /** What to do: a part of it. */
  readonly advice: string | RegExp;
  /** Among the last lines of output. */
  readonly output?: RegExp;
  readonly exitCode?: number;
  readonly signal?: string;
}

export interface LogRecord extends LogFields {
  readonly message: string;
}

/** Lines of output in an error, at most. */
const SHOWN = 20;

/** The client is told one text, fit for a terminal, with cause, output and advice; the log has the same facts as fields. */
export function expectSymptoms(told: string, records: readonly LogRecord[], symptoms: Symptoms): void {
  const { code, reason, advice, output, exitCode, signal } = symptoms;
  const failures = records.filter(({ message }) => message === 'chaincode launch failed' || message === 'chaincode build failed');
  expect(failures, told).toHaveLength(1);
  const [record] = failures;
  expect(record, told).toMatchObject({
    code,
    reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
    advice: expect.stringMatching(advice),
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
  });
  const lastOutput = String(record?.['lastOutput'] ?? '');
  if (output !== undefined) expect(lastOutput).toMatch(output);
  expect(lastOutput.split('\n').length).toBeLessThanOrEqual(SHOWN);
  for (const part of [record?.['reason'], record?.['advice'], lastOutput]) expect(told.toLowerCase()).toContain(String(part).toLowerCase()); // a cause may begin a sentence
  expect(told.split('\n').length).toBeLessThanOrEqual(SHOWN + 4);
  expect(told).not.toMatch(/[^\n\P{Cc}]/u);
  expect(told).not.toMatch(/characters\)$/); // nothing had to be cut to fit
}

/** No process, no folder and no half of a build that was begun for chaincode of this cache. */
export async function expectNothingLeft(cache: string, records: readonly LogRecord[]): Promise<void> {
  expect(await processesOf(cache)).toEqual([]);
  expect(await scratchIn(cache)).toEqual([]);
  const begun = records.filter(({ message }) => message === 'chaincode build started').map(({ build }) => String(build));
  const finished = records.filter(({ message }) => message === 'chaincode build finished').map(({ build }) => String(build));
  const kept = await readdir(`${cache}/builds`).catch((): string[] => []);
  expect(begun.filter((build) => !finished.includes(build) && kept.includes(build))).toEqual([]);
}

/** Processes that were started for chaincode of a cache, wherever they work now. */
async function processesOf(cache: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => processOf(cache, pid)));
  return found.filter((command) => command !== undefined);
}

async function processOf(cache: string, pid: string): Promise<string | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  if (!environment.includes('SELVAGE_PROCESS_TREE=')) return undefined;
  const at = await readlink(`/proc/${pid}/cwd`).catch(() => '');
  if (!at.startsWith(`${cache}/`) && !environment.includes(`${cache}/`)) return undefined;
  return (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).replaceAll('\0', ' ');
}

export const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no failure',
    (thrown: unknown) => SelvageError.from(thrown).message,
  );

export function recorder(records: LogRecord[], fields: LogFields = {}): Logger {
  const keep = (message: string, more: LogFields = {}): void => void records.push({ ...fields, ...more, message });
  return { debug: () => undefined, info: keep, warn: keep, error: keep, child: (more) => recorder(records, { ...fields, ...more }) };
}
