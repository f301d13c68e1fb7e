import { cutText } from '../common/cut-text.ts';
import type { LogFields } from '../common/log.ts';

/** The longest text that one value may be, in characters: lines are made of what strangers send, too. */
const MOST_TEXT = 2_000;
/** What all texts of a line may be together. */
const MOST_LINE = 16_000;
/** Elements of a list, keys of an object. */
const MOST_ENTRIES = 50;
const MOST_DEPTH = 5;

/**
 * One line of the log: an object in JSON, each key once, the fields of the message last. What is too long is cut, and says by how
 * much; bytes are never shown.
 */
export function logLine(level: string, time: Date, fields: LogFields, message: string): string {
  const budget = { left: MOST_LINE };
  const line: Record<string, unknown> = { level, time: time.toISOString() };
  const msg = cut(message, budget);
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && !(name in RESERVED)) line[name] = shown(value, budget, 0);
  return `${JSON.stringify({ ...line, msg })}\n`;
}

const RESERVED = { level: true, time: true, msg: true };

interface Budget {
  left: number;
}

function cut(text: string, budget: Budget): string {
  const most = Math.max(0, Math.min(MOST_TEXT, budget.left));
  budget.left -= Math.min(text.length, most);
  return cutText(text, most);
}

function shown(value: unknown, budget: Budget, depth: number): unknown {
  if (typeof value === 'string') return cut(value, budget);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'boolean' || value === null || value === undefined) return value;
  if (typeof value !== 'object') return cut(String(value), budget);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString();
  if (depth >= MOST_DEPTH) return '…';
  if (value instanceof Error) return shownError(value, budget, depth);
  if (Array.isArray(value) || value instanceof Set) return shownList([...value], budget, depth);
  return shownObject(value instanceof Map ? [...value] : Object.entries(value), budget, depth);
}

function shownError(error: Error, budget: Budget, depth: number): unknown {
  const { name, message, stack = '', cause } = error;
  const code = 'code' in error && { code: shown(error.code, budget, depth + 1) };
  const frames = stack.slice(stack.indexOf('\n    at ') + 1); // the text before them is the message, once more
  return {
    type: name,
    message: cut(message, budget),
    ...code,
    ...(frames.startsWith('    at ') && { stack: cut(frames, budget) }),
    ...(cause !== undefined && { cause: shown(cause, budget, depth + 1) }),
  };
}

function shownList(values: readonly unknown[], budget: Budget, depth: number): unknown {
  const first = values.slice(0, MOST_ENTRIES).map((value) => shown(value, budget, depth + 1) ?? null);
  return values.length > MOST_ENTRIES ? [...first, `… (${values.length - MOST_ENTRIES} more)`] : first;
}

function shownObject(entries: readonly (readonly [unknown, unknown])[], budget: Budget, depth: number): unknown {
  const first = entries.slice(0, MOST_ENTRIES).map(([key, value]) => [cut(String(key), budget), shown(value, budget, depth + 1)]);
  const more = entries.length > MOST_ENTRIES ? [['…', `${entries.length - MOST_ENTRIES} more`]] : [];
  return Object.fromEntries([...first, ...more]);
}
