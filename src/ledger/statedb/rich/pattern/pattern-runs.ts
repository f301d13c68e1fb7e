import { compilePattern, type PatternProgram } from './compile-pattern.ts';
import { PatternRun } from './pattern-run.ts';

/** Steps that all patterns together may take before the event loop has its turn: a few milliseconds. */
const STEPS_IN_A_TURN = 30_000;
/** All steps for one document: PCRE's bound of tries ends most patterns long before, but there may be many. */
const STEPS_FOR_A_DOCUMENT = 500_000_000;
/** A result that was cheaper is not worth keeping. */
const CHEAP = 256;

/** A pattern needs another turn of the event loop; then the document is judged again, with what is known by then. */
export class Suspended extends Error {}

/**
 * The regular expressions of one query on one document at a time. They take as many steps as PCRE would let them, but not at a
 * stretch: {@link found} throws {@link Suspended}, and whoever drives the query calls {@link advance} once in each turn until it says
 * that the document can be judged again.
 */
export class PatternRuns {
  #left = STEPS_IN_A_TURN;
  #total = 0;
  #known = new Map<string, Map<string, boolean>>();
  #open: { readonly pattern: string; readonly text: string; readonly run: PatternRun } | undefined;
  readonly #tooMany: () => Error;
  readonly #programs = new Map<string, PatternProgram | undefined>();
  /** Many patterns look at one text. */
  #text = '';
  #bytes: Uint8Array = new Uint8Array(0);

  /** @param tooMany the refusal of what takes too many steps for one document */
  constructor(tooMany: () => Error) {
    this.#tooMany = tooMany;
  }

  /** Forgets what was found in the document before. */
  nextDocument(): void {
    if (this.#known.size > 0) this.#known = new Map();
    this.#left = STEPS_IN_A_TURN;
    this.#total = 0;
    this.#open = undefined;
  }

  /** Whether a pattern that compiles is found in a text. @throws {Suspended} */
  found(pattern: string, text: string): boolean {
    const known = this.#known.get(pattern)?.get(text);
    if (known !== undefined) return known;
    const program = this.#program(pattern);
    if (program === undefined) return false;
    if (this.#text !== text) {
      this.#text = text;
      this.#bytes = Buffer.from(text, 'utf8');
      this.#left -= text.length >> 6;
    }
    const run = new PatternRun(program, this.#bytes);
    this.#open = { pattern, text, run };
    const found = this.#run(this.#left);
    if (found === undefined) throw new Suspended();
    return found;
  }

  #program(pattern: string): PatternProgram | undefined {
    if (!this.#programs.has(pattern)) this.#programs.set(pattern, compilePattern(pattern));
    return this.#programs.get(pattern);
  }

  /** Whether the document can be judged again. */
  advance(): boolean {
    this.#left = STEPS_IN_A_TURN;
    return this.#run(this.#left) !== undefined;
  }

  #run(steps: number): boolean | undefined {
    if (this.#open === undefined) return true;
    const { pattern, text, run } = this.#open;
    const before = run.steps;
    const found = run.advance(Math.max(1, steps));
    this.#left -= run.steps - before;
    this.#total += run.steps - before;
    if (this.#total > STEPS_FOR_A_DOCUMENT) throw this.#tooMany();
    if (found === undefined) return undefined;
    this.#open = undefined;
    if (run.steps > CHEAP || this.#total > STEPS_IN_A_TURN / 2) this.#keep(pattern, text, found);
    return found;
  }

  #keep(pattern: string, text: string, found: boolean): void {
    const texts = this.#known.get(pattern) ?? new Map<string, boolean>();
    texts.set(text, found);
    this.#known.set(pattern, texts);
  }
}
