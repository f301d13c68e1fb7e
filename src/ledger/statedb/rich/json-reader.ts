import { SelvageError } from '../../../common/errors.ts';

/** How a reader makes values of what it read. */
export interface JsonDialect<T> {
  readonly literal: (value: null | boolean) => T;
  /** As it stands in the text. */
  readonly number: (text: string) => T;
  readonly string: (value: string) => T;
  readonly array: (items: T[]) => T;
  readonly object: (members: Map<string, T>) => T;
  /** What becomes of a text with half of a surrogate pair. */
  readonly broken: (value: string) => string;
}

/** Nesting that Go's decoder goes along with. */
const GO_MAX_DEPTH = 10_000;
const VALUES_AT_A_STRETCH = 2_000;

/**
 * Reads the first JSON value of a text, with the words of Go's encoding/json where there is none. Of members with one name the last
 * one counts. Without recursion, so that no text is too deep for it.
 * @see scanner.go in encoding/json
 */
export class JsonReader<T> {
  readonly #text: string;
  readonly #dialect: JsonDialect<T>;
  #at = 0;

  constructor(text: string, dialect: JsonDialect<T>) {
    this.#text = text;
    this.#dialect = dialect;
  }

  /** @throws {SelvageError} `MALFORMED` with Go's text */
  first(): T {
    const reading = this.reading();
    for (;;) {
      const step = reading.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same with stops on the way, a few thousand values apart: a long text takes long. */
  *reading(): Generator<undefined, T> {
    this.#space();
    if (this.#at >= this.#text.length) throw syntax('EOF');
    const open: Container<T>[] = [];
    for (let values = 1; ; values += 1) {
      if (values % VALUES_AT_A_STRETCH === 0) yield;
      const value = this.#begin(open);
      if (value === OPENED) continue;
      const whole = this.#finish(open, value.done);
      if (whole !== undefined) return whole.done;
    }
  }

  /** Whether nothing but white space follows. */
  get atEnd(): boolean {
    this.#space();
    return this.#at >= this.#text.length;
  }

  /** Reads a scalar or an empty container, or opens one. */
  #begin(open: Container<T>[]): { readonly done: T } | typeof OPENED {
    this.#space();
    const mark = this.#text[this.#at];
    if (mark === '{' || mark === '[') {
      this.#at += 1;
      if (open.length >= GO_MAX_DEPTH) throw syntax('exceeded max depth');
      this.#space();
      const close = mark === '{' ? '}' : ']';
      if (this.#text[this.#at] === close) {
        this.#at += 1;
        return { done: mark === '{' ? this.#dialect.object(new Map()) : this.#dialect.array([]) };
      }
      if (mark === '[') open.push({ items: [] });
      else open.push({ members: new Map(), name: this.#name() });
      return OPENED;
    }
    return { done: this.#scalar(mark) };
  }

  /** Puts a value where it belongs; undefined while another one has to be read. */
  #finish(open: Container<T>[], value: T): { readonly done: T } | undefined {
    let done = value;
    for (;;) {
      const container = open.at(-1);
      if (container === undefined) return { done };
      if (container.items === undefined) {
        container.members.delete(container.name);
        container.members.set(container.name, done);
      } else container.items.push(done);
      this.#space();
      const mark = this.#text[this.#at];
      const isArray = container.items !== undefined;
      if (mark === ',') {
        this.#at += 1;
        if (container.items === undefined) {
          this.#space();
          container.name = this.#name();
        }
        return undefined;
      }
      if (mark !== (isArray ? ']' : '}')) throw this.#unexpected(isArray ? 'after array element' : 'after object key:value pair');
      this.#at += 1;
      done = container.items === undefined ? this.#dialect.object(container.members) : this.#dialect.array(container.items);
      open.pop();
    }
  }

  #name(): string {
    if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
    const name = this.#string();
    this.#space();
    if (this.#text[this.#at] !== ':') throw this.#unexpected('after object key');
    this.#at += 1;
    return name;
  }

  #scalar(mark: string | undefined): T {
    if (mark === '"') return this.#dialect.string(this.#string());
    if (mark === 't') return this.#word('true', true);
    if (mark === 'f') return this.#word('false', false);
    if (mark === 'n') return this.#word('null', null);
    if (mark === '-' || isDigit(mark)) return this.#number();
    throw this.#unexpected('looking for beginning of value');
  }

  #word(word: string, value: null | boolean): T {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) throw this.#unexpected(`in literal ${word} (expecting '${letter}')`);
      this.#at += 1;
    }
    return this.#dialect.literal(value);
  }

  #number(): T {
    const start = this.#at;
    if (this.#text[this.#at] === '-') this.#at += 1;
    if (this.#text[this.#at] === '0') this.#at += 1;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at += 1;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      this.#at += 1;
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at += 1;
      this.#digits('in exponent of numeric literal');
    }
    return this.#dialect.number(this.#text.slice(start, this.#at));
  }

  #digits(where: string): void {
    if (!isDigit(this.#text[this.#at])) throw this.#unexpected(where);
    while (isDigit(this.#text[this.#at])) this.#at += 1;
  }

  /** From one quote to the other. */
  #string(): string {
    this.#at += 1;
    const parts: string[] = [];
    let from = this.#at;
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at); // NaN at the end
      if (unit === QUOTE) break;
      if (unit === BACKSLASH) {
        parts.push(this.#text.slice(from, this.#at), this.#escape());
        from = this.#at;
      } else if (unit >= 0x20) this.#at += 1;
      else throw this.#unexpected('in string literal');
    }
    parts.push(this.#text.slice(from, this.#at));
    this.#at += 1;
    const value = parts.length === 1 ? (parts[0] ?? '') : parts.join('');
    return value.isWellFormed() ? value : this.#dialect.broken(value);
  }

  #escape(): string {
    this.#at += 1;
    const letter = this.#text[this.#at];
    const plain = letter === undefined ? undefined : ESCAPES.get(letter);
    if (plain !== undefined) {
      this.#at += 1;
      return plain;
    }
    if (letter !== 'u') throw this.#unexpected('in string escape code');
    for (let digit = 1; digit <= 4; digit += 1) {
      this.#at += 1;
      if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? '')) throw this.#unexpected('in \\u hexadecimal character escape');
    }
    this.#at += 1;
    return String.fromCharCode(Number.parseInt(this.#text.slice(this.#at - 4, this.#at), 16));
  }

  #space(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at += 1;
    }
  }

  #unexpected(where: string): SelvageError {
    const point = this.#text.codePointAt(this.#at);
    return point === undefined ? syntax('unexpected EOF') : syntax(`invalid character ${quoted(point)} ${where}`);
  }
}

type Container<T> =
  | { readonly items: T[]; readonly members?: undefined }
  | { readonly items?: undefined; readonly members: Map<string, T>; name: string };

const OPENED = Symbol('opened');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

const isDigit = (mark: string | undefined): boolean => mark !== undefined && mark >= '0' && mark <= '9';
const syntax = (text: string): SelvageError => new SelvageError('MALFORMED', text);

/** Go looks at bytes: of a longer character it names the first one, taken for a code point. */
function quoted(point: number): string {
  const byte = point < 0x80 ? point : (Buffer.from(String.fromCodePoint(point), 'utf8')[0] ?? 0);
  if (byte === 0x27) return "'\\''";
  if (byte === 0x22) return `'"'`;
  if (byte === BACKSLASH) return "'\\\\'";
  const name = CONTROLS.get(byte);
  if (name !== undefined) return `'${name}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`;
  return `'${String.fromCharCode(byte)}'`;
}

const CONTROLS = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
]);
