import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

const PLACE = /(file:\/\/[^\s()]+?):(\d+):(\d+)/g;
/** From the bundle to the root of the checkout. */
const UPWARD = /^(?:\.\.\/)+/;

/**
 * A stack with the places in our sources, as far as the files that it names have source maps beside them: the command is bundled. The
 * maps are read when an unforeseen error is told, and not, as with `node --enable-source-maps`, whenever the command starts.
 */
export function originalStack(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replaceAll(PLACE, (place, url: string, line: string, column: string) => {
    const file = fileURLToPath(url);
    if (!maps.has(file)) maps.set(file, mapOf(file));
    const entry = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !('originalSource' in entry)) return place;
    return `${entry.originalSource.replace(UPWARD, '')}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function mapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  } catch {
    return undefined; // the places of the bundle say enough
  }
}
