import { findTool } from '../../src/packages/platforms/tools.ts';

/** Which of these programs this machine lacks, as a reason to skip tests; undefined when it has them all. */
export async function without(...tools: readonly string[]): Promise<string | undefined> {
  for (const tool of tools) if ((await findTool(tool, process.env, ['/usr/local/go/bin'])) === undefined) return `no ${tool} here`;
  return undefined;
}
