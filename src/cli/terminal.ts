import type { WatchedProcess } from './watched-process.ts';

/** What a command needs of the world: where it prints, what it was started with, when it should stop. */
export interface Terminal {
  /** Results: what a script may read. */
  readonly out: (line: string) => void;
  /** A result that is bytes, as they are. */
  readonly write: (bytes: Uint8Array) => void;
  /** Everything said to the person beside the result. */
  readonly say: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborts on Ctrl-C and on termination. */
  readonly signal: AbortSignal;
  /** Says more of what happens to the process, to commands that run nodes. */
  readonly process?: Pick<WatchedProcess, 'listen' | 'allow'>;
  readonly colours: boolean;
  /** Whether a person sees the output at once. */
  readonly interactive: boolean;
  /** How wide it is at the moment; absent or undefined when nobody knows. */
  readonly columns?: () => number | undefined;
  /** Where the log of what this command runs is, once there is one; told when something fails. */
  logFile?: string;
}
