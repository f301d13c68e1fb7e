import { LineCounter, type ParsedNode, parseDocument, type Tags } from 'yaml';
import { messageOf } from '../../common/errors.ts';

/** Why a text is no YAML: where, counted from 1, if that is known, and what. */
export class YamlProblem extends Error {
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(message: string, at?: { readonly line: number; readonly col: number }) {
    super(message);
    this.line = at?.line;
    this.column = at?.col;
  }
}

/** More uses of anchors than that are no settings but an attack on our memory. */
const MOST_ALIASES = 100;

/**
 * YAML as Go reads it for a Fabric 2.5 peer: by YAML 1.1, so that `yes` and `on` are true and `0777` is octal, but times and numbers to
 * base 60 stay text. Of a key that is there twice the last one counts.
 *
 * @param as `texts` gives every value as it is written, which is what Go puts into fields of text
 * @throws {YamlProblem}
 * @see resolve in gopkg.in/yaml.v2, resolve.go
 */
export function goYaml(text: string, as: 'values' | 'texts' = 'values'): unknown {
  const lineCounter = new LineCounter();
  const schema = as === 'texts' ? { schema: 'failsafe' as const, merge: true } : { version: '1.1' as const, customTags: tagsOfGo };
  const document = parseDocument<ParsedNode>(text, { ...schema, lineCounter, uniqueKeys: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) throw new YamlProblem(error.message.split('\n')[0] ?? '', lineCounter.linePos(error.pos[0]));
  const value = plainValue(document);
  if (containsItself(value, new Set())) throw new YamlProblem('an anchor contains itself');
  return value;
}

function plainValue(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (thrown) {
    throw new YamlProblem(thrown instanceof ReferenceError ? 'anchors are used too often' : messageOf(thrown));
  }
}

const TIMESTAMP = 'tag:yaml.org,2002:timestamp';
const FRACTION = /^[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)$/;

/** No times, no numbers to base 60, and a mere dot, which is a folder, is no number either. */
const tagsOfGo = (tags: Tags): Tags =>
  tags.flatMap((tag): Tags => {
    if (typeof tag !== 'object' || tag.collection !== undefined) return [tag];
    if (tag.tag === TIMESTAMP || tag.format === 'TIME') return [];
    return tag.tag.endsWith(':float') && tag.test?.test('.') === true ? [{ ...tag, test: FRACTION }] : [tag];
  });

/** @param above the values on the way to this one */
function containsItself(value: unknown, above: Set<unknown>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (above.has(value)) return true;
  above.add(value);
  const found = Object.values(value).some((each) => containsItself(each, above));
  above.delete(value);
  return found;
}
