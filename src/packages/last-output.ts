import { stripVTControlCharacters } from 'node:util';

/** Lines of output that an error shows. */
const SHOWN = 20;
/** What a program says first when it dies, before traces that may be long. */
const HEADLINE =
  /^(?:panic: |fatal error: |SIG[A-Z]+: |FATAL ERROR: |Exception in thread |Caused by: |(?:Uncaught )?(?:[A-Z]\w*)?Error(?: \[\w+\])?: )/;
/** What follows a headline says where: so many lines with it. */
const HEAD = 10;
/** A headline so many lines before the end has nothing to do with it. */
const STALE = 500;
/** Longest line that is shown whole. */
const MAX_LINE = 500;
/**
 * Of all lines together, as gRPC sends them: a status travels in headers, of which common clients take 8 KiB, and cause and
 * advice must fit beside.
 */
const MAX_SENT = 4_000;

/**
 * What of an output tells how it ended: its last lines, oldest first. The head of a longer trace that they are the end of takes the
 * place of the first of them.
 */
export function endOf(output: readonly string[]): readonly string[] {
  const end = output.slice(-SHOWN);
  if (end.some((line) => HEADLINE.test(line))) return end;
  const at = output.findLastIndex((line, index) => index >= output.length - STALE && HEADLINE.test(line));
  return at < 0 ? end : [...output.slice(at, at + HEAD), ...output.slice(-(SHOWN - HEAD))];
}

/** The end of an output, fit for a terminal and for an error: without colours and other control characters, and not too long. */
export function shownLines(output: readonly string[]): readonly string[] {
  const lines = endOf(output).map((line) => stripVTControlCharacters(line).replaceAll(/\p{Cc}/gu, ' '));
  const limit = fairShare(lines.map((line) => sentSize(line)));
  return lines.map((line) => shortened(line, limit));
}

/** For a text that tells how something ended. */
export function lastWords(output: readonly string[]): string {
  return output.length === 0 ? 'without output' : `its last output:\n${shownLines(output).join('\n')}`;
}

/** Bytes of a character in a gRPC status, which is percent-encoded. */
const sentBytes = (character: string): number => (/[ -$&-~]/.test(character) ? 1 : 3 * Buffer.byteLength(character));

const sentSize = (line: string): number => {
  let size = 0;
  for (const character of line) size += sentBytes(character);
  return size;
};

/** The size that lines may have so that all together fit: short ones leave their room to the long ones. */
function fairShare(sizes: readonly number[]): number {
  let left = MAX_SENT;
  let lines = sizes.length;
  for (const size of [...sizes].sort((a, b) => a - b)) {
    if (size * lines > left) return Math.floor(left / lines);
    left -= size;
    lines -= 1;
  }
  return MAX_SENT;
}

function shortened(line: string, maxSent: number): string {
  let size = 0;
  let kept = '';
  for (const character of line) {
    size += sentBytes(character);
    if (size > maxSent || kept.length >= MAX_LINE) return `${kept}…`;
    kept += character;
  }
  return line;
}
