import { SelvageError } from '../../common/errors.ts';

const ACTION = /\{\{(-\s)?\s*(.*?)\s*(\s-)?\}\}/gs;
const FIELD = /^\.[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

/**
 * Fills the fields of a Go template, `{{.peername}}` or `{{.a.b}}`, which is all that connection.json is known to use; spaces and
 * trim markers are allowed. Anything else of the template language is refused by name, not left standing.
 *
 * @param what names the text in errors, like `Address`
 * @throws {SelvageError} `CHAINCODE_BUILD_FAILED` for a key that `values` lacks (Go's `missingkey=error`) or another action
 */
export function fillTemplate(text: string, values: unknown, what: string): string {
  const fail = (reason: string): SelvageError =>
    new SelvageError('CHAINCODE_BUILD_FAILED', `Failed to parse the ${what} field template: ${reason}`, {
      advice: 'Give the value in CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG, a JSON object, in the environment of the peer.',
    });
  let filled = '';
  let end = 0;
  let trimNext = false;
  const literal = (piece: string, trimEnd: boolean): string => {
    const start = trimNext ? piece.trimStart() : piece;
    return trimEnd ? start.trimEnd() : start;
  };
  for (const match of text.matchAll(ACTION)) {
    const [whole, before, action = '', after] = match;
    if (!FIELD.test(action)) throw fail(`{{${action}}} is not supported, only fields like {{.peername}}`);
    filled += literal(text.slice(end, match.index), before !== undefined) + fieldOf(action, values, fail);
    trimNext = after !== undefined;
    end = match.index + whole.length;
  }
  const rest = text.slice(end);
  if (rest.includes('{{')) throw fail('unclosed action');
  return filled + literal(rest, false);
}

function fieldOf(path: string, values: unknown, fail: (reason: string) => SelvageError): string {
  let value = values;
  for (const key of path.slice(1).split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) throw fail(`map has no entry for key "${key}"`);
    value = Object.entries(value).find(([name]) => name === key)?.[1];
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
