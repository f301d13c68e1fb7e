/** What is wrong with the text of a policy, for the person who wrote it: Fabric's own words come from its expression library. */

import { MAX_DEPTH } from './policy-text-tokens.ts';

/** `at` is where in the text. */
type Piece = { readonly at: number } & (
  | { readonly kind: 'quoted'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  /** A word without quotes, dots and all. */
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: '(' | ')' | ',' | 'end' }
);

const ROLES = ['member', 'admin', 'client', 'peer', 'orderer'];
const GATES: ReadonlyMap<string, string> = new Map(['AND', 'OR', 'OutOf'].map((gate) => [gate.toLowerCase(), gate]));
/** What Fabric 2.x takes for a gate. */
const SPELLINGS = ['AND', 'And', 'and', 'OR', 'Or', 'or', 'OutOf', 'outof', 'OUTOF'];
const PIECE = /\s*(?:([(),])|(['"])|(-?\d+(?:\.\d+)?)(?![\w.])|([\p{L}\d_.-]+))/uy;

/** One fault is enough: what comes behind it is often its consequence. */
class Fault extends Error {}

/** The first thing that is wrong, as half a sentence; undefined for a text in which nothing is found. */
export function policyTextFault(text: string): string | undefined {
  try {
    new Reader(piecesOf(text)).policy();
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.message;
    throw thrown;
  }
  return undefined;
}

function piecesOf(text: string): readonly Piece[] {
  const curly = /[\u2018\u2019\u201c\u201d\u00b4`]/.exec(text);
  if (curly !== null) throw new Fault(`quotes have to be straight (' or "), not ${curly[0]}`);
  const pieces: Piece[] = [];
  PIECE.lastIndex = 0;
  for (;;) {
    const start = PIECE.lastIndex;
    const found = PIECE.exec(text);
    if (found === null) {
      const rest = text.slice(start).trimStart();
      if (rest !== '') throw new Fault(`${[...rest][0]} has no meaning in a policy, ${placeOf(text.length - rest.length)}`);
      return [...pieces, { kind: 'end', at: text.length }];
    }
    const [, sign, quote, number, word] = found;
    const at = PIECE.lastIndex - (sign ?? quote ?? number ?? word ?? '').length;
    if (sign === '(' || sign === ')' || sign === ',') pieces.push({ kind: sign, at });
    else if (quote !== undefined) {
      const end = text.indexOf(quote, PIECE.lastIndex);
      if (end < 0) throw new Fault(`the quote that opens ${placeOf(at)} is not closed`);
      pieces.push({ kind: 'quoted', text: text.slice(PIECE.lastIndex, end), at });
      PIECE.lastIndex = end + 1;
    } else if (number !== undefined) pieces.push({ kind: 'number', text: number, at });
    else pieces.push({ kind: 'word', text: word ?? '', at });
  }
}

const placeOf = (at: number): string => `at character ${at + 1}`;

class Reader {
  readonly #pieces: readonly Piece[];
  #at = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  policy(): void {
    const first = this.#next();
    if (first.kind === 'end') throw new Fault('it is empty');
    if (first.kind === 'quoted') {
      checkPrincipal(first.text);
      throw new Fault(`'${first.text}' stands alone: write OR('${first.text}')`);
    }
    this.#gate(first, 0);
    const rest = this.#next();
    if (rest.kind === ')') throw new Fault(`there is one ) too many, ${placeOf(rest.at)}`);
    if (rest.kind !== 'end')
      throw infix(rest) ?? new Fault(`a policy is one gate around all the rest, and more follows ${placeOf(rest.at)}`);
  }

  #next(): Piece {
    const piece = this.#pieces[this.#at] ?? { kind: 'end', at: 0 };
    this.#at += 1;
    return piece;
  }

  #gate(word: Piece, depth: number): void {
    if (word.kind !== 'word') throw new Fault(`a gate like OR(…) is expected ${placeOf(word.at)}`);
    const gate = GATES.get(word.text.toLowerCase());
    const spelt = SPELLINGS.includes(word.text);
    const called = this.#pieces[this.#at]?.kind === '(';
    if (gate === undefined && !called) throw unquoted(word.text);
    if (gate === undefined) throw new Fault(`there is no gate ${word.text}: gates are AND, OR and OutOf`);
    if (gate !== undefined && !spelt) throw new Fault(`the gate ${word.text} is written ${gate}`);
    if (!called) throw new Fault(`${word.text} is written before what it joins, in parentheses: ${gate}(…)`);
    if (depth >= MAX_DEPTH) throw new Fault(`gates are nested more than ${MAX_DEPTH} deep ${placeOf(word.at)}`);
    this.#at += 1;
    const count = this.#arguments(gate, depth);
    if (count === 0 || (gate === 'OutOf' && count === 1)) throw new Fault(`${gate} has nothing to choose from`);
  }

  /** @returns how many there are */
  #arguments(gate: string, depth: number): number {
    let count = 0;
    let wanted: number | undefined;
    for (;;) {
      const piece = this.#next();
      if (piece.kind === ')' && count === 0) return 0;
      if (piece.kind === 'end') throw new Fault('a closing parenthesis is missing at the end');
      if (piece.kind === ')' || piece.kind === ',') throw new Fault(`there is nothing before the ${piece.kind} ${placeOf(piece.at)}`);
      if (piece.kind === '(') throw new Fault(`the ( ${placeOf(piece.at)} belongs to no gate`);
      if (gate === 'OutOf' && count === 0) wanted = countIn(piece);
      else this.#operand(piece, depth + 1);
      count += 1;
      const after = this.#next();
      if (after.kind === ')') break;
      if (after.kind === 'end') throw new Fault('a closing parenthesis is missing at the end');
      if (after.kind !== ',') throw infix(after) ?? new Fault(`a comma is missing ${placeOf(after.at)}`);
    }
    if (wanted !== undefined && (wanted < 0 || wanted > count)) throw new Fault(`OutOf asks for ${wanted} of ${count - 1}`);
    return count;
  }

  #operand(piece: Piece, depth: number): void {
    if (piece.kind === 'quoted') checkPrincipal(piece.text);
    else if (piece.kind === 'number') throw new Fault(`the number ${piece.text} ${placeOf(piece.at)} stands where a principal is expected`);
    else this.#gate(piece, depth);
  }
}

