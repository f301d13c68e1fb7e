import { type Field, STATIC_TABLE } from './static-table.ts';

const WHOLE = new Map(STATIC_TABLE.map((field, at) => [`${field[0]}\n${field[1]}`, at + 1]));
const NAMED = new Map([...STATIC_TABLE.entries()].reverse().map(([at, [name]]) => [name, at + 1]));

/**
 * A header block that needs no table on either side: fields of the static table by their index, all others as plain text. So a block
 * means the same whenever it is sent, and one that is sent often is made once.
 *
 * @param fields names in small letters; values of characters up to U+00FF
 */
export function encodeHeaders(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.map(encodeField));
}

function encodeField([name, value]: Field): Buffer {
  const whole = WHOLE.get(`${name}\n${value}`);
  if (whole !== undefined) return integer(whole, 7, 0x80);
  const index = NAMED.get(name) ?? 0;
  return Buffer.concat([integer(index, 4, 0), ...(index === 0 ? [text(name)] : []), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
}

function integer(value: number, prefixBits: number, flags: number): Buffer {
  const most = (1 << prefixBits) - 1;
  if (value < most) return Buffer.from([flags | value]);
  const bytes = [flags | most];
  let rest = value - most;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
