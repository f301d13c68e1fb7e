import { type FailureCode, SelvageError } from '../../common/errors.ts';
import type { BuildVerdict } from './platform.ts';
import { essence } from './verdict.ts';

export interface FailedBuild {
  readonly ccid: string;
  readonly verdict: BuildVerdict;
  /** All of it that was kept. */
  readonly output: readonly string[];
  readonly exitCode: number | null;
  readonly signal?: string | null;
  /** What else is worth a field of the log. */
  readonly more?: Readonly<Record<string, string | number>>;
}

/** The error of a build that failed: `text` with the lines that matter, and the same facts as details. */
export function buildFailure(
  text: (lines: string) => string,
  { ccid, verdict, output, exitCode, signal = null, more = {} }: FailedBuild,
): SelvageError {
  const { cause, advice } = exitCode === null || exitCode === 137 ? unlessKilled(verdict, output) : verdict;
  const lines = essence(output).join('\n');
  const ending = { ...(exitCode !== null && { exitCode }), ...(signal !== null && { signal }) };
  return new SelvageError(
    codeOf(cause),
    text(lines).replace(CAUSE, () => cause),
    {
      details: { ccid, ...more, ...ending, reason: cause, lastOutput: lines },
      advice,
    },
  );
}

/** Stands for the cause in the text of {@link buildFailure}. */
export const CAUSE = '{cause}';

const codeOf = (cause: string): FailureCode => (cause === 'the disk is full' ? 'DISK_FULL' : 'CHAINCODE_BUILD_FAILED');

/** A build that was killed had no time to say why, unless it said so before. */
const unlessKilled = (verdict: BuildVerdict, output: readonly string[]): BuildVerdict =>
  /the disk is full|out of memory/.test(verdict.cause) || output.some((line) => /error/i.test(line))
    ? verdict
    : {
        cause: 'the build was killed from outside, as the kernel does when memory runs out',
        advice: 'The kernel’s log (dmesg) tells whether it was that. Give the machine, or the container of the peer, more memory.',
      };
