import { beyondBounds } from '../refusal.ts';
import { checkName } from './group-numbers.ts';
import { callByName, callOf, referenceToName } from './group-references.ts';
import { parseCondition } from './parse-condition.ts';
import type { ParseState } from './parse-state.ts';
import { parseFlags } from './pattern-flags.ts';
import type { PatternNode } from './pattern-node.ts';
import { PatternError } from './pattern-text.ts';

/** Nesting of groups that PCRE goes along with. */
const MAX_DEPTH = 250;

/** Reads what groups have inside: any pattern. */
interface InsideParser {
  choice(): PatternNode;
  sequence(): PatternNode;
}

/** Reads everything that begins with `(`. */
export class GroupParser {
  readonly #state: ParseState;
  readonly #inside: InsideParser;
  #depth = 0;

  constructor(state: ParseState, inside: InsideParser) {
    this.#state = state;
    this.#inside = inside;
  }

  /**
   * Reads a group after its `(`; undefined for what is none, like flags.
   * @throws {PatternError} for what does not compile
   * @throws {SelvageError} `SIMULATION_FAILED` for control verbs, callouts and conditions on recursion
   */
  group(): PatternNode | undefined {
    const { text } = this.#state;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new PatternError('too deep');
    try {
      if (text.peek() === '*') throw beyondBounds('a regular expression with control verbs is not supported');
      return text.take('?') ? this.#special() : this.#capture(undefined);
    } finally {
      this.#depth -= 1;
    }
  }

  #capture(name: string | undefined): PatternNode {
    const { groups, flags } = this.#state;
    const number = groups.begin(name, flags.duplicateNames);
    const node: PatternNode = { kind: 'group', number, body: this.#closed() };
    groups.finish(number, node);
    return node;
  }

  #closed(): PatternNode {
    const body = this.#inside.choice();
    this.#close();
    return body;
  }

  #close(): void {
    if (!this.#state.text.take(')')) throw new PatternError('missing )');
  }

  /** What comes after `(?`. */
  #special(): PatternNode | undefined {
    const state = this.#state;
    const { text, groups } = state;
    if (text.take(':')) return { kind: 'group', number: undefined, body: this.#closed() };
    if (text.take('|')) return this.#branchReset();
    if (text.take('>')) return { kind: 'atomic', body: this.#closed() };
    if (text.take('=')) return { kind: 'look', behind: false, negative: false, body: this.#closed() };
    if (text.take('!')) return { kind: 'look', behind: false, negative: true, body: this.#closed() };
    if (text.take('<=')) return { kind: 'look', behind: true, negative: false, body: this.#closed() };
    if (text.take('<!')) return { kind: 'look', behind: true, negative: true, body: this.#closed() };
    if (text.take('#')) {
      text.until(')', 'missing ) after comment');
      return undefined;
    }
    if (text.take('C')) throw beyondBounds('a regular expression with callouts is not supported');
    if (text.take('(')) return parseCondition(state, () => this.#closed());
    if (text.take('P=')) return referenceToName(state, text.until(')'));
    if (text.take('P>') || text.take('&')) return callByName(state, text.until(')'));
    if (text.take('P<') || text.take('<')) return this.#capture(this.#newName('>'));
    if (text.take("'")) return this.#capture(this.#newName("'"));
    if (text.take('R')) return this.#callOfWhole();
    const call = text.takeMatch(/^([+-]?)(\d+)\)/, 16);
    if (call !== undefined) return callOf(state, groups.relative(call[1] ?? '', Number(call[2])));
    return this.#flagged();
  }

  #newName(end: string): string {
    const name = this.#state.text.until(end);
    checkName(name);
    return name;
  }

  #callOfWhole(): PatternNode {
    if (this.#state.text.until(')') !== '') throw new PatternError('a call by something that is no number');
    return callOf(this.#state, 0);
  }

  /** Groups have the same numbers in each branch. */
  #branchReset(): PatternNode {
    const state = this.#state;
    const { groups } = state;
    const first = groups.last;
    let most = first;
    const options: PatternNode[] = [];
    const outer = state.flags;
    do {
      groups.last = first;
      options.push(this.#inside.sequence());
      most = Math.max(most, groups.last);
    } while (state.text.take('|'));
    state.flags = outer;
    groups.last = most;
    this.#close();
    return { kind: 'group', number: undefined, body: { kind: 'choice', options } };
  }

  /** `(?i)` holds up to the end of the group around it, `(?i:..)` for its inside. */
  #flagged(): PatternNode | undefined {
    const outer = this.#state.flags;
    const { flags, end } = parseFlags(this.#state.text, outer);
    this.#state.flags = flags;
    if (end === ')') return undefined;
    const body = this.#closed();
    this.#state.flags = outer;
    return { kind: 'group', number: undefined, body };
  }
}
