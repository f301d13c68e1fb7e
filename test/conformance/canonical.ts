/** Messages as text that does not depend on the order of their maps. */
import { hex } from '../../src/common/bytes.ts';

export const canonical = (message: unknown): string => JSON.stringify(plain(message));

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return sorted([...value].map(([key, each]) => [String(key), each]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return sorted(Object.entries(value));
}

const sorted = (entries: readonly (readonly [string, unknown])[]): unknown =>
  entries.map(([key, each]) => [key, plain(each)] as const).sort(([a], [b]) => (a < b ? -1 : 1));
