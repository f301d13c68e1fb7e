import { SelvageError } from '../../common/errors.ts';

/**
 * The `-c` flag: `{"Args":["f","a"]}` or `{"Function":"f","Args":["a"]}`; key names in any case, as Go reads JSON.
 *
 * @throws {SelvageError} `SETTING_INVALID` saying what is expected
 */
export function constructorArguments(text: string): string[] {
  const entries = Object.entries(parseObject(text)).map(([key, value]) => [key.toLowerCase(), value] as const);
  const unknown = entries.filter(([key]) => key !== 'args' && key !== 'function' && key !== 'isinit');
  const given = Object.fromEntries(entries);
  const args = given['args'] ?? [];
  const name = given['function'];
  if (
    unknown.length > 0 ||
    !Array.isArray(args) ||
    !args.every((arg) => typeof arg === 'string') ||
    (name !== undefined && typeof name !== 'string')
  )
    throw expected(text);
  return name === undefined ? args : [name, ...args];
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // falls through: the text of the failure is ours
  }
  throw expected(text);
}

const expected = (text: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `chaincode argument error: ${text} is not what -c takes`, {
    advice: `Write -c '{"Args":["function","argument",…]}', with every argument a string.`,
  });

/** The `--transient` flag: a JSON object of base64 values. @throws {SelvageError} `SETTING_INVALID` */
export function transientMap(text: string | undefined): ReadonlyMap<string, Uint8Array> | undefined {
  if (text === undefined) return undefined;
  const map = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(parseObject(text))) {
    if (typeof value !== 'string')
      throw new SelvageError('SETTING_INVALID', `error parsing transient string: the value of ${key} is no string`, {
        advice: 'Give every value in base64.',
      });
    map.set(key, Buffer.from(value, 'base64'));
  }
  return map;
}
