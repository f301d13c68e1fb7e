import { isArray, type JsonValue, LEAST_DOUBLE, membersOf } from '../rich/json-value.ts';
import { collationKey } from './collation-key.ts';

/** Order of types. */
const TAGS = { null: '\x10', false: '\x20', true: '\x21', number: '\x30', string: '\x40', array: '\x50', object: '\x60' } as const;
/** Below every tag: what has less comes first. */
const END = '\0';

const RESIDUE = 2n ** 31n;
/** What is nested deeper has no key: it is no value that anybody sorts by. */
const MOST_LEVELS = 100;

/**
 * Bytes, one character each, that order as lists of such values do in an index, each list below what continues it.
 * @returns undefined where a value has none: a string that no collation key is known for, or a whole number far from every double
 */
export function sortKey(values: readonly JsonValue[], level = 0): string | undefined {
  if (level > MOST_LEVELS) return undefined;
  let key = '';
  for (const value of values) {
    const more = keyOf(value, level);
    if (more === undefined) return undefined;
    key += more;
  }
  return key;
}

function keyOf(value: JsonValue, level: number): string | undefined {
  if (value === null) return TAGS.null;
  switch (typeof value) {
    case 'boolean':
      return value ? TAGS.true : TAGS.false;
    case 'number':
    case 'bigint':
      return numberKey(value);
    case 'string': {
      const key = collationKey(value);
      return key === undefined ? undefined : TAGS.string + key;
    }
    default:
      return isArray(value)
        ? enclosed(TAGS.array, sortKey(value, level + 1))
        : enclosed(TAGS.object, sortKey(membersOf(value).flat(), level + 1));
  }
}

const enclosed = (tag: string, key: string | undefined): string | undefined => (key === undefined ? undefined : tag + key + END);

const eight = new DataView(new ArrayBuffer(8));

/**
 * The double, with its bits turned so that they order, and then how far the number is from it: digits of a large whole number may say
 * another one than the double that is next to it.
 */
function numberKey(value: number | bigint): string | undefined {
  const double = Math.abs(Number(value)) === LEAST_DOUBLE ? 0 : Number(value);
  if (!Number.isFinite(double)) return undefined;
  const residue = typeof value === 'bigint' ? value - BigInt(double) : 0n;
  if (residue < -RESIDUE || residue >= RESIDUE) return undefined;
  eight.setFloat64(0, double === 0 ? 0 : double);
  const [high, low] = [eight.getUint32(0), eight.getUint32(4)];
  const turned = double < 0 ? [~high >>> 0, ~low >>> 0] : [(high | 0x80000000) >>> 0, low];
  const key = TAGS.number + turned.map(fourBytes).join('');
  return residue === 0n ? `${key}\x02` : `${key}${residue < 0n ? '\x01' : '\x03'}${fourBytes(Number(residue + RESIDUE))}`;
}

const fourBytes = (value: number): string => String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
