/** Values of flags as Go's strconv and time read them. */

/** Undefined for what is neither. @see ParseBool in Go, strconv/atob.go */
export function parseBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}

const NUMBER = /^[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?\d)*)$/;

/** A whole number with or without a sign, in any of the bases that Go's literals have; undefined for what is none. @see ParseInt in Go, strconv/atoi.go */
export function parseInteger(text: string): bigint | undefined {
  if (!NUMBER.test(text)) return undefined;
  const negative = text.startsWith('-');
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '').toLowerCase();
  const magnitude = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return negative ? -magnitude : magnitude;
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export type ParsedDuration = { readonly ms: number } | { readonly refusal: string };

const PART = /(\d+\.?\d*|\.\d+)([^\d.]*)/y;

/** Milliseconds of a text like `1m30s`. @see ParseDuration in Go, time/format.go */
export function parseGoDuration(text: string): ParsedDuration {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return { ms: 0 };
  const invalid = { refusal: `time: invalid duration ${JSON.stringify(text)}` };
  if (rest === '') return invalid;
  let ms = 0;
  for (let at = 0; at < rest.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const [, amount, unit = ''] = PART.exec(rest) ?? [];
    if (amount === undefined) return invalid;
    if (unit === '') return { refusal: `time: missing unit in duration ${JSON.stringify(text)}` };
    const factor = UNITS[unit];
    if (factor === undefined) return { refusal: `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}` };
    ms += Number(amount) * factor;
  }
  return { ms: sign === '-' ? -ms : ms };
}
