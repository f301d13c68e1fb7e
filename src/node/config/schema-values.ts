/** The kinds of values that core.yaml has, each with its default, and what is said when it is another. */
import * as v from 'valibot';
import { splitAddress } from '../../common/address.ts';
import { parseDuration } from '../../common/duration.ts';
import { messageOf } from '../../common/errors.ts';
import { parseYaml } from './sources.ts';

/** A value that YAML may have read as a number or a truth; absent, null and empty mean the default. */
export const text = (fallback: string) =>
  v.optional(
    v.pipe(
      v.nullable(v.union([v.string(), v.number(), v.boolean()])),
      v.transform((value) => (value === null || value === '' ? fallback : String(value))),
      v.check((value) => !value.includes('\0'), 'expected no NUL characters'),
    ),
    fallback,
  );

export const duration = (fallback: string) =>
  v.pipe(
    text(fallback),
    v.transform((value) => parseDuration(value)),
    v.number('expected a number with a unit, like 30s or 1h30m'),
  );

const FLAGS: Readonly<Record<string, boolean>> = { true: true, t: true, '1': true, false: false, f: false, '0': false };

export const flag = (fallback: boolean) =>
  v.pipe(
    text(String(fallback)),
    v.transform((value) => FLAGS[value.toLowerCase()]),
    v.boolean('expected true or false'),
  );

export const count = (fallback: number) =>
  v.pipe(
    text(String(fallback)),
    v.regex(/^\d+$/, 'expected a whole number'),
    v.transform((value) => Number(value)),
  );

export const oneOf = <const T extends readonly string[]>(options: T, fallback: T[number]) =>
  v.pipe(text(fallback), v.picklist(options, `expected one of ${options.join(', ')}`));

/** `host:port`; '' where it may be absent. */
export const address = (fallback: string) =>
  v.pipe(
    text(fallback),
    v.check((value) => value === '' || splitAddress(value) !== undefined, 'expected host:port'),
  );

/** From a variable: words, `[a b]` or `a,b`. */
export const list = v.pipe(
  v.optional(v.union([v.array(v.string()), v.string(), v.null()]), []),
  v.transform((value) => (Array.isArray(value) ? value : (value ?? '').split(/[\s,[\]]+/).filter((entry) => entry !== ''))),
);

/** A part of the tree that may be absent or empty. */
export const section = <T extends v.ObjectEntries>(entries: T) =>
  v.pipe(
    v.optional(v.nullable(v.record(v.string(), v.unknown(), 'expected keys and values')), {}),
    v.transform((value) => value ?? {}),
    v.looseObject(entries),
  );

export const file = section({ file: text('') });

/** A list of mappings, or from a variable the same list as YAML text. */
export const yamlList = v.pipe(
  v.optional(v.unknown(), []),
  v.rawTransform<unknown, unknown>(({ dataset, addIssue, NEVER }) => {
    const { value } = dataset;
    if (typeof value !== 'string') return value ?? [];
    try {
      return parseYaml(value, 'the value') ?? [];
    } catch (thrown) {
      addIssue({ message: messageOf(thrown) });
      return NEVER;
    }
  }),
);
