import { type ParsedPattern, parsePattern } from './parse-pattern.ts';
import type { Assertion, ByteSet, PatternNode, RepeatMode } from './pattern-node.ts';
import { PatternError } from './pattern-text.ts';

/** One step of a pattern's program. */
export type Instruction =
  | { readonly op: 'set'; readonly set: ByteSet }
  | { readonly op: 'many'; readonly set: ByteSet; readonly min: number; readonly max: number; readonly mode: RepeatMode }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'reference'; readonly numbers: readonly number[]; readonly ignoreCase: boolean }
  /** Remembers a place of the text, or the height of the stack, in a slot. */
  | { readonly op: 'place'; readonly slot: number }
  | { readonly op: 'height'; readonly slot: number }
  /** Goes on only if the place has moved since it was remembered. */
  | { readonly op: 'moved'; readonly slot: number; otherwise: number }
  /** Forgets every alternative since the height was remembered; `place` is the slot with the place to return to. */
  | { readonly op: 'cut'; readonly height: number; readonly place: number | undefined }
  /** Forgets them and fails. */
  | { readonly op: 'refute'; readonly height: number }
  | { readonly op: 'back'; readonly bytes: number }
  | { readonly op: 'call'; to: number; readonly group: number }
  | { readonly op: 'return'; readonly group: number }
  | { readonly op: 'if set'; readonly numbers: readonly number[]; otherwise: number }
  | { readonly op: 'match' };

export interface PatternProgram {
  readonly code: readonly Instruction[];
  /** Numbers that a run keeps: ends of groups first, then places and heights. */
  readonly slots: number;
  /** Bytes that a match may begin with; undefined if it may be any, or none. */
  readonly first: ByteSet | undefined;
  /** It can only be found at the start. */
  readonly anchored: boolean;
}

/** As long as a compiled pattern may be in PCRE with links of two bytes, about; so no longer pattern compiles. */
const MAX_INSTRUCTIONS = 32_768;
/** Parts, each as often as its repeats ask for: what is no instruction, as an empty group is none, has a length in PCRE all the same. */
const MAX_NODES = 4 * MAX_INSTRUCTIONS;

const MAX_LENGTH = 65_536;
/**
 * A regular expression as CouchDB has it, or undefined if it does not compile there: PCRE 8 on the bytes of the UTF-8.
 * @throws {SelvageError} `SIMULATION_FAILED` for what compiles there and is not done here
 */
export function compilePattern(pattern: string): PatternProgram | undefined {
  if (pattern.length > MAX_LENGTH) return undefined;
  try {
    return new Compiler(parsePattern(Buffer.from(pattern, 'utf8').toString('latin1'))).program();
  } catch (thrown) {
    if (thrown instanceof PatternError) return undefined;
    throw thrown;
  }
}

class Compiler {
  readonly #parsed: ParsedPattern;
  readonly #code: Instruction[] = [];
  readonly #starts = new Map<number, number>();
  #slots: number;
  #nodes = 0;

  constructor(parsed: ParsedPattern) {
    this.#parsed = parsed;
    this.#slots = 2 * (parsed.groups + 1);
  }

  program(): PatternProgram {
    const { root } = this.#parsed;
    this.#starts.set(0, 0);
    this.#node(root);
    this.#put({ op: 'return', group: 0 });
    this.#put({ op: 'match' });
    for (const instruction of this.#code) {
      if (instruction.op === 'call') instruction.to = this.#starts.get(instruction.group) ?? 0;
    }
    return { code: this.#code, slots: this.#slots, first: firstBytes(root), anchored: isAnchored(root) };
  }

  #put<T extends Instruction>(instruction: T): T {
    if (this.#code.length >= MAX_INSTRUCTIONS) throw new PatternError('too large');
    this.#code.push(instruction);
    return instruction;
  }

  get #here(): number {
    return this.#code.length;
  }

