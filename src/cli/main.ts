/** The `selvage` command: reads the command line, runs it, exits with its code. */
import { EXIT, reportFailure } from './failure.ts';
import { runCommandLine } from './run-command-line.ts';
import type { Terminal } from './terminal.ts';
import { WatchedProcess } from './watched-process.ts';

process.exitCode = EXIT.failed; // until it is known better
const watched = new WatchedProcess();
// Whoever read the output is gone, as with `| head`: the command ends as if it were interrupted, and tidies up.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => watched.end(new Error('nobody reads the output')));

const terminal: Terminal = {
  out: (line) => process.stdout.write(`${line}\n`),
  write: (bytes) => process.stdout.write(bytes),
  say: (line) => process.stderr.write(`${line}\n`),
  env: process.env,
  get cwd() {
    return process.cwd(); // fails where the folder is gone, of which only those hear who need one
  },
  signal: watched.signal,
  process: watched,
  interactive: process.stdout.isTTY === true,
  columns: () => process.stdout.columns,
  colours: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
};

/** What a finished command may still hold open, by mistake, before it ends all the same. */
const LINGER_MS = 5_000;

const code = await runCommandLine(process.argv.slice(2), terminal);
process.exitCode = code === 0 && watched.failure !== undefined ? reportFailure(watched.failure, terminal) : code;
setTimeout(() => process.exit(), LINGER_MS).unref();
