import { EXIT, reportFailure } from './failure.ts';
import { commandPath, readGoCommandLine } from './go-flags.ts';
import { buildProgram, isOfPeer } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line to its end, whatever that is; what went wrong is told. @returns the exit code */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = buildProgram(terminal);
  try {
    await program.parseAsync(readGoCommandLine(program, argv), { from: 'user' });
    return EXIT.ok;
  } catch (thrown) {
    return reportFailure(thrown, terminal, isOfPeer(commandPath(program, argv)) ? EXIT.failed : EXIT.usage);
  }
}