  #slot(): number {
    this.#slots += 1;
    return this.#slots - 1;
  }

  #node(node: PatternNode): void {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw new PatternError('too large');
    switch (node.kind) {
      case 'bytes':
        this.#put({ op: 'set', set: node.set });
        return;
      case 'sequence':
        for (const part of node.parts) this.#node(part);
        return;
      case 'choice':
        this.#choice(node.options);
        return;
      case 'group':
        this.#group(node);
        return;
      case 'repeat':
        this.#repeat(node);
        return;
      case 'assert':
        this.#put({ op: 'assert', what: node.what });
        return;
      case 'look':
        this.#look(node);
        return;
      case 'atomic':
        this.#atomic(() => this.#node(node.body));
        return;
      case 'reference':
        this.#put({ op: 'reference', numbers: node.numbers, ignoreCase: node.ignoreCase });
        return;
      case 'call':
        // In PCRE 8 a call never gives back what it has taken.
        this.#atomic(() => this.#put({ op: 'call', to: 0, group: node.number }));
        return;
      case 'condition':
        this.#condition(node);
        return;
      case 'back':
        this.#put({ op: 'back', bytes: node.bytes });
    }
  }

  #choice(options: readonly PatternNode[]): void {
    const ends: { to: number }[] = [];
    for (const [at, option] of options.entries()) {
      if (at === options.length - 1) this.#node(option);
      else {
        const split = this.#put({ op: 'split', first: this.#here + 1, second: 0 });
        this.#node(option);
        ends.push(this.#put({ op: 'jump', to: 0 }));
        split.second = this.#here;
      }
    }
    for (const end of ends) end.to = this.#here;
  }

  #group({ number, body }: PatternNode & { kind: 'group' }): void {
    if (number === undefined) {
      this.#node(body);
      return;
    }
    if (!this.#starts.has(number)) this.#starts.set(number, this.#here);
    this.#put({ op: 'save', slot: 2 * number });
    this.#node(body);
    this.#put({ op: 'save', slot: 2 * number + 1 });
    this.#put({ op: 'return', group: number });
  }

  #repeat({ body, min, max, mode }: PatternNode & { kind: 'repeat' }): void {
    if (body.kind === 'bytes') {
      this.#put({ op: 'many', set: body.set, min, max, mode });
      return;
    }
    if (mode === 'possessive') {
      this.#atomic(() => this.#repeat({ kind: 'repeat', body, min, max, mode: 'greedy' }));
      return;
    }
    for (let time = 0; time < min; time += 1) this.#node(body);
    if (max === Number.POSITIVE_INFINITY) {
      this.#loop(body, mode);
      return;
    }
    const splits: { first: number; second: number }[] = [];
    for (let time = min; time < max; time += 1) {
      splits.push(this.#put({ op: 'split', first: this.#here + 1, second: 0 }));
      this.#node(body);
    }
    for (const split of splits) split.second = this.#here;
    if (mode === 'lazy') for (const split of splits) [split.first, split.second] = [split.second, split.first];
  }

  #loop(body: PatternNode, mode: RepeatMode): void {
    const slot = this.#slot();
    const split = this.#put({ op: 'split', first: this.#here + 1, second: 0 });
    const top = this.#here - 1;
    this.#put({ op: 'place', slot });
    this.#node(body);
    const moved = this.#put({ op: 'moved', slot, otherwise: 0 });
    this.#put({ op: 'jump', to: top });
    moved.otherwise = this.#here;
    split.second = this.#here;
    if (mode === 'lazy') [split.first, split.second] = [split.second, split.first];
  }

  #atomic(inside: () => void): void {
    const height = this.#slot();
    this.#put({ op: 'height', slot: height });
    inside();
    this.#put({ op: 'cut', height, place: undefined });
  }

  #look({ behind, negative, body }: PatternNode & { kind: 'look' }): void {
    const inside = (): void => {
      if (behind) this.#behind(body);
      else this.#node(body);
    };
    const height = this.#slot();
    if (negative) {
      this.#put({ op: 'height', slot: height });
      const split = this.#put({ op: 'split', first: this.#here + 1, second: 0 });
      inside();
      this.#put({ op: 'refute', height });
      split.second = this.#here;
      return;
    }
    const place = this.#slot();
    this.#put({ op: 'place', slot: place });
    this.#put({ op: 'height', slot: height });
    inside();
    this.#put({ op: 'cut', height, place });
  }

  /** Each branch has one length, which may differ from those of the others. */
  #behind(body: PatternNode): void {
    const options = body.kind === 'choice' ? body.options : [body];
    this.#choice(
      options.map((option) => {
        const bytes = lengthOf(option);
        if (bytes === undefined) throw new PatternError('a look behind of no fixed length');
        return { kind: 'sequence', parts: [{ kind: 'back', bytes }, option] };
      }),
    );
  }

  #condition({ test, yes, no }: PatternNode & { kind: 'condition' }): void {
    if (isNode(test)) {
      // (?(?=a)b|c) is (?:(?=a)b|(?!a)c): the test is not tried again once it held.
      const inverse: PatternNode = test.kind === 'look' ? { ...test, negative: !test.negative } : test;
      this.#choice([
        { kind: 'sequence', parts: [test, yes] },
        { kind: 'sequence', parts: [inverse, no] },
      ]);
      return;
    }
    const branch = this.#put({ op: 'if set', numbers: test, otherwise: 0 });
    this.#node(yes);
    const end = this.#put({ op: 'jump', to: 0 });
    branch.otherwise = this.#here;
    this.#node(no);
    end.to = this.#here;
  }
}

