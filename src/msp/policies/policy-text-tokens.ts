import { SelvageError } from '../../common/errors.ts';
import type { FabricDialect } from './dialect.ts';

/** Gates deeper than this are refused: nobody writes them, and evaluation recurses. */
export const MAX_DEPTH = 64;

export type Gate = 'AND' | 'OR' | 'OutOf';

/** A piece of a policy's text. A gate has taken its opening parenthesis with it. */
export type PolicyToken =
  | { readonly kind: 'gate'; readonly gate: Gate }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: ')' }
  | { readonly kind: ',' };

const GATES_1_1: ReadonlyMap<string, Gate> = new Map([
  ['AND', 'AND'],
  ['and', 'AND'],
  ['OR', 'OR'],
  ['or', 'OR'],
  ['OutOf', 'OutOf'],
  ['outof', 'OutOf'],
  ['OUTOF', 'OutOf'],
]);
const GATES_2: ReadonlyMap<string, Gate> = new Map([...GATES_1_1, ['And', 'AND'], ['Or', 'OR']]);

const PIECE =
  /\s*(?:(?<open>\()|(?<close>\))|(?<comma>,)|(?<quote>['"])|(?<number>-?\d+(?:\.\d+)?)|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<rest>\S))/y;

export const refused = (text: string): SelvageError => new SelvageError('MALFORMED', text);

/** What Fabric's expression library says about a dot where none may be; it ends in a line feed. */
export const STRAY_DOT = "Unable to parse numeric value '.' to float64\n";

/** @throws {SelvageError} `MALFORMED` with the text of that dialect's library */
export function tokensOf(text: string, dialect: FabricDialect): PolicyToken[] {
  const gates = dialect === '1.1' ? GATES_1_1 : GATES_2;
  const tokens: PolicyToken[] = [];
  let open = 0;
  PIECE.lastIndex = 0;
  for (let piece = PIECE.exec(text); piece !== null; piece = PIECE.exec(text)) {
    const { open: parenthesis, close, comma, quote, number, word, rest } = piece.groups ?? {};
    if (close !== undefined) {
      open -= 1;
      tokens.push({ kind: ')' });
    } else if (comma !== undefined) tokens.push({ kind: ',' });
    else if (number !== undefined) tokens.push({ kind: 'number', value: Number(number) });
    else if (quote !== undefined) {
      const end = text.indexOf(quote, PIECE.lastIndex);
      if (end < 0) throw refused('Unclosed string literal');
      tokens.push({ kind: 'text', text: text.slice(PIECE.lastIndex, end) });
      PIECE.lastIndex = end + 1;
    } else if (word !== undefined) {
      const called = /^\s*\(/.exec(text.slice(PIECE.lastIndex));
      if (called === null) tokens.push({ kind: 'word', word });
      else {
        PIECE.lastIndex += called[0].length;
        open += 1;
        tokens.push({ kind: 'gate', gate: gateOf(word, gates, dialect) });
      }
    } else if (parenthesis !== undefined) throw refused(`invalid policy string '${text}'`);
    else throw refused(rest === '.' ? STRAY_DOT : `Invalid token: '${rest}'`);
  }
  if (open !== 0) throw refused('Unbalanced parenthesis');
  return tokens;
}

function gateOf(word: string, gates: ReadonlyMap<string, Gate>, dialect: FabricDialect): Gate {
  const gate = gates.get(word);
  if (gate !== undefined) return gate;
  throw refused(dialect === '1.1' ? `Cannot transition token types from VARIABLE [${word}] to CLAUSE [40]` : `Undefined function ${word}`);
}
