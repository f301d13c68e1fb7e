import { has, otherCase, WORD } from './byte-sets.ts';
import type { Instruction, PatternProgram } from './compile-pattern.ts';
import type { Assertion } from './pattern-node.ts';

/** PCRE's own bound of the ways that it tries from one place on; Erlang takes more for no match. */
const MAX_TRIES = 10_000_000;
/** Numbers on the stack of alternatives: some tens of megabytes. PCRE's own bound is memory as well, and ends in no match too. */
const MAX_STACK = 4_000_000;
/** Numbers of the log, likewise: a pattern of thousands of groups may set them all in each round of a loop. */
const MAX_LOG = 2 * MAX_STACK;
const MAX_CALLS = 5_000;

/** A call of a group, and where it goes on afterwards. */
interface Call {
  readonly group: number;
  readonly back: number;
  readonly slots: readonly number[];
  readonly caller: Call | undefined;
  readonly depth: number;
}

/** What a pattern is looked for in: it may be left at any step and taken up again. */
export class PatternRun {
  readonly #program: PatternProgram;
  readonly #text: Uint8Array;
  readonly #slots: number[];
  readonly #maxTries: number;
  /** Alternatives, five numbers each: instruction, place, what remains of a `many`, length of the log. */
  readonly #stack: number[] = [];
  readonly #calls: (Call | undefined)[] = [];
  /** Slots and what they held before, to be put back. */
  readonly #log: number[] = [];
  #start = -1;
  #instruction = 0;
  #place = 0;
  #call: Call | undefined;
  #tries = 0;
  #running = false;
  /** Steps taken so far. */
  steps = 0;

  /** @param tries ways that are tried from one place on, at most */
  constructor(program: PatternProgram, text: Uint8Array, tries: number = MAX_TRIES) {
    this.#maxTries = tries;
    this.#program = program;
    this.#text = text;
    this.#slots = new Array<number>(program.slots).fill(-1);
  }

