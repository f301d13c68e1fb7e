import { common } from '../../protos/messages.ts';
import type { FabricDialect } from './dialect.ts';
import { type Gate, MAX_DEPTH, type PolicyToken, refused, STRAY_DOT, tokensOf } from './policy-text-tokens.ts';

type Expression =
  | { readonly kind: 'gate'; readonly gate: Gate; readonly args: readonly Expression[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number };

export interface PolicyTextOptions {
  readonly dialect?: FabricDialect;
}

/** The wire has 32 bits for n. */
const LEAST_INT32 = -(2 ** 31);

const ROLES: ReadonlyMap<string, number> = new Map(
  Object.entries(common.MSPRole_MSPRoleType).map(([name, role]) => [name.toLowerCase(), role] as const),
);

/**
 * The policy that a text like `AND('Org1MSP.member', OutOf(1, 'Org2MSP.peer', 'Org3MSP.peer'))` stands for.
 *
 * Nested gates number their principals first, depth first from left to right, then the gate its own; equal principals are
 * not merged. `OutOf` takes 0 up to one more than there are; Fabric 1.1 also takes a negative number.
 * @throws {SelvageError} `MALFORMED`, with Fabric's text
 * @see FromString in hyperledger/fabric v2.5, common/policydsl/policyparser.go; v1.1, common/cauthdsl/policyparser.go
 */
export function parsePolicyText(text: string, { dialect = '2.x' }: PolicyTextOptions = {}): common.SignaturePolicyEnvelopeInit {
  const expression = new ExpressionReader(tokensOf(text, dialect)).whole();
  if (expression.kind === 'number') throw refused(`invalid policy string '${text}'`);
  if (expression.kind === 'text') throw strayText(expression.text);
  const envelope = new EnvelopeWriter(dialect);
  const rule = envelope.gate(expression);
  return { version: 0, rule, identities: envelope.principals };
}

class ExpressionReader {
  readonly #tokens: readonly PolicyToken[];
  #at = 0;

  constructor(tokens: readonly PolicyToken[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#expression(0);
    const extra = this.#tokens[this.#at];
    if (extra !== undefined) throw refused(`invalid policy string: unexpected ${extra.kind}`);
    return expression;
  }

  #expression(depth: number): Expression {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (token === undefined) throw refused('Unexpected end of expression');
    if (token.kind === 'text' || token.kind === 'number') return token;
    if (token.kind === 'word') throw unrecognized(token.word);
    if (token.kind !== 'gate') throw refused(`invalid policy string: unexpected ${token.kind}`);
    if (depth >= MAX_DEPTH) throw refused(`invalid policy string: gates nested more than ${MAX_DEPTH} deep`);
    return { kind: 'gate', gate: token.gate, args: this.#args(depth + 1) };
  }

  #args(depth: number): Expression[] {
    const args: Expression[] = [];
    if (this.#take(')')) return args;
    do args.push(this.#expression(depth));
    while (this.#take(','));
    if (!this.#take(')')) throw refused('invalid policy string: expected , or )');
    return args;
  }

  #take(kind: ')' | ','): boolean {
    const found = this.#tokens[this.#at]?.kind === kind;
    if (found) this.#at += 1;
    return found;
  }
}

/** Collects principals while gates become rules. */
class EnvelopeWriter {
  readonly principals: common.MSPPrincipalInit[] = [];
  readonly #dialect: FabricDialect;

  constructor(dialect: FabricDialect) {
    this.#dialect = dialect;
  }

  gate({ gate, args }: Extract<Expression, { kind: 'gate' }>): common.SignaturePolicyInit {
    const given = gate === 'OutOf' ? args.length : args.length + 1;
    if (given < 2) throw refused(`${this.#word('Expected')} at least two arguments to NOutOf. Given ${given}`);
    const operands = gate === 'OutOf' ? args.slice(1) : args;
    const nested = operands.map((operand) => (operand.kind === 'gate' ? this.gate(operand) : undefined));
    const n = gate === 'AND' ? operands.length : gate === 'OR' ? 1 : this.#count(args[0]);
    if (n < (this.#dialect === '2.x' ? 0 : LEAST_INT32) || n > operands.length + 1) {
      throw refused(`${this.#word('Invalid')} t-out-of-n predicate, t ${n}, n ${operands.length}`);
    }
    const rules = operands.map((operand, at) => nested[at] ?? { signedBy: this.#principal(operand) });
    return { nOutOf: { n, rules } };
  }

  #count(expression: Expression | undefined): number {
    if (expression?.kind === 'number') return Math.trunc(expression.value);
    if (expression?.kind === 'text') {
      if (/^-?\d+$/.test(expression.text)) return Number(expression.text);
      throw strayText(expression.text);
    }
    throw refused(`${this.#word('Unrecognized')} type, expected a number, got string`);
  }

  /** @returns the index of the principal that this adds */
  #principal(operand: Expression): number {
    if (operand.kind !== 'text') throw refused(`${this.#word('Unexpected')} type float64`);
    const match = /^([A-Za-z0-9.-]+)\.(admin|member|client|peer|orderer)$/.exec(operand.text);
    const [, mspIdentifier, name = ''] = match ?? [];
    const role = ROLES.get(name);
    if (mspIdentifier === undefined || role === undefined) throw strayText(operand.text);
    if (name === 'orderer' && this.#dialect === '1.1') throw refused(`Error parsing role ${operand.text}`);
    return this.principals.push(rolePrincipal(mspIdentifier, role)) - 1;
  }

  /** 1.1 begins these messages with a capital letter, 2.x does not. */
  #word(word: string): string {
    return this.#dialect === '1.1' ? word : word.toLowerCase();
  }
}

const rolePrincipal = (mspIdentifier: string, role: number): common.MSPPrincipalInit => ({
  principalClassification: common.MSPPrincipal_Classification.ROLE,
  principal: common.MSPRole.encode({ mspIdentifier, role }),
});

const unrecognized = (word: string): Error => refused(`unrecognized token '${word}' in policy string`);

/** What is quoted but no principal Fabric puts back into the text without its quotes, and then fails to read it. */
function strayText(text: string): Error {
  if (text.includes('.')) return refused(STRAY_DOT);
  const word = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text)?.[0];
  return word === undefined ? refused(`invalid policy string '${text}'`) : unrecognized(word);
}

/**
 * The rule that a text like `MAJORITY Admins` stands for, as configuration files have it.
 * @throws {SelvageError} `MALFORMED`, with Fabric's text
 * @see ImplicitMetaFromString in hyperledger/fabric v2.5, common/policies/implicitmetaparser.go
 */
export function parseImplicitMetaText(text: string): common.ImplicitMetaPolicyInit {
  const words = text.split(' ');
  const [rule = '', subPolicy] = words;
  if (words.length !== 2 || subPolicy === undefined) throw refused(`expected two space separated tokens, but got ${words.length}`);
  const { ANY, ALL, MAJORITY } = common.ImplicitMetaPolicy_Rule;
  const known = new Map<string, number>([
    ['ANY', ANY],
    ['ALL', ALL],
    ['MAJORITY', MAJORITY],
  ]).get(rule);
  if (known === undefined) throw refused(`unknown rule type '${rule}', expected ALL, ANY, or MAJORITY`);
  return { subPolicy, rule: known };
}
