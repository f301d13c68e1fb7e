import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { extendedKeyUsage, issue, unknownCritical } from '../../../test/certificates.ts';
import { developmentSet as fixtures } from '../../../test/fixtures.ts';
import { runs } from '../../../test/runs.ts';
import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { Certificate } from './certificate.ts';
import { der, TAG } from './der.ts';
import { curveOrder, encodeEcdsaSignature, isLowS, parseEcdsaSignature } from './ecdsa.ts';
import { sanitised } from './sanitise.ts';

const certificateFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pem') || name.endsWith('.crt'))
    .map((name) => join(folder, name));

describe.skipIf(!fixtures)('recorded certificates', () => {
  const files =
    fixtures === undefined ? [] : ['v1.1', 'v2.4'].flatMap((network) => certificateFiles(join(fixtures ?? '', network, 'crypto')));

  it('read the same as node reads them', () => {
    assert.ok(files.length > 80, `${files.length} certificates`);
    for (const file of files) {
      const pem = readFileSync(file, 'utf8');
      const ours = Certificate.fromPem(pem);
      const nodes = new X509Certificate(pem);
      assert.deepEqual(Buffer.from(ours.der), nodes.raw);
      assert.equal(BigInt(`0x${ours.serial}`), BigInt(`0x${nodes.serialNumber}`));
      assert.equal(ours.notBefore.getTime(), Date.parse(nodes.validFrom));
      assert.equal(ours.notAfter.getTime(), Date.parse(nodes.validTo));
      assert.equal(ours.isCa, nodes.ca, file);
      assert.deepEqual(
        ours.organizationalUnits,
        nodes.subject.split('\n').flatMap((line) => /^OU=(.*)/.exec(line)?.slice(1) ?? []),
      );
      assert.ok(ours.publicKey.equals(nodes.publicKey));
      assert.deepEqual([...ours.extensions.extendedKeyUsages], nodes.keyUsage ?? []);
    }
  });

  it('of CAs carry the key identifier that Fabric gives their key', () => {
    const authorities = files.map((file) => Certificate.fromPem(readFileSync(file))).filter(({ isCa }) => isCa);
    assert.ok(authorities.length > 0);
    for (const authority of authorities) assert.equal(hex(authority.extensions.subjectKeyId ?? new Uint8Array()), hex(authority.keySki));
  });
});

describe('certificates', () => {
  it('list organizational units in order, and say what is in their extensions', async () => {
    const root = await issue({ subject: 'CN=ca', ca: { pathLength: 3 } });
    const leaf = await issue({
      subject: 'C=DE, OU=client, O=Müller, OU=department 1, CN=Someone',
      issuer: root,
      extensions: [unknownCritical()],
    });
    const read = new Certificate(leaf.der);
    assert.deepEqual(read.organizationalUnits, ['client', 'department 1']);
    assert.deepEqual(read.extensions.unhandledCritical, ['1.2.3.4.5']);
    assert.deepEqual(read.extensions.authorityKeyId, new Certificate(root.der).extensions.subjectKeyId);
    assert.equal(new Certificate(root.der).extensions.maxPathLength, 3);
    assert.equal(read.issuer, new Certificate(root.der).subject);
  });

  it('are refused when cut off, followed by something, or not one certificate', async () => {
    const { der: good } = await issue({ subject: 'CN=ca', ca: true });
    const refuse = (bytes: Uint8Array): void => assert.throws(() => new Certificate(bytes), { code: 'MALFORMED' });
    for (let length = 0; length < good.length; length += 7) refuse(good.subarray(0, length));
    refuse(new Uint8Array([...good, 0]));
    refuse(der(TAG.SEQUENCE, good));
    refuse(new TextEncoder().encode('no certificate'));
  });

  it('are refused when an extension comes twice, or a boolean is neither', async () => {
    const twice = await issue({ subject: 'CN=twice', extensions: [unknownCritical(), unknownCritical()] });
    assert.throws(() => new Certificate(twice.der), { code: 'MALFORMED', message: /duplicate extensions/ });
    const { der: good } = await issue({ subject: 'CN=ca', ca: true });
    const at = Buffer.from(good).indexOf(Buffer.from('0101ff', 'hex'));
    assert.ok(at > 0);
    const odd = new Uint8Array(good);
    odd[at + 2] = 1;
    assert.throws(() => new Certificate(odd), { code: 'MALFORMED', message: /invalid boolean/ });
  });

  it('are read or refused, whatever was done to their bytes', async () => {
    const root = await issue({ subject: 'CN=ca', ca: { pathLength: 3 } });
    const { der: good } = await issue({ subject: 'C=DE, OU=client, CN=x', issuer: root, extensions: [extendedKeyUsage('1.2.3')] });
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const odd = new Uint8Array(good);
        for (const [at, value] of changes) odd[at] = value;
        try {
          new Certificate(odd);
        } catch (thrown) {
          return thrown instanceof SelvageError && thrown.code === 'MALFORMED';
        }
        return true;
      }),
      { numRuns: runs(500) },
    );
  });

  it('keep their bytes when the buffer they came in is used again', async () => {
    const { der: source } = await issue({ subject: 'CN=ca', ca: true });
    const buffer = new Uint8Array(source);
    const certificate = new Certificate(buffer);
    buffer.fill(0);
    assert.deepEqual(certificate.der, source);
    assert.ok(certificate.isSignedWith(certificate));
  });
});

describe('sanitising', () => {
  it('lowers the S of the issuer and keeps what was signed', async () => {
    const root = await issue({ subject: 'CN=ca', ca: true });
    const authority = new Certificate(root.der);
    const order = curveOrder(authority.publicKey) ?? 0n;
    const high = new Certificate((await issue({ subject: 'CN=high', issuer: root, s: 'high' })).der);
    const low = sanitised(high, order);
    assert.ok(!isLowS(parseEcdsaSignature(high.signature), order));
    assert.ok(isLowS(parseEcdsaSignature(low.signature), order));
    assert.deepEqual(low.tbs, high.tbs);
    assert.notDeepEqual(low.der, high.der);
    assert.ok(low.isSignedWith(authority));
    assert.ok(new X509Certificate(low.der).verify(authority.publicKey));
    const { r, s } = parseEcdsaSignature(high.signature);
    assert.deepEqual(low.signature, encodeEcdsaSignature({ r, s: order - s }));
  });

  it('leaves a low S alone', async () => {
    const root = await issue({ subject: 'CN=ca', ca: true });
    const certificate = new Certificate((await issue({ subject: 'CN=low', issuer: root, s: 'low' })).der);
    assert.equal(sanitised(certificate, curveOrder(certificate.publicKey) ?? 0n), certificate);
  });
});
