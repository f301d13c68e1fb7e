import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { common } from '../../protos/messages.ts';
import type { Identity, IdentityDeserializer } from '../identity.ts';
import { applicationPolicy } from './application-policy.ts';
import { acceptAll, rejectAll } from './common-policies.ts';
import type { Verdict } from './policy.ts';
import { parseImplicitMetaText, parsePolicyText } from './policy-text.ts';
import { type PolicyGroup, PolicyTree } from './policy-tree.ts';

const TYPE = common.Policy_PolicyType;
const nobody: IdentityDeserializer = {
  deserialize: (): Identity => {
    throw new Error('nobody is asked here');
  },
};

const signature = (envelope: common.SignaturePolicyEnvelopeInit): common.Policy => ({
  type: TYPE.SIGNATURE,
  value: common.SignaturePolicyEnvelope.encode(envelope),
});
const meta = (text: string): common.Policy => ({
  type: TYPE.IMPLICIT_META,
  value: common.ImplicitMetaPolicy.encode(parseImplicitMetaText(text)),
});
const group = (policies: Record<string, common.Policy | undefined>, groups: Record<string, PolicyGroup> = {}): PolicyGroup => ({
  policies: new Map(Object.entries(policies).map(([name, policy]) => [name, { policy }])),
  groups: new Map(Object.entries(groups)),
});
const yes = signature(acceptAll);
const no = signature(rejectAll);

const tree = (root: PolicyGroup, dialect?: '1.1' | '2.x'): PolicyTree =>
  new PolicyTree({ group: root, deserializer: nobody, ...(dialect && { dialect }) });
const judge = (root: PolicyGroup, path: string, dialect?: '1.1' | '2.x'): Promise<Verdict> => tree(root, dialect).get(path).evaluate([]);

const someOf = (n: number, ...principals: number[]): common.SignaturePolicy => ({
  signedBy: undefined,
  nOutOf: { n, rules: principals.map((signedBy) => ({ signedBy, nOutOf: undefined })) },
});

describe('an implicit meta policy', () => {
  const organisations = (...answers: (common.Policy | undefined)[]): Record<string, PolicyGroup> =>
    Object.fromEntries(answers.map((answer, at) => [`Org${at}`, group(answer === undefined ? {} : { Admins: answer })]));
  const passes = async (rule: string, ...answers: (common.Policy | undefined)[]): Promise<boolean> =>
    (await judge(group({ Admins: meta(`${rule} Admins`) }, organisations(...answers)), '/Channel/Admins')).ok;

  it('counts the groups below, also those that lack the policy', async () => {
    assert.ok(await passes('ANY', no, yes, undefined));
    assert.ok(!(await passes('ANY', no, undefined)));
    assert.ok(await passes('ALL', yes, yes));
    assert.ok(!(await passes('ALL', yes, undefined)));
    assert.ok(await passes('MAJORITY', yes, yes, no));
    assert.ok(!(await passes('MAJORITY', yes, yes, no, undefined)));
    assert.ok(await passes('MAJORITY', yes));
  });

  it('is also a signature policy, which names each principal once, unless a group below lacks the policy', () => {
    const ofOrgs = (...texts: string[]) =>
      organisations(...texts.map((text) => signature(parsePolicyText(text))), signature(parsePolicyText("OR('A.admin')")));
    const root = group({ Admins: meta('MAJORITY Admins') }, ofOrgs("OR('A.admin','B.peer')", "AND('B.peer','C.admin')"));
    const written = tree(root).get('/Channel/Admins').asSignaturePolicy();
    assert.deepEqual(written && common.SignaturePolicyEnvelope.decode(common.SignaturePolicyEnvelope.encode(written)).rule?.nOutOf, {
      n: 2,
      rules: [someOf(1, 0, 1), someOf(2, 1, 2), someOf(1, 0)],
    });
    assert.equal(written?.identities.length, 3);
    const lacking = group({ Admins: meta('ANY Admins') }, { ...ofOrgs(), Other: group({}) });
    assert.equal(tree(lacking).get('/Channel/Admins').asSignaturePolicy(), undefined);
    assert.equal(tree(root).get('/Channel/Absent').asSignaturePolicy(), undefined);
  });

  it('passes when there is nobody below', async () => {
    for (const rule of ['ANY', 'ALL', 'MAJORITY']) assert.ok(await passes(rule));
  });

  it('says how much is missing, as 2.x and as 1.1 said it', async () => {
    const root = group({ Admins: meta('MAJORITY Admins') }, organisations(yes, no, no));
    assert.deepEqual(await judge(root, '/Channel/Admins'), {
      ok: false,
      reason:
        "implicit policy evaluation failed - 1 sub-policies were satisfied, but this policy requires 2 of the 'Admins' sub-policies to be satisfied",
    });
    assert.deepEqual(await judge(root, '/Channel/Admins', '1.1'), {
      ok: false,
      reason: 'Failed to reach implicit threshold of 2 sub-policies, required 1 remaining',
    });
  });
});

