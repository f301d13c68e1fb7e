import { SelvageError } from './errors.ts';
import { type JsonValue, placeIn } from './go-json.ts';

/** The Go struct that a JSON object is read as: its name stands in Go's refusals. */
export interface GoStruct {
  readonly name: string;
  readonly text: string;
}

interface Found {
  readonly key: string;
  readonly value: JsonValue;
}

const KINDS = { object: 'object', array: 'array', string: 'string', number: 'number', bool: 'bool', null: 'null' } as const;

/**
 * The fields of a JSON object as Go fills a struct with them: keys in any case, null and what is absent leave a field as it is,
 * keys that the struct does not have are passed over, and every value has to have the field's type.
 *
 * @see object and literalStore in Go, encoding/json/decode.go
 */
export class GoFields {
  readonly #struct: GoStruct;
  readonly #value: JsonValue;

  /** @throws {SelvageError} `MALFORMED` for what is neither an object nor null */
  constructor(value: JsonValue, struct: GoStruct) {
    if (value.kind !== 'object' && value.kind !== 'null') {
      throw new SelvageError(
        'MALFORMED',
        `an object is expected at ${placeIn(struct.text, value.at)}, not ${shown(value)}: json: cannot unmarshal ${KINDS[value.kind]} into Go value of type ${struct.name}`,
      );
    }
    this.#struct = struct;
    this.#value = value;
  }

  /** Undefined when it is absent or null. @throws {SelvageError} `MALFORMED` */
  text(key: string): string | undefined {
    return this.#last(key, (found) => {
      if (found.value.kind === 'string') return found.value.text;
      throw this.#mistyped(found, 'a text', 'string');
    });
  }

  /** False when it is absent or null. @throws {SelvageError} `MALFORMED` */
  bool(key: string): boolean {
    const value = this.#last(key, (found) => {
      if (found.value.kind === 'bool') return found.value.value;
      throw this.#mistyped(found, 'true or false', 'bool');
    });
    return value ?? false;
  }

  /** Undefined when it is absent or null. @throws {SelvageError} `MALFORMED` */
  int32(key: string): number | undefined {
    const value = this.#integer(key, { least: -(2n ** 31n), most: 2n ** 31n - 1n, type: 'int32' });
    return value === undefined ? undefined : Number(value);
  }

  /** 0n when it is absent or null. @throws {SelvageError} `MALFORMED` */
  uint64(key: string): bigint {
    return this.#integer(key, { least: 0n, most: 2n ** 64n - 1n, type: 'uint64' }) ?? 0n;
  }

  /** A list of texts; undefined when it is absent or null. @throws {SelvageError} `MALFORMED` */
  texts(key: string): readonly string[] | undefined {
    return this.#last(key, (found) => {
      if (found.value.kind !== 'array') throw this.#mistyped(found, 'a list of texts', '[]string');
      return found.value.items.map((item) => {
        if (item.kind === 'string') return item.text;
        if (item.kind === 'null') return '';
        throw this.#mistyped({ key: found.key, value: item }, 'a list of texts', 'string');
      });
    });
  }

  /** Undefined when it is absent or null. @param name of the field's struct in Go @throws {SelvageError} `MALFORMED` */
  fields(key: string, name: string): GoFields | undefined {
    return this.#last(key, (found) => {
      if (found.value.kind === 'object') return new GoFields(found.value, { ...this.#struct, name });
      throw this.#mistyped(found, 'an object', name);
    });
  }

  /** The keys as they are written, in their order. */
  keys(): readonly string[] {
    return this.#value.kind === 'object' ? this.#value.entries.map(([key]) => key) : [];
  }

  #integer(
    key: string,
    { least, most, type }: { readonly least: bigint; readonly most: bigint; readonly type: string },
  ): bigint | undefined {
    return this.#last(key, (found) => {
      const number = found.value.kind === 'number' && /^-?\d+$/.test(found.value.text) ? BigInt(found.value.text) : undefined;
      if (number !== undefined && number >= least && number <= most) return number;
      throw this.#mistyped(found, `a whole number from ${least} to ${most}`, type);
    });
  }

  /** Of several the last counts, as each overwrites what came before; each has to have the type. */
  #last<T>(key: string, read: (found: Found) => T): T | undefined {
    if (this.#value.kind !== 'object') return undefined;
    const found = this.#value.entries.filter(([name, value]) => name.toLowerCase() === key.toLowerCase() && value.kind !== 'null');
    return found.map(([name, value]) => read({ key: name, value })).at(-1);
  }

  #mistyped({ key, value }: Found, expected: string, type: string): SelvageError {
    const { name, text } = this.#struct;
    const kind = value.kind === 'number' ? `number ${value.text}` : KINDS[value.kind];
    return new SelvageError(
      'MALFORMED',
      `${key} is ${shown(value)} at ${placeIn(text, value.at)}, expected ${expected}: json: cannot unmarshal ${kind} into Go struct field ${name}.${key} of type ${type}`,
    );
  }
}

function shown(value: JsonValue): string {
  if (value.kind === 'string') return `the text ${JSON.stringify(value.text.length > 40 ? `${value.text.slice(0, 40)}…` : value.text)}`;
  if (value.kind === 'number') return `the number ${value.text}`;
  if (value.kind === 'bool') return String(value.value);
  return value.kind === 'null' ? 'null' : value.kind === 'array' ? 'a list' : 'an object';
}
