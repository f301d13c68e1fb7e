/** The `selvage` command: reads the command line, runs it, exits with its code. */
import { setMaxListeners } from 'node:events';
import { runCommandLine } from './run-command-line.ts';
import type { Terminal } from './terminal.ts';

const interrupted = new AbortController();
setMaxListeners(0, interrupted.signal); // every call that is under way listens, and there is no bound on their number
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort(new Error(signal)));
// Whoever read the output is gone, as with `| head`: the command ends as if it were interrupted, and tidies up.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interrupted.abort(new Error('nobody reads the output')));

const terminal: Terminal = {
  out: (line) => process.stdout.write(`${line}\n`),
  write: (bytes) => process.stdout.write(bytes),
  say: (line) => process.stderr.write(`${line}\n`),
  env: process.env,
  cwd: process.cwd(),
  signal: interrupted.signal,
  interactive: process.stdout.isTTY === true,
  columns: () => process.stdout.columns,
  colours: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
};

process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
