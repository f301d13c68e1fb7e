import { readOutput } from '../chaincode/output/read-output.ts';
import { buildProgressOf } from '../packages/build-progress.ts';
import { BuildReport } from './build-report.ts';
import { peerOf } from './chaincode/logs.ts';
import type { Terminal } from './terminal.ts';

/**
 * Does something that has a peer build a chaincode, and shows what the build prints meanwhile. It is read where the peer of this
 * machine keeps it; of a peer elsewhere nothing is shown.
 */
export async function withBuildOutput<T>(ccid: string, terminal: Terminal, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  using report = new BuildReport({ terminal, verbose: false, print: terminal.say });
  const told = tellBuild(ccid, terminal, report, over.signal).catch(() => undefined); // shown by the way: it must not fail the work
  try {
    return await work();
  } finally {
    over.abort();
    await told;
  }
}

async function tellBuild(ccid: string, terminal: Terminal, report: BuildReport, signal: AbortSignal): Promise<void> {
  const since = new Date().toISOString();
  for await (const record of readOutput(peerOf(terminal).directory, ccid, { follow: true, signal })) {
    const progress = record.time < since ? undefined : buildProgressOf(record);
    if (progress !== undefined) report.tell(progress);
  }
}
