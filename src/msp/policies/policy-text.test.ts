import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, readFixtureJson } from '../../../test/fixtures.ts';
import { runs } from '../../../test/runs.ts';
import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import { acceptAll, type RoleName, rejectAll, signedByAllOf, signedByAnyOf } from './common-policies.ts';
import type { FabricDialect } from './dialect.ts';
import { parseImplicitMetaText, parsePolicyText } from './policy-text.ts';

interface Recorded {
  readonly dsl: string;
  readonly signaturePolicyEnvelopeHex?: string;
  readonly error?: string;
}

const envelopeHex = (envelope: common.SignaturePolicyEnvelopeInit): string => hex(common.SignaturePolicyEnvelope.encode(envelope));

describe.skipIf(!fixtures)('policy texts, as Fabric read them', () => {
  const vectors = <T>(file: string, name: string): readonly T[] =>
    (readFixtureJson(`pure/${file}`) as Record<string, readonly T[]>)[name] ?? [];

  const outcomes = (recorded: readonly Recorded[], dialect: FabricDialect): unknown[] =>
    recorded.map(({ dsl }) => {
      try {
        return { dsl, result: envelopeHex(parsePolicyText(dsl, { dialect })) };
      } catch (error) {
        return { dsl, result: (error as Error).message };
      }
    });

  const expected = (recorded: readonly Recorded[]): unknown[] =>
    recorded.map(({ dsl, signaturePolicyEnvelopeHex, error }) => ({ dsl, result: signaturePolicyEnvelopeHex ?? error }));

  it('gives the bytes and refusals of 1.1', () => {
    const recorded = vectors<Recorded>('functions-v1.1.json', 'policyDslV11');
    assert.equal(recorded.length, 30);
    assert.deepEqual(outcomes(recorded, '1.1'), expected(recorded));
  });

  it('gives the bytes and refusals of 2.4', () => {
    const recorded = vectors<Recorded>('functions-v2.4.json', 'policyDslV24');
    assert.equal(recorded.length, 30);
    assert.deepEqual(outcomes(recorded, '2.x'), expected(recorded));
  });

  it('gives the bytes and refusals of implicit meta rules', () => {
    const recorded = vectors<{ rule: string; implicitMetaPolicyHex?: string; error?: string }>('functions-v2.4.json', 'implicitMeta');
    assert.equal(recorded.length, 7);
    for (const { rule, implicitMetaPolicyHex, error } of recorded) {
      if (error === undefined) assert.equal(hex(common.ImplicitMetaPolicy.encode(parseImplicitMetaText(rule))), implicitMetaPolicyHex);
      else assert.throws(() => parseImplicitMetaText(rule), { code: 'MALFORMED', message: error });
    }
  });

  it('makes the key-level policies that shims make', () => {
    const recorded = vectors<{ orgs: string[]; role: RoleName; signaturePolicyEnvelopeHex: string }>(
      'functions-v2.4.json',
      'stateBasedPolicy',
    );
    assert.equal(recorded.length, 6);
    for (const { orgs, role, signaturePolicyEnvelopeHex } of recorded) {
      assert.equal(envelopeHex(signedByAllOf(orgs, role)), signaturePolicyEnvelopeHex);
    }
  });
});

describe('policy texts', () => {
  const refusal = (text: string, dialect: FabricDialect = '2.x'): string => {
    try {
      parsePolicyText(text, { dialect });
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };

  it('numbers the principals of nested gates before the gate’s own', () => {
    const text = "AND('Org1MSP.member',OR('Org2MSP.peer','Org1MSP.admin'))";
    assert.equal(
      envelopeHex(parsePolicyText(text)),
      '12161214080212020802120c120a080112020800120208011a0d120b0a074f7267324d535010031a0d120b0a074f7267314d535010011a0b12090a074f7267314d5350',
    );
  });

  it('knows And and Or since 2.x only', () => {
    assert.equal(refusal("And('A.member')"), 'accepted');
    assert.equal(refusal("Or('A.member')"), 'accepted');
    assert.equal(refusal("And('A.member')", '1.1'), 'Cannot transition token types from VARIABLE [And] to CLAUSE [40]');
  });

  it('refuses what follows a policy, what is cut off, and what is no policy at all', () => {
    for (const text of [
      "OR('A.member') OR('B.member')",
      "OR('A.member',)",
      "OR(,'A.member')",
      "OR('A.member",
      '5',
      ')',
      '(',
      "OR('A.member' 'B.member')",
      'A',
      "OutOf('x','A.member')",
      "OutOf(OR('A.peer'),'A.member')",
      'OR(5)',
      "('A.member')",
      "OR('')",
      'OR(#)',
    ]) {
      assert.notEqual(refusal(text), 'accepted', text);
    }
  });

  it('reads or refuses whatever is written', () => {
    const pieces = fc.constantFrom(
      'AND(',
      'OR(',
      'OutOf(',
      '(',
      ')',
      ',',
      ' ',
      "'A.member'",
      '"B.peer"',
      "'x'",
      "'",
      '1',
      '-2',
      '.',
      'word',
      '#',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), fc.constantFrom<FabricDialect>('1.1', '2.x'), (words, dialect) => {
        try {
          common.SignaturePolicyEnvelope.encode(parsePolicyText(words.join(''), { dialect }));
        } catch (thrown) {
          return thrown instanceof SelvageError && thrown.code === 'MALFORMED';
        }
        return true;
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('refuses numbers that the wire has no room for', () => {
    assert.match(refusal("OutOf(-99999999999,'A.member')", '1.1'), /^Invalid t-out-of-n predicate/);
    assert.match(refusal("OutOf(99999999999,'A.member')", '1.1'), /^Invalid t-out-of-n predicate/);
  });

  it('refuses gates without end', () => {
    assert.match(refusal(`${'OR('.repeat(5_000)}'A.member'${')'.repeat(5_000)}`), /nested/);
  });

  it('has policies of its own for everybody, nobody and anybody', () => {
    assert.equal(envelopeHex(acceptAll), '12021200');
    assert.equal(envelopeHex(rejectAll), '120412020801');
    assert.equal(
      envelopeHex(signedByAnyOf(['Org2MSP', 'Org1MSP'], 'MEMBER')),
      envelopeHex(parsePolicyText("OR('Org1MSP.member','Org2MSP.member')")),
    );
  });
});
