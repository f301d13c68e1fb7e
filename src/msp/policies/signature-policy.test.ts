import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { textOf, utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import type { Identity, IdentityDeserializer } from '../identity.ts';
import { acceptAll, rejectAll } from './common-policies.ts';
import { signersOf } from './identity-policy.ts';
import { type SignedData, SignedParts, type Verdict } from './policy.ts';
import { parsePolicyText } from './policy-text.ts';
import { signaturePolicy } from './signature-policy.ts';

/** Somebody called `Org1.peer` satisfies the principals `Org1.peer` and `Org1.member`; a signature is good when it says so. */
function person(name: string, log: string[] = []): Identity {
  const [mspId = '', role = ''] = name.replace(/#.*/, '').split('.');
  return {
    mspId,
    id: name,
    serialized: utf8(name),
    notAfter: new Date(0),
    validate: () => undefined,
    verify: (_, signature) => {
      log.push(`${name}:${textOf(signature)}`);
      return Promise.resolve(textOf(signature) === 'good');
    },
    dissatisfaction: ({ principal }) => {
      const wanted = common.MSPRole.decode(principal);
      const roleName = Object.entries(common.MSPRole_MSPRoleType)
        .find(([, number]) => number === wanted.role)?.[0]
        .toLowerCase();
      return wanted.mspIdentifier === mspId && (roleName === 'member' || roleName === role) ? undefined : 'somebody else';
    },
  };
}

const people = (log: string[] = []): IdentityDeserializer => ({
  deserialize: (bytes) => {
    if (textOf(bytes) === 'unreadable') throw new SelvageError('IDENTITY_INVALID', 'unreadable');
    return person(textOf(bytes), log);
  },
});

const signed = (...claims: readonly string[]): SignedData[] =>
  claims.map((claim) => {
    const [name = '', signature = 'good'] = claim.split(':');
    return { data: utf8('data'), identity: utf8(name), signature: utf8(signature) };
  });

const encode = (envelope: common.SignaturePolicyEnvelopeInit): Uint8Array => common.SignaturePolicyEnvelope.encode(envelope);
const evaluate = (policy: string | common.SignaturePolicyEnvelopeInit, ...claims: readonly string[]): Promise<Verdict> =>
  signaturePolicy(encode(typeof policy === 'string' ? parsePolicyText(policy) : policy), people()).evaluate(signed(...claims));
const passes = async (policy: string | common.SignaturePolicyEnvelopeInit, ...claims: readonly string[]): Promise<boolean> =>
  (await evaluate(policy, ...claims)).ok;

describe('who signed', () => {
  it('is known after one check each; bad, unreadable and repeated ones are left out', async () => {
    const log: string[] = [];
    const identities = await signersOf(signed('A.peer', 'unreadable', 'B.peer:bad', 'A.peer', 'C.peer', 'A.peer:bad'), people(log));
    assert.deepEqual(
      identities.map(({ id }) => id),
      ['A.peer', 'C.peer'],
    );
    assert.deepEqual(log, ['A.peer:good', 'B.peer:bad', 'C.peer:good']);
  });

  it('counts a good signature after a bad one of the same identity', async () => {
    const identities = await signersOf(signed('A.peer:bad', 'B.peer', 'A.peer'), people());
    assert.deepEqual(
      identities.map(({ id }) => id),
      ['B.peer', 'A.peer'],
    );
  });
});

describe('a list of signatures', () => {
  it('is checked once, whatever the number of policies that judge it', async () => {
    const log: string[] = [];
    const reader = people(log);
    const list = signed('A.peer', 'B.peer:bad');
    for (const text of ["OR('A.member','B.member')", "AND('A.member','B.member')", "OR('A.peer','A.admin')"])
      await signaturePolicy(encode(parsePolicyText(text)), reader).evaluate(list);
    assert.deepEqual(log, ['A.peer:good', 'B.peer:bad']);
  });

  it('has few of its messages in memory at a time when each is large', async () => {
    const part = new Uint8Array(1024 * 1024);
    let [waiting, most] = [0, 0];
    const slow: IdentityDeserializer = {
      deserialize: (bytes) => ({
        ...person(textOf(bytes)),
        verify: async ({ length }) => {
          waiting += length;
          most = Math.max(most, waiting);
          await new Promise((resolve) => setImmediate(resolve));
          waiting -= length;
          return true;
        },
      }),
    };
    const list = Array.from(
      { length: 40 },
      (_, at) => new SignedParts([part], { identity: utf8(`A.peer#${at}`), signature: utf8('good') }),
    );
    assert.equal((await signersOf(list, slow)).length, 40);
    assert.ok(most <= 6 * part.length, `${most} bytes waited`);
  });
});

describe('a signature policy', () => {
  it('counts each identity once', async () => {
    assert.ok(await passes("AND('A.member','B.member')", 'A.peer', 'B.peer'));
    assert.ok(!(await passes("AND('A.member','B.member')", 'A.peer')));
    assert.ok(!(await passes("AND('A.member','A.member')", 'A.peer', 'A.peer')));
    assert.ok(await passes("AND('A.member','A.member')", 'A.peer#1', 'A.peer#2'));
    assert.deepEqual(await evaluate("OR('A.member')", 'B.peer'), { ok: false, reason: 'signature set did not satisfy policy' });
  });

  it('ignores signatures that are bad, and identities it does not ask for', async () => {
    assert.ok(!(await passes("OR('A.member')", 'A.peer:bad')));
    assert.ok(await passes("OR('A.member')", 'B.peer', 'A.peer:bad', 'unreadable', 'A.client'));
  });

  it('marks greedily: the first identity that fits is used up, even where another order would do', async () => {
    assert.ok(!(await passes("AND('A.member','A.admin')", 'A.admin', 'A.peer')));
    assert.ok(await passes("AND('A.admin','A.member')", 'A.admin', 'A.peer'));
    assert.ok(await passes("AND('A.member','A.admin')", 'A.peer', 'A.admin'));
  });

  it('gives back what a failed rule used up', async () => {
    assert.ok(await passes("OR(AND('A.member','B.member'),'A.member')", 'A.peer'));
    assert.ok(await passes("AND(OR(AND('A.member','B.member'),'C.member'),'A.member')", 'A.peer', 'C.peer'));
  });

  it('tries every rule, also after enough succeeded, and what those use up is gone', async () => {
    assert.ok(!(await passes("AND(OutOf(1,'A.peer','A.admin'),'A.member')", 'A.peer', 'A.admin')));
    assert.ok(await passes("AND(OutOf(1,'A.peer','A.admin'),'A.member')", 'A.peer', 'A.admin', 'A.client'));
  });

  it('takes 0 of n from anybody and more than n from nobody', async () => {
    assert.ok(await passes(acceptAll));
    assert.ok(!(await passes(rejectAll, 'A.peer')));
    assert.ok(await passes("OutOf(0,'A.member')"));
    assert.ok(!(await passes("OutOf(3,'A.member','A.member')", 'A.peer', 'A.admin')));
  });

  it('is refused when malformed', () => {
    const refuse = (bytes: Uint8Array): void => assert.throws(() => signaturePolicy(bytes, people()), { code: 'MALFORMED' });
    refuse(new Uint8Array([255]));
    refuse(encode({ version: 1, ...acceptAll }));
    refuse(encode({}));
    refuse(encode({ rule: {} }));
    refuse(encode({ rule: { signedBy: 0 } }));
    refuse(encode({ rule: { nOutOf: { n: 1, rules: [{ signedBy: -1 }] } }, identities: [{}] }));
    refuse(encode({ rule: { nOutOf: { n: 1, rules: [{}] } } }));
  });

  it('keeps its principals when the buffer it came in is used again', async () => {
    const bytes = encode(parsePolicyText("OR('A.member')"));
    const policy = signaturePolicy(bytes, people());
    bytes.fill(0);
    assert.ok((await policy.evaluate(signed('A.peer'))).ok);
  });
});
