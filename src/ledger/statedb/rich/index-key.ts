import { BAD_PATH, fieldPath, NOT_FOUND, valueAt } from './field-path.ts';
import type { IndexDefinition } from './index-definition.ts';
import type { JsonValue } from './json-value.ts';
import { Matcher } from './matcher.ts';
import { PatternRuns, Suspended } from './pattern/pattern-runs.ts';
import { beyondBounds } from './refusal.ts';
import type { RichDocument } from './rich-document.ts';

/** Makes the keys of one index. */
export class IndexKeys {
  readonly #paths: readonly (readonly string[])[] | undefined;
  readonly #filter: Matcher | undefined;
  readonly #patterns = new PatternRuns(() => beyondBounds('a regular expression takes too many steps'));

  constructor({ columns, partialFilter }: Pick<IndexDefinition, 'columns' | 'partialFilter'>) {
    this.#paths = pathsOf(columns);
    this.#filter = partialFilter && new Matcher(partialFilter);
  }

  /**
   * The key of a document's row: the values of all columns, or undefined where the index has no row for it, since a column is missing,
   * the filter of a partial index says no, or CouchDB fails at the document.
   */
  keyOf(document: RichDocument): readonly JsonValue[] | undefined {
    if (this.#paths === undefined) return undefined;
    const key: JsonValue[] = [];
    for (const path of this.#paths) {
      const value = valueAt(document, path);
      if (value === NOT_FOUND || value === BAD_PATH) return undefined;
      key.push(value);
    }
    return this.#filter === undefined || this.#passes(this.#filter, document) ? key : undefined;
  }

  #passes(filter: Matcher, document: RichDocument): boolean {
    this.#patterns.nextDocument();
    for (;;) {
      try {
        return filter.matches(document, this.#patterns);
      } catch (thrown) {
        if (!(thrown instanceof Suspended)) return false;
        if (!this.#patterns.advance()) return false;
      }
    }
  }
}

/** Undefined if a name is none, which fails for every document. */
function pathsOf(columns: readonly string[]): readonly (readonly string[])[] | undefined {
  try {
    return columns.map(fieldPath);
  } catch {
    return undefined;
  }
}
