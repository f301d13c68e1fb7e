import 'reflect-metadata';
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { describe, it } from 'vitest';
import { hex } from '../../common/bytes.ts';
import {
  alternativeNames,
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateSpec,
  keyUsage,
  serverAndClient,
  subjectKeyIdentifier,
  USAGE,
  writeCertificate,
} from './certificate-writer.ts';

const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const holder = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const id = new Uint8Array(32).fill(7);

function written(changes: Partial<CertificateSpec>): { readonly node: X509Certificate; readonly other: x509.X509Certificate } {
  const der = writeCertificate({
    subject: [['CN', 'peer0']],
    issuer: [['CN', 'ca']],
    notBefore: new Date('2026-03-01T10:20:30Z'),
    notAfter: new Date('2036-03-01T10:20:30Z'),
    publicKey: holder.publicKey,
    signingKey: issuer.privateKey,
    extensions: [],
    ...changes,
  });
  return { node: new X509Certificate(der), other: new x509.X509Certificate(der) };
}

describe('A written certificate', () => {
  it('is signed by its issuer for its holder, also a hundred times in a row', () => {
    for (let at = 0; at < 100; at += 1) {
      const { node } = written({});
      assert.equal(node.verify(issuer.publicKey), true);
      assert.equal(node.verify(holder.publicKey), false);
      assert.equal(node.publicKey.equals(holder.publicKey), true);
    }
  });

  it('has names in their order, with any letters', () => {
    const { node } = written({
      subject: [
        ['C', 'US'],
        ['ST', 'Île-de-France'],
        ['L', 'P'],
        ['O', 'a_b'],
        ['OU', 'peer'],
        ['CN', 'x'.repeat(200)],
      ],
    });
    assert.equal(node.subject, `C=US\nST=Île-de-France\nL=P\nO=a_b\nOU=peer\nCN=${'x'.repeat(200)}`);
    assert.equal(node.issuer, 'CN=ca');
  });

  it.each(['2026-03-01T10:20:30Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z'])('is valid until %s', (end) => {
    const { node, other } = written({ notAfter: new Date(end) });
    assert.equal(Date.parse(node.validTo), Date.parse(end));
    assert.equal(other.notAfter.getTime(), Date.parse(end));
  });

  it('says what its key is for', () => {
    const ca = written({
      extensions: [
        keyUsage(USAGE.digitalSignature | USAGE.keyEncipherment | USAGE.keyCertSign | USAGE.cRLSign),
        serverAndClient(),
        basicConstraints(true),
      ],
    });
    assert.equal(ca.node.ca, true);
    const { digitalSignature, keyEncipherment, keyCertSign, cRLSign } = x509.KeyUsageFlags;
    assert.equal(ca.other.getExtension(x509.KeyUsagesExtension)?.usages, digitalSignature | keyEncipherment | keyCertSign | cRLSign);
    assert.deepEqual(
      [...(ca.other.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [])],
      ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
    );
    const leaf = written({ extensions: [keyUsage(USAGE.digitalSignature), basicConstraints(false)] });
    assert.equal(leaf.other.getExtension(x509.BasicConstraintsExtension)?.ca, false);
    assert.equal(ca.other.getExtension(x509.BasicConstraintsExtension)?.ca, true);
    assert.equal(leaf.other.getExtension(x509.KeyUsagesExtension)?.usages, digitalSignature);
    assert.equal(leaf.other.getExtension(x509.KeyUsagesExtension)?.critical, true);
  });

  it('names its key and its issuer’s', () => {
    const { other } = written({ extensions: [subjectKeyIdentifier(id), authorityKeyIdentifier(id)] });
    assert.equal(other.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId, '07'.repeat(32));
    assert.equal(other.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId, '07'.repeat(32));
  });

  it('names hosts and addresses', () => {
    const { node } = written({
      extensions: [alternativeNames(['localhost', '127.0.0.1', '::1', 'fe80::12:abcd', '2001:db8:1:2:3:4:5:6'])],
    });
    for (const host of ['localhost']) assert.equal(node.checkHost(host), host);
    for (const ip of ['127.0.0.1', '::1', 'fe80::12:abcd', '2001:db8:1:2:3:4:5:6']) assert.equal(node.checkIP(ip), ip);
    assert.equal(node.checkIP('::2'), undefined);
  });

  it('is as short as DER wants it', () => {
    assert.equal(hex(keyUsage(USAGE.digitalSignature | USAGE.keyEncipherment)), '300e0603551d0f0101ff0404030205a0');
    assert.match(hex(written({ subject: [['O', 'a_b']] }).node.raw), /0c03615f62/); // UTF8String: a PrintableString has no underscore
    assert.match(hex(written({ subject: [['O', 'a.b']] }).node.raw), /1303612e62/);
  });
});
