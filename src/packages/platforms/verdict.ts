import { stripVTControlCharacters } from 'node:util';
import { shownLines } from '../last-output.ts';
import type { BuildVerdict } from './platform.ts';
import { NO_MEMORY, NO_THREADS } from './scarcity.ts';

/** A pattern in the output of a tool, and what it means; the first that fits decides, so the more special come first. */
export interface Sign {
  readonly pattern: RegExp;
  /** `$1` becomes what the pattern caught, in whichever of its groups; where there is a `$2`, each is its own group's. */
  readonly cause: string;
  readonly advice: string;
}

/** So much of a line is looked at: what tools say of themselves is shorter, and patterns take their time on what is long. */
const LOOKED_AT = 500;

export function verdictOf(output: readonly string[], signs: readonly Sign[], otherwise: BuildVerdict): BuildVerdict {
  const text = output.map((line) => stripVTControlCharacters(line.slice(0, LOOKED_AT)).trimEnd()).join('\n');
  for (const { pattern, cause, advice } of signs) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const [first = '', second = ''] = cause.includes('$2') ? found.slice(1) : found.slice(1).filter((each) => each !== undefined);
    const told = cause.replaceAll(/\$[12]/g, (place) => briefly(place === '$1' ? first : second));
    return { cause: told.replace(/: $/, ''), advice };
  }
  return otherwise;
}

/** Longest piece of output inside a sentence. */
const MAX_CAUGHT = 160;

const briefly = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > MAX_CAUGHT ? `${line.slice(0, MAX_CAUGHT)}…` : line;
};

/**
 * What of the machine ran out. It comes before all else: a full disk or memory makes every tool complain about other things, too.
 * @param folders that a build writes to, in words
 */
export const scarcity = (folders: string): readonly Sign[] => [
  {
    pattern: /ENOSPC(?!: System limit)|no space left on device|disk quota exceeded|EDQUOT/i,
    cause: 'the disk is full',
    advice: `Make room in ${folders}.`,
  },
  {
    pattern: NO_THREADS,
    cause: 'the build could start no more threads or processes',
    advice: 'Let the machine, or the container of the peer, have more of them, and more memory, of which each takes some.',
  },
  {
    pattern: new RegExp(`${NO_MEMORY.source}|signal: killed|Killed signal terminated program`, 'i'),
    cause: 'the build ran out of memory',
    advice: 'Give the machine, or the container of the peer, more memory; chaincode that was built before is not built again.',
  },
];

/** Lines of an output that its error shows: npm's own verdict with what led to it, without the help text that may follow; else the end. */
export function essence(output: readonly string[]): readonly string[] {
  const lines = output.filter((line) => !CHATTER.test(line));
  const verdict = lines.findIndex((line) => /^npm (error|ERR!) code /.test(line));
  return shownLines(verdict < 0 ? lines : lines.slice(0, verdict + 12));
}

/** What tools say about themselves, and the traces of their own insides. */
const CHATTER =
  /^\s*$|^> \S+@\S+ \w+$|^npm (warn|WARN) |^npm (error|ERR!)\s*$|A complete log of this run can be found in|^npm (error|ERR!)\s+\S*_logs\/|^npm notice|^\s+at (?:java\.|jdk\.|sun\.|org\.gradle\.)|If you are behind a proxy, please make sure/;