  /** Goes on for some steps: whether the pattern was found, undefined if nobody can say yet. */
  advance(steps: number): boolean | undefined {
    const until = this.steps + steps;
    for (;;) {
      if (!this.#running && !this.#begin()) return false;
      const outcome = this.#attempt(until);
      if (outcome !== 'failed') return outcome;
      this.#running = false;
      if (this.steps > until) return undefined;
    }
  }

  /** The next place where a match may begin. */
  #begin(): boolean {
    const { first, anchored } = this.#program;
    do {
      this.#start += 1;
      this.steps += 1;
      if (this.#start > this.#text.length || (anchored && this.#start > 0)) return false;
    } while (first !== undefined && !has(first, this.#text[this.#start] ?? -1));
    this.#slots.fill(-1);
    this.#stack.length = 0;
    this.#calls.length = 0;
    this.#log.length = 0;
    this.#instruction = 0;
    this.#place = this.#start;
    this.#call = undefined;
    this.#tries = 0;
    this.#running = true;
    return true;
  }

  #attempt(until: number): boolean | undefined | 'failed' {
    const { code } = this.#program;
    for (;;) {
      this.steps += 1;
      if (this.steps > until) return undefined;
      const instruction = code[this.#instruction];
      if (instruction === undefined || instruction.op === 'match') return true;
      if (this.#step(instruction)) continue;
      if (this.#full) return false;
      if (!this.#backtrack()) return 'failed';
    }
  }

  /** Whether it has tried or remembered as much as it may: then there is no match. */
  get #full(): boolean {
    return this.#tries > this.#maxTries || this.#stack.length > MAX_STACK || this.#log.length > MAX_LOG;
  }

  /** Whether it went on; else the last alternative is to be taken. */
  #step(instruction: Instruction): boolean {
    switch (instruction.op) {
      case 'set':
        if (!has(instruction.set, this.#text[this.#place] ?? -1)) return false;
        this.#place += 1;
        break;
      case 'many':
        return this.#many(instruction);
      case 'split':
        this.#push(instruction.second, this.#place, 0);
        this.#instruction = instruction.first;
        return !this.#full;
      case 'jump':
        this.#instruction = instruction.to;
        return true;
      case 'save':
      case 'place':
        this.#set(instruction.slot, this.#place);
        break;
      case 'height':
        this.#set(instruction.slot, this.#stack.length);
        break;
      case 'moved':
        if (this.#slots[instruction.slot] !== this.#place) break;
        this.#instruction = instruction.otherwise;
        return true;
      case 'cut':
        this.#cutTo(this.#slots[instruction.height] ?? 0);
        if (instruction.place !== undefined) this.#place = this.#slots[instruction.place] ?? 0;
        break;
      case 'refute':
        this.#cutTo(this.#slots[instruction.height] ?? 0);
        return false;
      case 'back':
        if (this.#place < instruction.bytes) return false;
        this.#place -= instruction.bytes;
        break;
      case 'assert':
        if (!this.#isAt(instruction.what)) return false;
        break;
      case 'reference':
        if (!this.#repeats(instruction)) return false;
        break;
      case 'call':
        return this.#enter(instruction);
      case 'return':
        return this.#leave(instruction.group);
      case 'if set':
        if (instruction.numbers.some((number) => (this.#slots[2 * number + 1] ?? -1) >= 0)) break;
        this.#instruction = instruction.otherwise;
        return true;
      case 'match':
        return true;
    }
    this.#instruction += 1;
    return true;
  }

  #many({ set, min, max, mode }: Instruction & { op: 'many' }): boolean {
    const from = this.#place;
    const most = max === Number.POSITIVE_INFINITY ? this.#text.length - from : Math.min(max, this.#text.length - from);
    const wanted = mode === 'lazy' ? min : most;
    let taken = 0;
    while (taken < wanted && has(set, this.#text[from + taken] ?? -1)) taken += 1;
    this.steps += taken >> 3;
    if (taken < min) return false;
    const next = this.#instruction + 1;
    if (mode === 'greedy' && taken > min) this.#push(next, from + taken - 1, taken - min);
    if (mode === 'lazy' && most > min) this.#push(next, from + min, min - most);
    this.#place = from + taken;
    this.#instruction = next;
    return true;
  }

  /** `rest` says how often a `many` can still give a byte back, or, below zero, take one more. */
  #push(instruction: number, place: number, rest: number): void {
    this.#tries += 1;
    this.#stack.push(instruction, place, rest, this.#log.length);
    this.#calls.push(this.#call);
  }

  #backtrack(): boolean {
    for (;;) {
      if (this.#stack.length === 0) return false;
      const top = this.#stack.length - 4;
      const instruction = this.#stack[top] ?? 0;
      const place = this.#stack[top + 1] ?? 0;
      const rest = this.#stack[top + 2] ?? 0;
      this.#unwind(this.#stack[top + 3] ?? 0);
      this.#call = this.#calls.at(-1);
      if (rest > 1) {
        this.#stack[top + 1] = place - 1;
        this.#stack[top + 2] = rest - 1;
        this.#tries += 1;
      } else if (rest < 0) {
        const many = this.#program.code[instruction - 1];
        if (many?.op !== 'many' || !has(many.set, this.#text[place] ?? -1)) {
          this.#drop(top);
          continue;
        }
        if (rest === -1) this.#drop(top);
        else {
          this.#stack[top + 1] = place + 1;
          this.#stack[top + 2] = rest + 1;
        }
        this.#tries += 1;
        this.#instruction = instruction;
        this.#place = place + 1;
        return true;
      } else this.#drop(top);
      this.#instruction = instruction;
      this.#place = place;
      return true;
    }
  }

  #drop(top: number): void {
    this.#stack.length = top;
    this.#calls.length = top / 4;
  }

  #cutTo(height: number): void {
    if (height < this.#stack.length) this.#drop(height);
  }

  #set(slot: number, value: number): void {
    this.#log.push(slot, this.#slots[slot] ?? -1);
    this.#slots[slot] = value;
  }

  #unwind(length: number): void {
    while (this.#log.length > length) {
      const before = this.#log.pop() ?? -1;
      this.#slots[this.#log.pop() ?? 0] = before;
    }
  }

  #enter({ to, group }: Instruction & { op: 'call' }): boolean {
    const depth = (this.#call?.depth ?? 0) + 1;
    this.#tries += 1;
    if (depth > MAX_CALLS || depth * this.#slots.length > MAX_STACK || this.#full) return false;
    this.#call = { group, back: this.#instruction + 1, slots: [...this.#slots], caller: this.#call, depth };
    this.#instruction = to;
    return true;
  }

  /** The end of a group that was called; what the call captured is forgotten. */
  #leave(group: number): boolean {
    const call = this.#call;
    if (call?.group === group) {
      for (const [slot, value] of call.slots.entries()) if (this.#slots[slot] !== value) this.#set(slot, value);
      this.#call = call.caller;
      this.#instruction = call.back;
      return !this.#full;
    }
    this.#instruction += 1;
    return true;
  }

  #repeats({ numbers, ignoreCase }: Instruction & { op: 'reference' }): boolean {
    const number = numbers.find((group) => (this.#slots[2 * group + 1] ?? -1) >= 0);
    if (number === undefined) return false;
    const from = this.#slots[2 * number] ?? 0;
    const length = (this.#slots[2 * number + 1] ?? 0) - from;
    this.steps += length >> 3;
    if (this.#place + length > this.#text.length) return false;
    for (let at = 0; at < length; at += 1) {
      const wanted = this.#text[from + at] ?? 0;
      const found = this.#text[this.#place + at] ?? 0;
      if (wanted !== found && !(ignoreCase && otherCase(wanted) === found)) return false;
    }
    this.#place += length;
    return true;
  }

  #isAt(what: Assertion): boolean {
    const { length } = this.#text;
    const place = this.#place;
    switch (what) {
      case 'start':
        return place === 0;
      case 'line start':
        return place === 0 || (place < length && this.#text[place - 1] === 0x0a);
      case 'end':
        return place === length;
      case 'line end':
        return place === length || this.#text[place] === 0x0a;
      case 'end or last newline':
        return place === length || (place === length - 1 && this.#text[place] === 0x0a);
      case 'word boundary':
        return this.#isWord(place - 1) !== this.#isWord(place);
      case 'no word boundary':
        return this.#isWord(place - 1) === this.#isWord(place);
    }
  }

  #isWord(place: number): boolean {
    return has(WORD, this.#text[place] ?? -1);
  }
}