function countIn(piece: Piece): number {
  const text = piece.kind === 'number' || piece.kind === 'quoted' ? piece.text : '';
  if (/^-?\d+(\.\d+)?$/.test(text)) return Math.trunc(Number(text));
  throw new Fault('OutOf begins with how many are needed: OutOf(1, …)');
}

/** A gate between what it joins, as in `a OR b`. */
function infix(piece: Piece): Fault | undefined {
  const gate = piece.kind === 'word' ? GATES.get(piece.text.toLowerCase()) : undefined;
  if (gate === undefined || piece.kind !== 'word') return undefined;
  return new Fault(`${piece.text} stands between what it joins, ${placeOf(piece.at)}: write ${gate}(a, b), not a ${gate} b`);
}

function unquoted(word: string): Fault {
  return word.includes('.')
    ? new Fault(`quotes are missing around ${word}`)
    : new Fault(`${word} is neither a gate nor a principal in quotes`);
}

function checkPrincipal(text: string): void {
  const dot = text.lastIndexOf('.');
  if (dot < 0) throw new Fault(`'${text}' names no role: write '${text || 'Org1MSP'}.member', or another of ${ROLES.join(', ')}`);
  const [mspId, role] = [text.slice(0, dot), text.slice(dot + 1)];
  if (mspId === '') throw new Fault(`'${text}' names no MSP before its role`);
  const [stray] = /[^A-Za-z0-9.-]/u.exec(mspId) ?? [];
  if (stray === '_') throw new Fault(`an MSP id with an underscore, like ${mspId}, cannot stand in a policy text; in Fabric neither`);
  if (stray !== undefined) throw new Fault(`${JSON.stringify(stray)} in '${text}' cannot be part of an MSP id in a policy text`);
  if (ROLES.includes(role)) return;
  const small = role.trim().toLowerCase();
  if (ROLES.includes(small)) throw new Fault(`roles are written small, without spaces: '${mspId}.${small}', not '${text}'`);
  throw new Fault(`there is no role ${role || "''"} as in '${text}': roles are ${ROLES.join(', ')}`);
}
