import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { extendedKeyUsage, type Issued, type IssueOptions, issue, unknownCritical } from '../../../test/certificates.ts';
import { CaTree } from './ca-tree.ts';
import { Certificate } from './certificate.ts';

const SERVER = '1.3.6.1.5.5.7.3.1';
const CLIENT = '1.3.6.1.5.5.7.3.2';
const ANY = '2.5.29.37.0';

const read = ({ der }: Issued): Certificate => new Certificate(der);
const tree = (roots: readonly Issued[], intermediates: readonly Issued[] = []): CaTree =>
  new CaTree({ roots: roots.map(read), intermediates: intermediates.map(read) });
const subjects = (certificates: readonly Certificate[]): string[] => certificates.map(({ subject }) => subject);

const refuses = (authorities: CaTree, leaf: Issued, message: RegExp): void =>
  assert.throws(() => authorities.chainOf(read(leaf)), { code: 'IDENTITY_INVALID', message });

describe('a tree of certification authorities', () => {
  const leafOf = (issuer: Issued, options: Partial<IssueOptions> = {}): Promise<Issued> =>
    issue({ subject: 'CN=leaf', issuer, ...options });

  it('finds the chain over intermediates', async () => {
    const root = await issue({ subject: 'CN=root', ca: true });
    const middle = await issue({ subject: 'CN=middle', ca: true, issuer: root });
    const low = await issue({ subject: 'CN=low', ca: true, issuer: middle });
    const leaf = await leafOf(low);
    const authorities = tree([root], [low, middle]);
    assert.deepEqual(subjects(authorities.chainOf(read(leaf))), subjects([leaf, low, middle, root].map(read)));
    assert.equal(authorities.chainOf(read(root)).length, 1);
    assert.equal(authorities.find(read(middle))?.subject, read(middle).subject);
    assert.equal(authorities.find(read(leaf)), undefined);
  });

  it('refuses an unknown issuer, also one with a known name', async () => {
    const root = await issue({ subject: 'CN=root', ca: true });
    const namesake = await issue({ subject: 'CN=root', ca: true });
    const stranger = await issue({ subject: 'CN=stranger', ca: true });
    refuses(tree([root]), await leafOf(namesake), /signed by unknown authority/);
    refuses(tree([root]), await leafOf(stranger), /signed by unknown authority/);
    refuses(tree([root]), namesake, /signed by unknown authority/);
  });

  it('looks at the time when the certificate began: it may have ended since, its authority must have begun', async () => {
    const root = await issue({ subject: 'CN=root', ca: true, notBefore: '2020-01-01T00:00:00Z', notAfter: '2021-01-01T00:00:00Z' });
    const past = await leafOf(root, { notBefore: '2020-06-01T00:00:00Z', notAfter: '2020-07-01T00:00:00Z' });
    assert.equal(tree([root]).chainOf(read(past)).length, 2);
    refuses(tree([root]), await leafOf(root, { notBefore: '2019-12-31T23:59:58Z' }), /not yet valid/);
    refuses(tree([root]), await leafOf(root, { notBefore: '2021-01-01T00:00:00Z' }), /expired/);
    assert.equal(tree([root]).chainOf(read(await leafOf(root, { notBefore: '2019-12-31T23:59:59Z' }))).length, 2);
  });

  it('refuses issuers that are no authority, and paths that are too long', async () => {
    const root = await issue({ subject: 'CN=root', ca: { pathLength: 0 } });
    const middle = await issue({ subject: 'CN=middle', ca: true, issuer: root });
    for (const options of [
      { ca: false, signsCertificates: true },
      { ca: true, signsCertificates: false },
    ]) {
      const noAuthority = await issue({ subject: 'CN=none', issuer: root, ...options });
      refuses(tree([root], [noAuthority]), await leafOf(noAuthority), /not authorized to sign/);
    }
    refuses(tree([root], [middle]), await leafOf(middle), /too many intermediates/);
    assert.equal(tree([root]).chainOf(read(middle)).length, 2);
  });

  it('wants server authentication of who lists usages, in the whole chain', async () => {
    const root = await issue({ subject: 'CN=root', ca: true });
    const leaf = (...usages: string[]): Promise<Issued> => leafOf(root, { extensions: [extendedKeyUsage(...usages)] });
    refuses(tree([root]), await leaf(CLIENT), /incompatible key usage/);
    assert.equal(tree([root]).chainOf(read(await leaf(CLIENT, SERVER))).length, 2);
    assert.equal(tree([root]).chainOf(read(await leaf(ANY))).length, 2);
    const forClients = await issue({ subject: 'CN=root', ca: true, extensions: [extendedKeyUsage(CLIENT)] });
    refuses(tree([forClients]), await leafOf(forClients), /incompatible key usage/);
  });

  it('refuses critical extensions it does not know', async () => {
    const root = await issue({ subject: 'CN=root', ca: true });
    refuses(tree([root]), await leafOf(root, { extensions: [unknownCritical()] }), /unhandled critical extension/);
  });

  it('refuses a certificate with two chains, and does not go round in circles', async () => {
    const one = await issue({ subject: 'CN=one', ca: true });
    const two = await issue({ subject: 'CN=two', ca: true });
    const middle = await issue({ subject: 'CN=middle', ca: true, issuer: one });
    const crossed = await issue({ subject: 'CN=middle', ca: true, issuer: two, keys: middle.keys });
    const leaf = await leafOf(middle);
    assert.equal(tree([one], [middle]).chainOf(read(leaf)).length, 3);
    refuses(tree([one, two], [middle, crossed]), leaf, /single validation chain, got 2/);
    const circular = await issue({ subject: 'CN=one', ca: true, issuer: middle, keys: one.keys });
    assert.equal(tree([one], [middle, circular]).chainOf(read(leaf)).length, 3);
  });

  it('sanitises a root by itself, also where the tree holds only its clean form', async () => {
    const root = await issue({ subject: 'CN=root', ca: true, s: 'high' });
    const { certificate } = tree([]).sanitise(read(root));
    assert.ok(!certificate.equals(read(root)));
    const clean = new CaTree({ roots: [certificate], intermediates: [] });
    assert.ok(clean.sanitise(read(root)).certificate.equals(certificate));
    assert.deepEqual(clean.find(certificate), certificate);
  });

  it('sanitises by the key of the issuer, whose curve decides', async () => {
    const root = await issue({ subject: 'CN=root', ca: true, curve: 'P-384' });
    const { certificate, chain } = tree([root]).sanitise(read(await leafOf(root)));
    assert.equal(chain?.[0], certificate);
    assert.equal(tree([root]).chainOf(certificate).length, 2);
  });
});
