import { join } from 'node:path';
import { readOutput } from '../../chaincode/output/read-output.ts';
import type { DevNetwork } from '../../node/dev/dev-network.ts';
import type { Reporter } from './reporter.ts';

/** What Node prints when its inspector is open. */
const LISTENING = /Debugger listening on (ws:\/\/\S+)/;

/**
 * Tells where the inspector of each peer's chaincode listens, also of those that are started later. Disposing stops telling.
 * Addresses of launches that were before this one are not told: nobody listens there any more.
 */
export function tellInspectors({ folders, plan }: DevNetwork, chaincode: string, reporter: Reporter): AsyncDisposable {
  const over = new AbortController();
  const since = new Date().toISOString();
  const told = plan.peers.map(async ({ org, mspId }) => {
    const directory = join(folders.root, 'peers', org.toLowerCase(), 'chaincode-logs');
    for await (const { time, text } of readOutput(directory, chaincode, { follow: true, signal: over.signal })) {
      const address = LISTENING.exec(text)?.[1];
      if (address === undefined || time < since) continue;
      const host = new URL(address).host;
      reporter.fact('inspector', { mspId, address }, [`  inspector  ${mspId}  ${address}   (node inspect ${host}, or chrome://inspect)`]);
    }
  });
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.all(told);
    },
  };
}
