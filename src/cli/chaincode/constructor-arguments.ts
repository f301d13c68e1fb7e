import { SelvageError } from '../../common/errors.ts';

/**
 * The `-c` flag: `{"Args":["f","a"]}` or `{"Function":"f","Args":["a"]}`; key names in any case, as Go reads JSON.
 *
 * @throws {SelvageError} `SETTING_INVALID` saying what is expected
 */
export function constructorArguments(text: string): string[] {
  const parsed = parseObject(text);
  if (parsed === undefined) throw expected(text);
  const entries = Object.entries(parsed).map(([key, value]) => [key.toLowerCase(), value] as const);
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

/** Undefined for text that is no JSON object. */
function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const expected = (text: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `chaincode argument error: ${text} is not what -c takes`, {
    advice: `Write -c '{"Args":["function","argument",…]}', with every argument a string.`,
  });

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The `--transient` flag: a JSON object of base64 values. @throws {SelvageError} `SETTING_INVALID` */
export function transientMap(text: string | undefined): ReadonlyMap<string, Uint8Array> | undefined {
  if (text === undefined) return undefined;
  const wrong = (what: string): SelvageError =>
    new SelvageError('SETTING_INVALID', `error parsing transient string: ${what}`, {
      advice: `Write --transient '{"key":"dmFsdWU="}', with every value in base64.`,
    });
  const parsed = parseObject(text);
  if (parsed === undefined) throw wrong(`${text} is no JSON object`);
  const map = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(parsed)) {
    if (typeof value !== 'string' || !BASE64.test(value)) throw wrong(`the value of ${key} is no base64`);
    map.set(key, Buffer.from(value, 'base64'));
  }
  return map;
}
