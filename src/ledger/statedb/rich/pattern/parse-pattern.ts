import { beyondBounds } from '../refusal.ts';
import {
  ANY_BYTE,
  bytesThat,
  bytesWithProperty,
  ESCAPED_SETS,
  has,
  inverse,
  NO_NEWLINE,
  otherCase,
  POSIX_CLASSES,
  single,
} from './byte-sets.ts';
import { type ByteSet, NOTHING, type PatternNode, type RepeatMode } from './pattern-node.ts';

/** A regular expression that does not compile. */
export class PatternError extends Error {}

export interface ParsedPattern {
  readonly root: PatternNode;
  /** Capturing groups, the whole match not counted. */
  readonly groups: number;
  /** Every group, by its number. */
  readonly bodies: ReadonlyMap<number, PatternNode>;
}

/** Nesting of groups that PCRE goes along with. */
const MAX_DEPTH = 250;
const MAX_REPEAT = 65_535;

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
  readonly ungreedy: boolean;
  readonly duplicateNames: boolean;
}

const NO_FLAGS: Flags = {
  ignoreCase: false,
  multiline: false,
  dotAll: false,
  extended: false,
  ungreedy: false,
  duplicateNames: false,
};
const FLAG_LETTERS = new Map<string, keyof Flags>([
  ['i', 'ignoreCase'],
  ['m', 'multiline'],
  ['s', 'dotAll'],
  ['x', 'extended'],
  ['U', 'ungreedy'],
  ['J', 'duplicateNames'],
]);

/**
 * Reads a regular expression of PCRE 8 without UTF mode: every character of the text is one byte.
 * @throws {PatternError} for what does not compile there
 * @throws {SelvageError} `SIMULATION_FAILED` for what would compile there, and is not done here: control verbs, callouts and `\X`
 */
export function parsePattern(text: string): ParsedPattern {
  return new PatternParser(text).parse();
}

class PatternParser {
  readonly #text: string;
  #at = 0;
  #groups = 0;
  #flags = NO_FLAGS;
  #depth = 0;
  readonly #names = new Map<string, number[]>();
  readonly #bodies = new Map<number, PatternNode>();
  readonly #total: number;

  constructor(text: string) {
    this.#text = text;
    this.#total = countGroups(text);
  }

