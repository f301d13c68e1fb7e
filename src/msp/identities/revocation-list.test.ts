import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { issue, revocationList } from '../../../test/certificates.ts';
import { Certificate } from './certificate.ts';
import { derOfPem } from './pem.ts';
import { RevocationList } from './revocation-list.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a revocation list', () => {
  it('tells which serial numbers it lists, whose it is and who signed it, as PEM or DER', async () => {
    const root = await issue({ subject: 'CN=root', ca: true });
    const other = await issue({ subject: 'CN=root', ca: true });
    const [listed, free] = await Promise.all(
      ['77aa', '77ab'].map((serialNumber) => issue({ subject: 'CN=leaf', issuer: root, serialNumber })),
    );
    assert.ok(listed !== undefined && free !== undefined);
    const pem = await revocationList({ issuer: root, serialNumbers: ['01', '77aa'] });
    for (const form of [bytes(pem), derOfPem(pem)]) {
      const list = new RevocationList(form);
      assert.ok(list.lists(new Certificate(listed.der)));
      assert.ok(!list.lists(new Certificate(free.der)));
      assert.deepEqual(list.authorityKeyId, new Certificate(root.der).extensions.subjectKeyId);
      assert.ok(list.isSignedWith(new Certificate(root.der)));
      assert.ok(!list.isSignedWith(new Certificate(other.der)));
    }
  });

  it('may be empty', async () => {
    const root = await issue({ subject: 'CN=root', ca: true });
    const list = new RevocationList(bytes(await revocationList({ issuer: root, serialNumbers: [] })));
    assert.ok(!list.lists(new Certificate(root.der)));
    assert.deepEqual(list.authorityKeyId, new Certificate(root.der).extensions.subjectKeyId);
  });

  it('is refused when it is something else', () => {
    assert.throws(() => new RevocationList(bytes('no list')), { code: 'MALFORMED' });
  });
});
