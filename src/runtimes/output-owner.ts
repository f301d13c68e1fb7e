import type { OpenTransaction } from '../packages/launch-spec.ts';

/** How fabric-shim begins a line about a transaction: `[channel-1a2b3c4d]`, with the first eight digits of the id. */
const PREFIX = /\[([a-z][a-z0-9.-]*)-([0-9a-f]{8})\]/;

/**
 * Which transaction a line of output belongs to: the open one that the line itself names, or the only one that is open. Undefined
 * when nobody can tell, also for a line that names a transaction which is over.
 */
export function outputOwner(line: string, open: readonly OpenTransaction[]): OpenTransaction | undefined {
  const [, channelId, start = ''] = PREFIX.exec(line) ?? [];
  if (channelId !== undefined) return open.find((each) => each.channelId === channelId && each.txId.startsWith(start));
  return open.length === 1 ? open[0] : undefined;
}
