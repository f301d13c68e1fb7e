import { explainAt, explainId } from '../../explain/explain.ts';
import { linesOf } from '../../explain/lines.ts';
import type { Looking } from '../../explain/look-back.ts';
import { Connections } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import { askedChannel } from './asked-channel.ts';
import type { ExplainFlags } from './explain-flags.ts';
import { jsonLine } from './json-line.ts';
import { looking } from './looking.ts';

const PLACE = /^(\d+):(\d+)$/;

/** Explains one transaction, by its id or by BLOCK:INDEX. */
export async function why(which: string, flags: ExplainFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const blocks = await askedChannel(flags, connections, terminal);
  const options: Looking = looking(flags.blocks, terminal);
  const [, block, index] = PLACE.exec(which) ?? [];
  const explanation =
    block === undefined
      ? await explainId(which, blocks, options)
      : await explainAt({ block: BigInt(block), index: Number(index) }, blocks, options);
  if (flags.json) terminal.out(jsonLine(explanation));
  else for (const line of linesOf(explanation)) terminal.out(line);
}
