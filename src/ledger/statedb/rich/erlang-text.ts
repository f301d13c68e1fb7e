import { isArray, type JsonValue, membersOf } from './json-value.ts';

/** A value as Erlang's `~w` prints it, which CouchDB's messages do: strings are lists of bytes. Long ones end in `...`. */
export const erlangText = (value: JsonValue): string => printed(value, (text) => `<<${[...Buffer.from(text, 'utf8')].join(',')}>>`);

/** The same as `~p` prints it: a printable string is readable. */
export const erlangReadable = (value: JsonValue): string =>
  printed(value, (text) => (PRINTABLE.test(text) ? `<<"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}">>` : bytesOf(text)));

/** Longer messages are cut: they end in logs and in responses. */
const MAX_LENGTH = 64 * 1024;
const PRINTABLE = /^[\x20-\x7e]+$/;
const bytesOf = (text: string): string => `<<${[...Buffer.from(text, 'utf8')].join(',')}>>`;

type Print = (text: string) => string;

function printed(value: JsonValue, print: Print): string {
  const parts: string[] = [];
  let length = 0;
  const put = (text: string): void => {
    if (length > MAX_LENGTH) return;
    parts.push(text);
    length += text.length;
  };
  write(value, print, put);
  return length > MAX_LENGTH ? `${parts.join('').slice(0, MAX_LENGTH)}...` : parts.join('');
}

function write(value: JsonValue, print: Print, put: (text: string) => void): void {
  if (typeof value === 'string') put(print(value));
  else if (typeof value === 'number') put(erlangDouble(value));
  else if (value === null || typeof value !== 'object') put(String(value));
  else if (isArray(value)) {
    put('[');
    for (const [at, item] of value.entries()) {
      if (at > 0) put(',');
      write(item, print, put);
    }
    put(']');
  } else {
    put('{[');
    let first = true;
    for (const [name, item] of membersOf(value)) {
      put(first ? '{' : ',{');
      first = false;
      put(print(name));
      put(',');
      write(item, print, put);
      put('}');
    }
    put(']}');
  }
}

/** The shortest digits, always with a point: `1.0`, `1.0e22`. */
function erlangDouble(value: number): string {
  const text = String(value);
  const [mantissa = '', exponent] = text.split('e');
  const pointed = mantissa.includes('.') ? mantissa : `${mantissa}.0`;
  return exponent === undefined ? pointed : `${pointed}e${exponent.replace('+', '')}`;
}
