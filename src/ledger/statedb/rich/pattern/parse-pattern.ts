import { beyondBounds } from '../refusal.ts';
import { ANY_BYTE, NO_NEWLINE } from './byte-sets.ts';
import { parseClass } from './parse-class.ts';
import { parseEscape } from './parse-escape.ts';
import { GroupParser } from './parse-group.ts';
import { parseRepeats } from './parse-repeats.ts';
import { ParseState } from './parse-state.ts';
import type { PatternNode } from './pattern-node.ts';
import { PatternError } from './pattern-text.ts';

export interface ParsedPattern {
  readonly root: PatternNode;
  /** Capturing groups, the whole match not counted. */
  readonly groups: number;
  /** Every group, by its number. */
  readonly bodies: ReadonlyMap<number, PatternNode>;
}

/**
 * Reads a regular expression of PCRE 8 without UTF mode: every character of the text is one byte.
 * @throws {PatternError} for what does not compile there
 * @throws {SelvageError} `SIMULATION_FAILED` for what would compile there, and is not done here: control verbs, callouts and `\X`
 */
export function parsePattern(text: string): ParsedPattern {
  return new PatternParser(text).parse();
}

/** The grammar: a choice of sequences of atoms with their repeats. */
class PatternParser {
  readonly #state: ParseState;
  readonly #groups: GroupParser;

  constructor(text: string) {
    this.#state = new ParseState(text);
    this.#groups = new GroupParser(this.#state, { choice: () => this.#choice(), sequence: () => this.#sequence() });
  }

  parse(): ParsedPattern {
    const { text, groups } = this.#state;
    if (text.ahead(2) === '(*') throw beyondBounds('a regular expression with control verbs is not supported');
    const root = this.#choice();
    if (text.peek() !== undefined) throw new PatternError('unmatched )');
    return { root, groups: groups.last, bodies: groups.end(root) };
  }

  #choice(): PatternNode {
    const options: PatternNode[] = [];
    const outer = this.#state.flags;
    do options.push(this.#sequence());
    while (this.#state.text.take('|'));
    this.#state.flags = outer;
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const state = this.#state;
    const parts: PatternNode[] = [];
    for (;;) {
      state.skipExtended();
      const mark = state.text.peek();
      if (mark === undefined || mark === '|' || mark === ')') break;
      const quoted = this.#quoted();
      const last = quoted === undefined ? this.#atom() : quoted.pop();
      parts.push(...(quoted ?? []));
      if (last !== undefined) parts.push(parseRepeats(state, last));
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'sequence', parts };
  }

  /** `\Q..\E` as bytes. */
  #quoted(): PatternNode[] | undefined {
    const { text } = this.#state;
    if (text.take('\\E')) return [];
    if (!text.take('\\Q')) return undefined;
    return [...text.upTo('\\E')].map((mark) => this.#state.byte(mark.charCodeAt(0)));
  }

  /** One thing that may be repeated; undefined for what is none, like flags. */
  #atom(): PatternNode | undefined {
    const { text, flags } = this.#state;
    const mark = text.peek() ?? '';
    text.skip(1);
    switch (mark) {
      case '(':
        return this.#groups.group();
      case '[':
        return { kind: 'bytes', set: parseClass(text, flags.ignoreCase) };
      case '\\':
        return parseEscape(this.#state);
      case '.':
        return { kind: 'bytes', set: flags.dotAll ? ANY_BYTE : NO_NEWLINE };
      case '^':
        return { kind: 'assert', what: flags.multiline ? 'line start' : 'start' };
      case '$':
        return { kind: 'assert', what: flags.multiline ? 'line end' : 'end or last newline' };
      case '*':
      case '+':
      case '?':
        throw new PatternError('nothing to repeat');
      default:
        return this.#state.byte(mark.charCodeAt(0));
    }
  }
}