const isNode = (test: readonly number[] | PatternNode): test is PatternNode => !Array.isArray(test);

/** Bytes that a node takes, if it is always as many. */
function lengthOf(node: PatternNode): number | undefined {
  switch (node.kind) {
    case 'bytes':
      return 1;
    case 'sequence':
      return node.parts.reduce<number | undefined>((sum, part) => plus(sum, lengthOf(part)), 0);
    case 'choice': {
      const [first, ...others] = node.options.map(lengthOf);
      return others.every((length) => length === first) ? first : undefined;
    }
    case 'group':
    case 'atomic':
      return lengthOf(node.body);
    case 'repeat': {
      const length = lengthOf(node.body);
      return node.min === node.max && length !== undefined ? length * node.min : undefined;
    }
    case 'assert':
    case 'look':
      return 0;
    default:
      return undefined;
  }
}

const plus = (a: number | undefined, b: number | undefined): number | undefined => (a === undefined || b === undefined ? undefined : a + b);

/** What a match begins with: most documents are done with by this. */
function firstBytes(node: PatternNode): ByteSet | undefined {
  switch (node.kind) {
    case 'bytes':
      return node.set;
    case 'sequence': {
      const part = node.parts.find(({ kind }) => kind !== 'assert' && kind !== 'look');
      return part === undefined ? undefined : firstBytes(part);
    }
    case 'choice': {
      const sets = node.options.map(firstBytes);
      if (sets.some((set) => set === undefined)) return undefined;
      return Uint8Array.from({ length: 256 }, (_, byte) => (sets.some((set) => set?.[byte] === 1) ? 1 : 0));
    }
    case 'group':
    case 'atomic':
      return firstBytes(node.body);
    case 'repeat':
      return node.min > 0 ? firstBytes(node.body) : undefined;
    default:
      return undefined;
  }
}

function isAnchored(node: PatternNode): boolean {
  switch (node.kind) {
    case 'assert':
      return node.what === 'start';
    case 'sequence': {
      const [first] = node.parts;
      return first !== undefined && isAnchored(first);
    }
    case 'choice':
      return node.options.every(isAnchored);
    case 'group':
    case 'atomic':
      return isAnchored(node.body);
    default:
      return false;
  }
}
