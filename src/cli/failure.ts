import { CommanderError } from 'commander';
import { SelvageError } from '../common/errors.ts';
import { originalStack } from './original-stack.ts';
import { refusalAdvice } from './refusal-advice.ts';
import { systemFailureOf } from './system-failure.ts';
import type { Terminal } from './terminal.ts';

/** What the process says by its exit code; listed in `selvage --help`. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/**
 * Says what failed in one sentence and what to do in one more; returns the exit code.
 * @param usage the exit code for a wrong command line or setting
 */
export function reportFailure(thrown: unknown, terminal: Terminal, usage: number = EXIT.usage): number {
  const { say, signal, logFile } = terminal;
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : usage;
  const { reason } = signal; // a failure where nobody waited for it, or that somebody wants the command to end
  if (signal.aborted && !(reason instanceof SelvageError)) return EXIT.interrupted;
  const error = SelvageError.from(signal.aborted ? reason : thrown);
  const system = error.code === 'INTERNAL' ? systemFailureOf(error.cause) : undefined;
  say(`Error: ${system?.sentence ?? sentenceOf(error)}`);
  const advice = system === undefined ? (error.advice ?? refusalAdvice(error, terminal) ?? ADVICE[error.code]) : system.advice;
  if (advice !== undefined && !error.message.includes(advice)) say(advice); // of failed launches the text has it, for clients
  if (logFile !== undefined) say(`Log: ${logFile}`);
  return error.code === 'SETTING_INVALID' ? usage : EXIT.failed;
}

/** An unforeseen error shows its cause: here the reader is the one who can do something about it. */
function sentenceOf(error: SelvageError): string {
  if (error.code !== 'INTERNAL' || !(error.cause instanceof Error)) return error.message;
  return `${error.message}: ${originalStack(error.cause.stack ?? error.cause.message)}`;
}

const ADVICE: Readonly<Partial<Record<SelvageError['code'], string>>> = {
  PEER_UNREACHABLE: 'Check that the node is still running; its log says why it does not answer.',
  DEADLINE_EXCEEDED: 'The other side is alive but slow: look at its log, or give it more time.',
  ACCESS_DENIED: 'Use an identity with the needed role: CORE_PEER_MSPCONFIGPATH names the folder of the identity in use.',
  INTERNAL: 'This is a defect of Selvage: please report it with the lines above.',
};
