import { readOutput } from '../chaincode/output/read-output.ts';
import { buildProgressOf } from '../packages/build-progress.ts';
import { BuildReport } from './build-report.ts';
import { peerOf } from './chaincode/logs.ts';
import type { Terminal } from './terminal.ts';

/**
 * Does something that has peers build a chaincode, and shows what the builds print meanwhile. It is read where peers of this machine
 * keep it; of a peer elsewhere nothing is shown.
 *
 * @param directories where those peers keep output of chaincode; that of the environment's peer where there is nothing to say
 */
export async function withBuildOutput<T>(
  ccid: string,
  terminal: Terminal,
  work: () => Promise<T>,
  directories: readonly string[] = [peerOf(terminal).directory],
): Promise<T> {
  const over = new AbortController();
  using report = new BuildReport({ terminal, verbose: false, print: terminal.say });
  // Shown by the way: it must not fail the work.
  const told = Promise.allSettled([...new Set(directories)].map((each) => tellBuild(ccid, each, report, over.signal)));
  try {
    return await work();
  } finally {
    over.abort();
    await told;
  }
}

async function tellBuild(ccid: string, directory: string, report: BuildReport, signal: AbortSignal): Promise<void> {
  const since = new Date().toISOString();
  for await (const record of readOutput(directory, ccid, { follow: true, signal })) {
    const progress = record.time < since ? undefined : buildProgressOf(record);
    if (progress !== undefined) report.tell(progress);
  }
}