describe('the policies of a channel', () => {
  const root = group(
    { Readers: no },
    { Application: group({ Writers: yes, Admins: meta('ALL Admins') }, { Org1: group({ Admins: yes }) }) },
  );

  it('are found by absolute and relative names, from wherever one stands', async () => {
    for (const path of [
      '/Channel/Application/Writers',
      'Application/Writers',
      '/Channel/Application/Org1/Admins',
      '/Channel/Application/Admins',
    ]) {
      assert.ok(tree(root).has(path), path);
      assert.ok((await judge(root, path)).ok, path);
    }
    const application = tree(root).sub(['Application']);
    assert.ok(application !== undefined);
    for (const path of ['Writers', 'Org1/Admins', '/Channel/Application/Writers']) assert.ok(application.has(path), path);
    assert.ok(!application.has('/Channel/Readers'));
    assert.ok(tree(root).sub(['Application', 'Org1'])?.has('Admins'));
    assert.equal(tree(root).sub(['Application', 'Org2']), undefined);
    assert.ok(tree(root).sub([])?.has('Readers'));
  });

  it('refuse everything where there is none', async () => {
    for (const path of [
      '/Channel/Application/Nope',
      '/Channel/Nope/Writers',
      '/Channel',
      '/',
      '',
      'Writers',
      '/Channels/Readers',
      '/Another/Readers',
      '/Application/Writers',
    ]) {
      assert.ok(!tree(root).has(path), path);
      assert.deepEqual(await judge(root, path), { ok: false, reason: `No such policy: '${path}'` });
    }
  });

  it('are all readable, or the configuration is refused', () => {
    const refuse = (policy: common.Policy | undefined, message: RegExp): void =>
      assert.throws(() => tree(group({}, { Application: group({ Bad: policy }) })), { code: 'CONFIG_INVALID', message });
    refuse(undefined, /policy Bad at path \/Channel\/Application was nil/);
    refuse({ type: TYPE.MSP, value: new Uint8Array() }, /unknown policy type: 2/);
    refuse({ type: TYPE.SIGNATURE, value: new Uint8Array([255]) }, /cannot decode/);
    refuse({ type: TYPE.IMPLICIT_META, value: new Uint8Array([255]) }, /cannot decode/);
    assert.throws(
      () =>
        tree(
          group(
            { Bad: { type: TYPE.IMPLICIT_META, value: common.ImplicitMetaPolicy.encode({ subPolicy: 'x', rule: 9 }) } },
            { A: group({}) },
          ),
        ),
      { code: 'CONFIG_INVALID', message: /rule 9/ },
    );
  });
});

describe('an application policy', () => {
  const policies = tree(group({}, { Application: group({ Endorsement: yes }) }));
  const evaluate = (policy: common.ApplicationPolicyInit): Promise<Verdict> =>
    applicationPolicy(common.ApplicationPolicy.encode(policy), { deserializer: nobody, policies }).evaluate([]);

  it('is a signature policy or names a policy of the channel', async () => {
    assert.ok((await evaluate({ signaturePolicy: acceptAll })).ok);
    assert.ok(!(await evaluate({ signaturePolicy: rejectAll })).ok);
    assert.ok((await evaluate({ channelConfigPolicyReference: '/Channel/Application/Endorsement' })).ok);
    assert.deepEqual(await evaluate({ channelConfigPolicyReference: '/Channel/Application/Nope' }), {
      ok: false,
      reason: "No such policy: '/Channel/Application/Nope'",
    });
  });

  it('is refused when it is neither', () => {
    for (const bytes of [new Uint8Array(), utf8('\u00ff\u00ff'), common.ApplicationPolicy.encode({ signaturePolicy: {} })]) {
      assert.throws(() => applicationPolicy(bytes, { deserializer: nobody, policies }), { code: 'MALFORMED' });
    }
  });
});
