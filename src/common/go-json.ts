/** JSON as Go's encoding/json reads it: what it refuses is refused here, in its words and with the place, and no number loses digits. */
import { SelvageError } from './errors.ts';

/** `at` is where the value begins in the text. */
export type JsonValue = { readonly at: number } & (
  | { readonly kind: 'object'; readonly entries: readonly (readonly [key: string, value: JsonValue])[] }
  | { readonly kind: 'array'; readonly items: readonly JsonValue[] }
  | { readonly kind: 'string'; readonly text: string }
  /** The number as it was written. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'null' }
);

/** `line 3, column 7`, both from 1 on. */
export function placeIn(text: string, at: number): string {
  const before = text.slice(0, at);
  return `line ${before.split('\n').length}, column ${before.length - before.lastIndexOf('\n')}`;
}

/** @throws {SelvageError} `MALFORMED` with Go's words and the place @see scanner in Go, encoding/json/scanner.go */
export function parseGoJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

/** As Go has it. */
const MAX_DEPTH = 10_000;
const LITERALS = [
  ['true', { kind: 'bool', value: true }],
  ['false', { kind: 'bool', value: false }],
  ['null', { kind: 'null' }],
] as const;
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', '/': '/' };
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonValue {
    const first = this.#peek('looking for beginning of value');
    const at = this.#at;
    if (depth > MAX_DEPTH) throw this.#error('exceeded max depth');
    if (first === '{') return { at, kind: 'object', entries: this.#entries(depth) };
    if (first === '[') return { at, kind: 'array', items: this.#items(depth) };
    if (first === '"') return { at, kind: 'string', text: this.#string() };
    if (/[-\d]/.test(first)) return { at, kind: 'number', text: this.#number() };
    const literal = LITERALS.find(([word]) => word.startsWith(first));
    if (literal === undefined) throw this.#refused('looking for beginning of value');
    const [word, value] = literal;
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) throw this.#refused(`in literal ${word} (expecting ${quoted(letter)})`);
      this.#at += 1;
    }
    return { at, ...value };
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#refused('after top-level value');
  }

  #entries(depth: number): (readonly [string, JsonValue])[] {
    const entries: (readonly [string, JsonValue])[] = [];
    this.#at += 1;
    if (this.#take('}', 'looking for beginning of object key string')) return entries;
    do {
      if (this.#peek('looking for beginning of object key string') !== '"')
        throw this.#refused('looking for beginning of object key string');
      const key = this.#string();
      if (!this.#take(':', 'after object key')) throw this.#refused('after object key');
      entries.push([key, this.value(depth + 1)]);
    } while (this.#take(',', 'after object key:value pair'));
    if (this.#take('}', 'after object key:value pair')) return entries;
    throw this.#refused('after object key:value pair');
  }

  #items(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    if (this.#take(']', 'looking for beginning of value')) return items;
    do items.push(this.value(depth + 1));
    while (this.#take(',', 'after array element'));
    if (this.#take(']', 'after array element')) return items;
    throw this.#refused('after array element');
  }

  #string(): string {
    let text = '';
    for (this.#at += 1; ; ) {
      const plain = /[ !#-[\]-\uffff]*/y;
      plain.lastIndex = this.#at;
      const run = plain.exec(this.#text)?.[0] ?? '';
      text += run;
      this.#at += run.length;
      const next = this.#text[this.#at];
      if (next === '"') break;
      if (next !== '\\') throw this.#refused('in string literal');
      this.#at += 1;
      text += this.#escape();
    }
    this.#at += 1;
    return text.toWellFormed();
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? '';
    const plain = ESCAPES[letter];
    if (plain === undefined && letter !== 'u') throw this.#refused('in string escape code');
    this.#at += 1;
    if (plain !== undefined) return plain;
    for (const end = this.#at + 4; this.#at < end; this.#at += 1)
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) throw this.#refused('in \\u hexadecimal character escape');
    return String.fromCharCode(Number.parseInt(this.#text.slice(this.#at - 4, this.#at), 16));
  }

  #number(): string {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0];
    if (found === undefined) {
      this.#at += 1;
      throw this.#refused('in numeric literal');
    }
    this.#at += found.length;
    return found;
  }

  /** Goes past the character if it is the next one. */
  #take(wanted: string, where: string): boolean {
    if (this.#peek(where) !== wanted) return false;
    this.#at += 1;
    return true;
  }

  #peek(where: string): string {
    this.#skipSpace();
    const next = this.#text[this.#at];
    if (next === undefined) throw this.#refused(where);
    return next;
  }

  #skipSpace(): void {
    const space = /[ \t\r\n]*/y;
    space.lastIndex = this.#at;
    this.#at += space.exec(this.#text)?.[0].length ?? 0;
  }

  #refused(where: string): SelvageError {
    const code = this.#text.codePointAt(this.#at);
    return this.#error(
      code === undefined ? 'unexpected end of JSON input' : `invalid character ${quoted(String.fromCodePoint(code))} ${where}`,
    );
  }

  #error(reason: string): SelvageError {
    return new SelvageError('MALFORMED', `${reason} (${placeIn(this.#text, this.#at)})`);
  }
}

const quoted = (character: string): string =>
  character === "'" ? `'\\''` : `'${JSON.stringify(character).slice(1, -1).replace('\\"', '"')}'`;
