/** YAML as Go's yaml reads it into structs: by YAML 1.1, every value of the field's type, keys as they are written. */
import { SelvageError } from '../../common/errors.ts';
import { goYaml, YamlProblem } from './go-yaml.ts';

type Tree = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The fields of a mapping. Null counts as absent; a text may be written as a number, for in Go it is what stands there.
 *
 * @see scalar in gopkg.in/yaml.v2, decode.go
 */
export class YamlFields {
  readonly #values: Tree;
  readonly #texts: Tree;
  readonly #path: string;

  private constructor(values: Tree, texts: Tree, path: string) {
    this.#values = values;
    this.#texts = texts;
    this.#path = path;
  }

  /** @throws {SelvageError} `MALFORMED` with line and column */
  static parse(text: string): YamlFields {
    const values = parsed(text, 'values') ?? {};
    const texts = parsed(text, 'texts') ?? {};
    if (isTree(values) && isTree(texts)) return new YamlFields(values, texts, '');
    throw new SelvageError('MALFORMED', 'expected keys and values');
  }

  text(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'object') return String(this.#texts[key]);
    throw this.#mistyped(key, 'a text');
  }

  /** A text, or several in a list. */
  texts(key: string): readonly string[] {
    const value = this.#value(key);
    const texts = this.#texts[key];
    if (!Array.isArray(value) || !Array.isArray(texts)) return [this.text(key) ?? []].flat();
    if (value.some((each) => typeof each === 'object' && each !== null)) throw this.#mistyped(key, 'a list of texts');
    return texts.map(String);
  }

  /** `true`, `yes` or `on`; false where it is absent. A text in quotes is no truth value. */
  bool(key: string): boolean {
    const value = this.#value(key);
    if (value === undefined) return false;
    if (typeof value === 'boolean') return value;
    throw this.#mistyped(key, 'true or false');
  }

  /** Empty when it is absent. */
  fields(key: string): YamlFields {
    const value = this.#value(key) ?? {};
    const texts = this.#texts[key];
    if (isTree(value)) return new YamlFields(value, isTree(texts) ? texts : {}, this.#at(key));
    throw this.#mistyped(key, 'keys and values');
  }

  /** Undefined when it is absent. */
  optional(key: string): YamlFields | undefined {
    return this.#value(key) === undefined ? undefined : this.fields(key);
  }

  /** Mappings in a list; none when it is absent. */
  list(key: string): readonly YamlFields[] {
    const value = this.#value(key) ?? [];
    const texts = this.#texts[key] ?? [];
    if (!Array.isArray(value) || !Array.isArray(texts)) throw this.#mistyped(key, 'a list');
    return value.map((each: unknown, at) => {
      const own: unknown = texts[at];
      if (each === null) return new YamlFields({}, {}, `${this.#at(key)}.${at}`);
      if (isTree(each)) return new YamlFields(each, isTree(own) ? own : {}, `${this.#at(key)}.${at}`);
      throw this.#mistyped(key, 'a list of keys and values');
    });
  }

  keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  #value(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined;
  }

  #mistyped(key: string, expected: string): SelvageError {
    const value = this.#value(key);
    const shown = isTree(value) ? 'keys and values' : Array.isArray(value) ? 'a list' : JSON.stringify(this.#texts[key]);
    return new SelvageError('MALFORMED', `${this.#at(key)} is ${shown}, expected ${expected}`);
  }

  #at(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }
}

function parsed(text: string, as: 'values' | 'texts'): unknown {
  try {
    return goYaml(text, as);
  } catch (thrown) {
    if (!(thrown instanceof YamlProblem)) throw thrown;
    const { line, column, message } = thrown;
    throw new SelvageError('MALFORMED', line === undefined ? message : `line ${line}, column ${column}: ${message}`);
  }
}