  parse(): ParsedPattern {
    if (this.#text.startsWith('(*')) throw beyondBounds('a regular expression with control verbs is not supported');
    const root = this.#choice();
    if (this.#at < this.#text.length) throw new PatternError('unmatched )');
    for (const check of this.#later) check();
    this.#bodies.set(0, root);
    return { root, groups: this.#groups, bodies: this.#bodies };
  }

  readonly #later: (() => void)[] = [];

  #choice(): PatternNode {
    const options: PatternNode[] = [];
    const outer = this.#flags;
    do options.push(this.#sequence());
    while (this.#take('|'));
    this.#flags = outer;
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (;;) {
      this.#skipExtended();
      const mark = this.#peek();
      if (mark === undefined || mark === '|' || mark === ')') break;
      const quoted = this.#quoted();
      if (quoted !== undefined) {
        const last = quoted.pop();
        parts.push(...quoted);
        if (last !== undefined) parts.push(this.#repeated(last));
        continue;
      }
      const atom = this.#atom();
      if (atom !== undefined) parts.push(this.#repeated(atom));
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'sequence', parts };
  }

  /** `\Q..\E` as bytes. */
  #quoted(): PatternNode[] | undefined {
    if (this.#take('\\E')) return [];
    if (!this.#take('\\Q')) return undefined;
    const end = this.#text.indexOf('\\E', this.#at);
    const upTo = end < 0 ? this.#text.length : end;
    const bytes = [...this.#text.slice(this.#at, upTo)].map((mark) => this.#byte(mark.charCodeAt(0)));
    this.#at = end < 0 ? upTo : end + 2;
    return bytes;
  }

  #skipExtended(): void {
    if (!this.#flags.extended) return;
    for (;;) {
      const mark = this.#peek();
      if (mark === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.#text.length : end + 1;
      } else if (mark !== undefined && /[\t-\r ]/.test(mark)) this.#at += 1;
      else return;
    }
  }

  /** One thing that may be repeated; undefined for what is none, like flags. */
  #atom(): PatternNode | undefined {
    const mark = this.#text[this.#at] ?? '';
    this.#at += 1;
    switch (mark) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '\\':
        return this.#escape();
      case '.':
        return { kind: 'bytes', set: this.#flags.dotAll ? ANY_BYTE : NO_NEWLINE };
      case '^':
        return { kind: 'assert', what: this.#flags.multiline ? 'line start' : 'start' };
      case '$':
        return { kind: 'assert', what: this.#flags.multiline ? 'line end' : 'end or last newline' };
      case '*':
      case '+':
      case '?':
        throw new PatternError('nothing to repeat');
      default:
        return this.#byte(mark.charCodeAt(0));
    }
  }

  #byte(byte: number): PatternNode {
    const other = this.#flags.ignoreCase ? otherCase(byte) : byte;
    return { kind: 'bytes', set: other === byte ? single(byte) : bytesThat((one) => one === byte || one === other) };
  }

  #repeated(atom: PatternNode): PatternNode {
    let node = atom;
    for (;;) {
      this.#skipExtended();
      const bounds = this.#bounds();
      if (bounds === undefined) return node;
      const [min, max] = bounds;
      const mode: RepeatMode = this.#take('+') ? 'possessive' : this.#take('?') !== this.#flags.ungreedy ? 'lazy' : 'greedy';
      // An assertion without an inside is repeated in vain.
      node = { kind: 'repeat', body: node, min, max, mode };
    }
  }

  #bounds(): readonly [min: number, max: number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const found = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 16));
    if (found === null) return undefined;
    this.#at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT) || max < min) throw new PatternError('bad repeat');
    return [min, max];
  }

  #group(): PatternNode | undefined {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new PatternError('too deep');
    try {
      if (this.#peek() === '*') throw beyondBounds('a regular expression with control verbs is not supported');
      return this.#take('?') ? this.#special() : this.#capture(undefined);
    } finally {
      this.#depth -= 1;
    }
  }

  #capture(name: string | undefined): PatternNode {
    this.#groups += 1;
    const number = this.#groups;
    if (name !== undefined) {
      const numbers = this.#names.get(name);
      if (numbers !== undefined && !this.#flags.duplicateNames) throw new PatternError('two groups with one name');
      this.#names.set(name, [...(numbers ?? []), number]);
    }
    const node: PatternNode = { kind: 'group', number, body: this.#closed() };
    this.#bodies.set(number, node);
    return node;
  }

  #closed(): PatternNode {
    const body = this.#choice();
    if (!this.#take(')')) throw new PatternError('missing )');
    return body;
  }

  /** What comes after `(?`. */
  #special(): PatternNode | undefined {
    if (this.#take(':')) return { kind: 'group', number: undefined, body: this.#closed() };
    if (this.#take('|')) return this.#branchReset();
    if (this.#take('>')) return { kind: 'atomic', body: this.#closed() };
    if (this.#take('=')) return { kind: 'look', behind: false, negative: false, body: this.#closed() };
    if (this.#take('!')) return { kind: 'look', behind: false, negative: true, body: this.#closed() };
    if (this.#take('<=')) return { kind: 'look', behind: true, negative: false, body: this.#closed() };
    if (this.#take('<!')) return { kind: 'look', behind: true, negative: true, body: this.#closed() };
    if (this.#take('#')) {
      const end = this.#text.indexOf(')', this.#at);
      if (end < 0) throw new PatternError('missing ) after comment');
      this.#at = end + 1;
      return undefined;
    }
    if (this.#take('C')) throw beyondBounds('a regular expression with callouts is not supported');
    if (this.#take('(')) return this.#condition();
    if (this.#take('P=')) return this.#named(this.#until(')'));
    if (this.#take('P>') || this.#take('&')) return this.#calledByName(this.#until(')'));
    if (this.#take('P<') || this.#take('<')) return this.#capture(this.#newName('>'));
    if (this.#take("'")) return this.#capture(this.#newName("'"));
    if (this.#take('R')) return this.#called(this.#until(')'), 0);
    const call = /^([+-]?)(\d+)\)/.exec(this.#text.slice(this.#at, this.#at + 16));
    if (call !== null) {
      this.#at += call[0].length;
      return this.#called('', this.#relative(call[1] ?? '', Number(call[2])));
    }
    return this.#flagged();
  }

  /** A number of a group, counted from here where it has a sign. */
  #relative(sign: string, number: number): number {
    if (sign === '') return number;
    if (number === 0) throw new PatternError('a relative number is 0');
    return sign === '-' ? this.#groups + 1 - number : this.#groups + number;
  }

  #called(rest: string, number: number): PatternNode {
    if (rest !== '') throw new PatternError('a call by something that is no number');
    if (number < 0 || number > this.#total) throw new PatternError('a call of a group that is not there');
    return { kind: 'call', number };
  }

  #calledByName(name: string): PatternNode {
    const numbers = this.#numbersLater(name);
    return {
      kind: 'call',
      get number() {
        return numbers()[0] ?? 0;
      },
    };
  }

  #named(name: string): PatternNode {
    const numbers = this.#numbersLater(name);
    return {
      kind: 'reference',
      ignoreCase: this.#flags.ignoreCase,
      get numbers() {
        return numbers();
      },
    };
  }

  /** Names may be defined after they are used. */
  #numbersLater(name: string): () => readonly number[] {
    if (!NAME.test(name)) throw new PatternError('a bad name of a group');
    this.#later.push(() => {
      if (!this.#names.has(name)) throw new PatternError('a name that no group has');
    });
    return () => this.#names.get(name) ?? [];
  }

  #newName(end: string): string {
    const name = this.#until(end);
    if (!NAME.test(name)) throw new PatternError('a bad name of a group');
    return name;
  }

  #until(end: string): string {
    const to = this.#text.indexOf(end, this.#at);
    if (to < 0) throw new PatternError(`missing ${end}`);
    const text = this.#text.slice(this.#at, to);
    this.#at = to + end.length;
    return text;
  }

  /** Groups have the same numbers in each branch. */
  #branchReset(): PatternNode {
    const first = this.#groups;
    let most = first;
    const options: PatternNode[] = [];
    const outer = this.#flags;
    do {
      this.#groups = first;
      options.push(this.#sequence());
      most = Math.max(most, this.#groups);
    } while (this.#take('|'));
    this.#flags = outer;
    this.#groups = most;
    if (!this.#take(')')) throw new PatternError('missing )');
    return { kind: 'group', number: undefined, body: { kind: 'choice', options } };
  }

  #condition(): PatternNode {
    const test = this.#test();
    const body = this.#closed();
    const [yes, no, ...more] = body.kind === 'choice' ? body.options : [body];
    if (more.length > 0) throw new PatternError('a condition with more than two branches');
    if (test === 'DEFINE') {
      if (no !== undefined) throw new PatternError('DEFINE with two branches');
      return NOTHING;
    }
    return { kind: 'condition', test, yes: yes ?? NOTHING, no: no ?? NOTHING };
  }

  #test(): readonly number[] | PatternNode | 'DEFINE' {
    const look = /^\?(=|!|<=|<!)/.exec(this.#text.slice(this.#at, this.#at + 3));
    if (look !== null) {
      this.#at += look[0].length;
      const kind = look[1] ?? '';
      return { kind: 'look', behind: kind.startsWith('<'), negative: kind.endsWith('!'), body: this.#closed() };
    }
    const test = this.#until(')');
    if (test === 'DEFINE') return test;
    const number = /^([+-]?)(\d+)$/.exec(test);
    if (number !== null) {
      const group = this.#relative(number[1] ?? '', Number(number[2]));
      if (group < 1 || group > this.#total) throw new PatternError('a condition on a group that is not there');
      return [group];
    }
    if (/^R/.test(test)) throw beyondBounds('a regular expression with conditions on recursion is not supported');
    const name = /^(?:<(.*)>|'(.*)'|(.*))$/.exec(test);
    const numbers = this.#numbersLater(name?.[1] ?? name?.[2] ?? name?.[3] ?? '');
    const list: number[] = [];
    this.#later.push(() => list.push(...numbers()));
    return list;
  }

  /** `(?i)` holds up to the end of the group around it, `(?i:..)` for its inside. */
  #flagged(): PatternNode | undefined {
    const found = /^([imsxUJ]*)(-[imsxUJ]*)?([:)])/.exec(this.#text.slice(this.#at, this.#at + 32));
    if (found === null) throw new PatternError('unknown (?');
    this.#at += found[0].length;
    const flags = { ...this.#flags };
    for (const letter of found[1] ?? '') flags[FLAG_LETTERS.get(letter) ?? 'ignoreCase'] = true;
    for (const letter of (found[2] ?? '').slice(1)) flags[FLAG_LETTERS.get(letter) ?? 'ignoreCase'] = false;
    const outer = this.#flags;
    this.#flags = flags;
    if (found[3] === ')') return undefined;
    const body = this.#closed();
    this.#flags = outer;
    return { kind: 'group', number: undefined, body };
  }

  #escape(): PatternNode {
    const letter = this.#next('\\ at the end');
    const set = ESCAPED_SETS.get(letter);
    if (set !== undefined) return { kind: 'bytes', set };
    switch (letter) {
      case 'N':
        if (this.#peek() === '{') throw new PatternError('\\N{name}');
        return { kind: 'bytes', set: NO_NEWLINE };
      case 'C':
        return { kind: 'bytes', set: ANY_BYTE };
      case 'R':
        return ANY_NEWLINE;
      case 'X':
        throw beyondBounds('a regular expression with \\X is not supported');
      case 'p':
      case 'P':
        return { kind: 'bytes', set: this.#property(letter === 'P') };
      case 'b':
        return { kind: 'assert', what: 'word boundary' };
      case 'B':
        return { kind: 'assert', what: 'no word boundary' };
      case 'A':
      case 'G':
        return { kind: 'assert', what: 'start' };
      case 'Z':
        return { kind: 'assert', what: 'end or last newline' };
      case 'z':
        return { kind: 'assert', what: 'end' };
      case 'K':
        return NOTHING;
      case 'g':
        return this.#reference();
      case 'k':
        return this.#named(this.#bracketed());
      default:
        return this.#numberedOrByte(letter);
    }
  }

  /** `\1` to `\9` are references, longer numbers only where there are as many groups, else octal. */
  #numberedOrByte(letter: string): PatternNode {
    if (/[1-9]/.test(letter)) {
      const digits = /^\d{0,9}/.exec(this.#text.slice(this.#at, this.#at + 9))?.[0] ?? '';
      const number = Number(letter + digits);
      if (number < 10 || number <= this.#total) {
        this.#at += digits.length;
        return this.#referenceTo(number);
      }
    }
    return this.#byte(this.#escapedByte(letter));
  }

  #referenceTo(number: number): PatternNode {
    if (number > this.#total || number < 1) throw new PatternError('a reference to a group that is not there');
    return { kind: 'reference', numbers: [number], ignoreCase: this.#flags.ignoreCase };
  }

  #reference(): PatternNode {
    const simple = /^(-?)(\d+)|^\{([+-]?)(\d+)\}/.exec(this.#text.slice(this.#at, this.#at + 16));
    if (simple !== null) {
      this.#at += simple[0].length;
      return this.#referenceTo(this.#relative(simple[1] || (simple[3] ?? ''), Number(simple[2] ?? simple[4])));
    }
    if (this.#peek() === '{') return this.#named(this.#bracketed());
    const call = /^(?:<([^>]*)>|'([^']*)')/.exec(this.#text.slice(this.#at));
    if (call === null) throw new PatternError('\\g without a group');
    this.#at += call[0].length;
    const name = call[1] ?? call[2] ?? '';
    const number = /^([+-]?)(\d+)$/.exec(name);
    return number === null ? this.#calledByName(name) : this.#called('', this.#relative(number[1] ?? '', Number(number[2])));
  }

  #bracketed(): string {
    const ends = new Map([
      ['{', '}'],
      ['<', '>'],
      ["'", "'"],
    ]);
    const end = ends.get(this.#next('a missing name'));
    if (end === undefined) throw new PatternError('a missing name');
    return this.#until(end);
  }

  #property(negated: boolean): ByteSet {
    const first = this.#next('\\p at the end');
    const name = first === '{' ? this.#until('}') : first;
    const inverted = name.startsWith('^');
    const set = bytesWithProperty(inverted ? name.slice(1) : name);
    if (set === undefined) throw new PatternError('an unknown property');
    return negated !== inverted ? inverse(set) : set;
  }

  /** An escape that stands for one byte. */
  #escapedByte(letter: string): number {
    const control = CONTROLS.get(letter);
    if (control !== undefined) return control;
    switch (letter) {
      case 'x': {
        const braced = /^\{([0-9a-fA-F]+)\}/.exec(this.#text.slice(this.#at, this.#at + 12));
        const digits = braced?.[1] ?? /^[0-9a-fA-F]{0,2}/.exec(this.#text.slice(this.#at, this.#at + 2))?.[0] ?? '';
        this.#at += braced?.[0].length ?? digits.length;
        return this.#asByte(Number.parseInt(digits === '' ? '0' : digits, 16));
      }
      case 'o': {
        const braced = /^\{([0-7]+)\}/.exec(this.#text.slice(this.#at, this.#at + 16));
        if (braced === null) throw new PatternError('\\o without braces');
        this.#at += braced[0].length;
        return this.#asByte(Number.parseInt(braced[1] ?? '0', 8));
      }
      case 'c': {
        const byte = this.#next('\\c at the end').charCodeAt(0);
        if (byte > 0x7e || byte < 0x20) throw new PatternError('\\c with what is not printable');
        return String.fromCharCode(byte).toUpperCase().charCodeAt(0) ^ 0x40;
      }
      default:
        break;
    }
    if (/[0-7]/.test(letter)) {
      const more = /^[0-7]{0,2}/.exec(this.#text.slice(this.#at, this.#at + 2))?.[0] ?? '';
      this.#at += more.length;
      return Number.parseInt(letter + more, 8) & 0xff;
    }
    if (/[89]/.test(letter)) return letter.charCodeAt(0);
    if (/[A-Za-z]/.test(letter) && 'LlNUu'.includes(letter)) throw new PatternError('an escape that PCRE does not know');
    return letter.charCodeAt(0);
  }

  #asByte(value: number): number {
    if (!(value < 256)) throw new PatternError('a code beyond one byte');
    return value;
  }

  #class(): PatternNode {
    const negated = this.#take('^');
    const members: ByteSet = new Uint8Array(256);
    for (let first = true; ; first = false) {
      if (this.#take('\\E')) continue;
      if (this.#take('\\Q')) {
        const end = this.#text.indexOf('\\E', this.#at);
        for (const mark of this.#text.slice(this.#at, end < 0 ? undefined : end)) members[mark.charCodeAt(0)] = 1;
        if (end < 0) throw new PatternError('missing ]');
        this.#at = end + 2;
        continue;
      }
      const mark = this.#next('missing ]');
      if (mark === ']' && !first) break;
      const set = this.#setInClass(mark);
      if (set === undefined) this.#fromTo(mark, members);
      else for (const [byte, belongs] of set.entries()) if (belongs === 1) members[byte] = 1;
    }
    const cased = this.#flags.ignoreCase ? bytesThat((byte) => has(members, byte) || has(members, otherCase(byte))) : members;
    return { kind: 'bytes', set: negated ? inverse(cased) : cased };
  }

  #setInClass(mark: string): ByteSet | undefined {
    if (mark === '[') {
      const posix = /^([:.=])(\^?)([a-z]*)\1\]/.exec(this.#text.slice(this.#at, this.#at + 20));
      if (posix === null) return undefined;
      const set = posix[1] === ':' ? POSIX_CLASSES.get(posix[3] ?? '') : undefined;
      if (set === undefined) throw new PatternError('an unknown class');
      this.#at += posix[0].length;
      const cased = this.#flags.ignoreCase && /^(?:lower|upper)$/.test(posix[3] ?? '') ? POSIX_CLASSES.get('alpha') : undefined;
      return posix[2] === '^' ? inverse(cased ?? set) : (cased ?? set);
    }
    if (mark !== '\\') return undefined;
    const letter = this.#peek() ?? '';
    const set = ESCAPED_SETS.get(letter);
    if (set !== undefined) this.#at += 1;
    if (set !== undefined) return set;
    if (letter !== 'p' && letter !== 'P') return undefined;
    this.#at += 1;
    return this.#property(letter === 'P');
  }

  #fromTo(mark: string, members: ByteSet): void {
    const from = this.#classByte(mark);
    let to = from;
    if (this.#peek() === '-' && !/^-(?:\]|$|\\[dwshvDWSHVpP]|\[[:.=])/.test(this.#text.slice(this.#at, this.#at + 3))) {
      this.#at += 1;
      to = this.#classByte(this.#next('missing ]'));
      if (to < from) throw new PatternError('a range that goes down');
    }
    for (let byte = from; byte <= to; byte += 1) members[byte] = 1;
  }

  #classByte(mark: string): number {
    if (mark !== '\\') return mark.charCodeAt(0);
    const letter = this.#next('\\ at the end');
    if (letter === 'b') return 8;
    if ('BNRX'.includes(letter)) throw new PatternError('an escape that no class may have');
    return this.#escapedByte(letter);
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #next(orElse: string): string {
    const mark = this.#text[this.#at];
    if (mark === undefined) throw new PatternError(orElse);
    this.#at += 1;
    return mark;
  }

  #take(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }
}

const NAME = /^[A-Za-z_]\w{0,31}$/;
const CONTROLS = new Map([
  ['a', 7],
  ['e', 27],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
]);

const lineBreak = bytesThat((byte) => (byte >= 0x0a && byte <= 0x0d) || byte === 0x85);
const one = (byte: number): PatternNode => ({ kind: 'bytes', set: single(byte) });
const ANY_NEWLINE: PatternNode = {
  kind: 'atomic',
  body: {
    kind: 'choice',
    options: [
      { kind: 'sequence', parts: [one(0x0d), one(0x0a)] },
      { kind: 'bytes', set: lineBreak },
    ],
  },
};

/** How many groups capture: references may come before their groups. */
function countGroups(text: string): number {
  let groups = 0;
  let inClass = false;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (mark === '\\') {
      if (text[at + 1] === 'Q') {
        const end = text.indexOf('\\E', at);
        at = end < 0 ? text.length : end + 1;
      } else at += 1;
    } else if (inClass) inClass = mark !== ']';
    else if (mark === '[') {
      inClass = true;
      if (text[at + 1] === '^') at += 1;
      if (text[at + 1] === ']') at += 1;
    } else if (mark === '(' && /^\((?!\?|\*)|^\(\?(?:P?<(?![=!])|')/.test(text.slice(at, at + 5))) groups += 1;
  }
  return groups;
}
