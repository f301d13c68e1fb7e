/**
 * Fields as a Go peer's console has them behind a message: `key=value`, separated by a blank. A value that could be read as more than one
 * word stands in quotes, its control characters escaped, so that no value can look like another field.
 * @see common/flogging/fabenc in hyperledger/fabric v2.5, which writes logfmt
 */
export const logfmt = (fields: Readonly<Record<string, string | number | bigint>>): string =>
  Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? word(value) : value}`)
    .join(' ');

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SEVERAL_WORDS = /[\u0000- ="\ufffd]/;

const word = (text: string): string => (SEVERAL_WORDS.test(text) ? JSON.stringify(text) : text);
