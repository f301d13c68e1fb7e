import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { parsePolicyText } from './policy-text.ts';
import { policyTextFault } from './policy-text-fault.ts';

describe('what is wrong with the text of a policy', () => {
  it.each([
    ["OR('Org1MSP.Member')", "roles are written small, without spaces: 'Org1MSP.member', not 'Org1MSP.Member'"],
    ["OR('Org1MSP.member ')", "roles are written small, without spaces: 'Org1MSP.member', not 'Org1MSP.member '"],
    ["OR('Org1MSP.boss')", "there is no role boss as in 'Org1MSP.boss': roles are member, admin, client, peer, orderer"],
    ["OR('Org1_MSP.member')", 'an MSP id with an underscore, like Org1_MSP, cannot stand in a policy text; in Fabric neither'],
    ["OR('Örg.member')", `"Ö" in 'Örg.member' cannot be part of an MSP id in a policy text`],
    ["OR('Org1MSP')", "'Org1MSP' names no role: write 'Org1MSP.member', or another of member, admin, client, peer, orderer"],
    ["OR('.member')", "'.member' names no MSP before its role"],
    ['AND(Org1MSP.member,Org2MSP.member)', 'quotes are missing around Org1MSP.member'],
    ['OR(Org1MSP)', 'Org1MSP is neither a gate nor a principal in quotes'],
    ['OR(\u2018Org1MSP.member\u2019)', 'quotes have to be straight (\' or "), not \u2018'],
    ["OR('Org1MSP.member)", 'the quote that opens at character 4 is not closed'],
    ["OR ('Org1MSP.peer' OR 'Org2MSP.peer')", 'OR stands between what it joins, at character 20: write OR(a, b), not a OR b'],
    ["'Org1MSP.peer' and 'Org2MSP.peer'", "'Org1MSP.peer' stands alone: write OR('Org1MSP.peer')"],
    ["OR('A.peer') AND OR('B.peer')", 'AND stands between what it joins, at character 14: write AND(a, b), not a AND b'],
    ["OR('A.peer' 'B.peer')", 'a comma is missing at character 13'],
    ["OR('A.peer',)", 'there is nothing before the ) at character 13'],
    ["OR('A.peer',,'B.peer')", 'there is nothing before the , at character 13'],
    ["OR('A.peer'", 'a closing parenthesis is missing at the end'],
    ["OR('A.peer'))", 'there is one ) too many, at character 13'],
    ["SOME('A.peer')", 'there is no gate SOME: gates are AND, OR and OutOf'],
    ["oR('A.peer')", 'the gate oR is written OR'],
    ["OR 'A.peer'", 'OR is written before what it joins, in parentheses: OR(…)'],
    ["OutOf('A.peer','B.peer')", 'OutOf begins with how many are needed: OutOf(1, …)'],
    ["OutOf(4,'A.peer','B.peer')", 'OutOf asks for 4 of 2'],
    ["OutOf(-1,'A.peer')", 'OutOf asks for -1 of 1'],
    ['OutOf(1)', 'OutOf has nothing to choose from'],
    ['OR()', 'OR has nothing to choose from'],
    ["OR(1,'A.peer')", 'the number 1 at character 4 stands where a principal is expected'],
    ["OR('A.peer' & 'B.peer')", '& has no meaning in a policy, at character 13'],
    ['  ', 'it is empty'],
  ])('%s', (text, fault) => {
    expect(policyTextFault(text)).toBe(fault);
    expect(() => parsePolicyText(text)).toThrow();
  });

  it('is how deep its gates are nested, and none where that is as deep as may be', () => {
    const nested = (depth: number) => `${'OR('.repeat(depth)}'A.peer'${')'.repeat(depth)}`;
    for (const depth of [65, 100_000]) {
      expect(policyTextFault(nested(depth))).toBe('gates are nested more than 64 deep at character 193');
      expect(() => parsePolicyText(nested(depth))).toThrow('gates nested more than 64 deep');
    }
    expect(policyTextFault(nested(64))).toBeUndefined();
    expect(() => parsePolicyText(nested(64))).not.toThrow();
  });

  it('is found in every text that is refused, and in none that is not', () => {
    const principal = fc.constantFrom(
      "'A.member'",
      '"B-1.peer"',
      "'C.d.admin'",
      "'A.Member'",
      "'A_1.member'",
      'A.member',
      "''",
      '1',
      "'2'",
      'true',
    );
    const gate = fc.constantFrom('AND', 'Or', 'or', 'OutOf', 'OUTOF', 'aNd', 'SOME', '');
    const noise = fc.constantFrom('', '', '', '', '(', ')', ',', "'", ' OR ', '.', '&');
    const { policy } = fc.letrec<{ policy: string }>((tie) => ({
      policy: fc
        .tuple(
          gate,
          fc.constantFrom([], ['1'], ['2']),
          fc.array(fc.oneof({ maxDepth: 2 }, principal, tie('policy')), { maxLength: 3 }),
          noise,
        )
        .map(([word, count, operands, stray]) => `${word}(${[...count, ...operands].join(',')}${stray})`),
    }));
    fc.assert(
      fc.property(policy, (text) => {
        let refused = false;
        try {
          parsePolicyText(text);
        } catch {
          refused = true;
        }
        expect([text, policyTextFault(text) !== undefined]).toEqual([text, refused]);
      }),
      { numRuns: runs(2000) },
    );
  });
});
