import assert from 'node:assert/strict';
import { createHash, sign, webcrypto } from 'node:crypto';
import { describe, it } from 'vitest';
import { extendedKeyUsage, type Issued, type IssueOptions, issue, revocationList } from '../../test/certificates.ts';
import { hex, utf8 } from '../common/bytes.ts';
import { common, msp as protos } from '../protos/messages.ts';
import { Certificate } from './identities/certificate.ts';
import { der as encodeDer, TAG } from './identities/der.ts';
import { curveOrder } from './identities/ecdsa.ts';
import { sanitised } from './identities/sanitise.ts';
import { serializeIdentity } from './identities/serialized-identity.ts';
import { SignatureVerifier } from './identities/signature-verifier.ts';
import type { X509Identity } from './identities/x509-identity.ts';
import { Msp } from './msp.ts';
import { MspManager, mspFromConfig } from './msp-manager.ts';
import type { MspVersion } from './msp-version.ts';
import { mspVersionOf } from './msp-version.ts';

const { MSPPrincipal_Classification: CLASS, MSPRole_MSPRoleType: ROLE, MSPIdentityAnonymity_MSPIdentityAnonymityType: ANONYMITY } = common;
const VERSIONS: readonly MspVersion[] = ['1.0', '1.1', '1.3', '1.4.3'];

/** Its own signature has a high S, so that nothing works by luck where Fabric's form of it is meant. */
const root = await issue({ subject: 'CN=root', ca: true, s: 'high' });
const cleanRoot = sanitised(new Certificate(root.der), curveOrder(new Certificate(root.der).publicKey) ?? 0n);
const admin = await issue({ subject: 'CN=admin, OU=client', issuer: root });
const verifier = new SignatureVerifier();

const ou = (name: string, certificate?: Issued): protos.FabricOUIdentifierInit => ({
  organizationalUnitIdentifier: name,
  ...(certificate !== undefined && { certificate: utf8(certificate.pem) }),
});
const nodeOus = (certificate?: Issued): protos.FabricNodeOUsInit => ({
  enable: true,
  clientOuIdentifier: ou('client', certificate),
  peerOuIdentifier: ou('peer', certificate),
  adminOuIdentifier: ou('admin', certificate),
  ordererOuIdentifier: ou('orderer', certificate),
});

function mspOf(config: Partial<protos.FabricMSPConfigInit> = {}, version: MspVersion = '1.4.3'): Msp {
  const whole = { name: 'Org1MSP', rootCerts: [utf8(root.pem)], admins: [utf8(admin.pem)], ...config };
  return new Msp({ config: protos.FabricMSPConfig.encode(whole), version, verifier });
}

const serialized = ({ der }: Issued, mspId = 'Org1MSP'): Uint8Array => serializeIdentity(mspId, der);
const member = async (msp: Msp, options: Partial<IssueOptions> = {}): Promise<X509Identity> =>
  msp.deserialize(serialized(await issue({ subject: 'CN=member', issuer: root, ...options })));
const withOus = (msp: Msp, ...units: readonly string[]): Promise<X509Identity> =>
  member(msp, { subject: ['CN=member', ...units.map((unit) => `OU=${unit}`)].join(', ') });

const invalid = (message: RegExp | string): object => ({ code: 'IDENTITY_INVALID', message });
const wrongConfig = (message: RegExp | string): object => ({ code: 'CONFIG_INVALID', message });

const role = (kind: keyof typeof ROLE, mspIdentifier = 'Org1MSP'): common.MSPPrincipal => ({
  principalClassification: CLASS.ROLE,
  principal: common.MSPRole.encode({ mspIdentifier, role: ROLE[kind] }),
});

describe('an MSP reads identities', () => {
  it('in canonical form: low S, PEM in 64 columns, named by the hash of the certificate', async () => {
    const high = await issue({ subject: 'CN=high', issuer: root, s: 'high' });
    const odd = protos.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes: utf8(`# note\n${high.pem.replaceAll('\n', '\r\n')}`) });
    const identity = mspOf().deserialize(odd);
    const clean = sanitised(new Certificate(high.der), curveOrder(new Certificate(root.der).publicKey) ?? 0n);
    assert.equal(identity.id, hex(createHash('sha256').update(clean.der).digest()));
    assert.deepEqual(identity.serialized, serializeIdentity('Org1MSP', clean.der));
    identity.validate();
    assert.equal(mspOf().deserialize(identity.serialized).id, identity.id);
  });

  it('once: the same bytes give the same object', async () => {
    const msp = mspOf();
    const bytes = serialized(await issue({ subject: 'CN=member', issuer: root }));
    assert.equal(msp.deserialize(bytes), msp.deserialize(new Uint8Array(bytes)));
  });

  it('keeps no more of them than it may, and none that are padded', async () => {
    const config = protos.FabricMSPConfig.encode({ name: 'Org1MSP', rootCerts: [utf8(root.pem)], admins: [utf8(admin.pem)] });
    const msp = new Msp({ config, version: '1.4.3', verifier, identityCacheSize: 1 });
    const one = serialized(await issue({ subject: 'CN=one', issuer: root }));
    const first = msp.deserialize(one);
    msp.deserialize(serialized(admin));
    assert.notEqual(msp.deserialize(one), first);
    const padded = protos.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes: utf8(admin.pem + ' '.repeat(10_000)) });
    assert.notEqual(msp.deserialize(padded), msp.deserialize(padded));
  });

  it('but not of other MSPs, unknown issuers, or what is no certificate', async () => {
    const stranger = await issue({ subject: 'CN=stranger', ca: true });
    const msp = mspOf();
    assert.throws(() => msp.deserialize(serialized(admin, 'Org2MSP')), invalid('expected MSP ID Org1MSP, received Org2MSP'));
    const foreign = serialized(await issue({ subject: 'CN=x', issuer: stranger }));
    assert.throws(() => msp.deserialize(foreign), invalid(/signed by unknown authority/));
    const garbage = protos.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes: utf8('garbage') });
    assert.throws(() => msp.deserialize(garbage), invalid(/could not decode the PEM structure/));
    assert.throws(() => msp.deserialize(new Uint8Array([255])), invalid(/could not deserialize/));
  });

  it('with keys of Ed25519, whose signatures count from 3.0 on', async () => {
    const keys = await webcrypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
    if (!('privateKey' in keys)) throw new Error('no key pair');
    const certificate = await issue({ subject: 'CN=member', issuer: root, keys });
    const message = new Uint8Array([1, 2, 3]);
    const signature = new Uint8Array(await webcrypto.subtle.sign('Ed25519', keys.privateKey, message));
    for (const version of [...VERSIONS, '3.0'] as const) {
      const identity = mspOf({}, version).deserialize(serialized(certificate));
      assert.equal(await identity.verify(message, signature), version === '3.0', version);
      assert.equal(await identity.verify(new Uint8Array([1]), signature), false);
    }
  });

  it('nor with a key that cannot be used, whoever signed it', async () => {
    const { der } = await issue({ subject: 'CN=member', issuer: root });
    const oid = Buffer.from('2a8648ce3d030107', 'hex'); // prime256v1
    const { tbs, algorithm } = new Certificate(der);
    const odd = Buffer.from(tbs);
    odd[odd.indexOf(oid) + oid.length - 1] = 0x7f;
    const resigned = sign('sha256', odd, root.privateKey);
    const whole = encodeDer(TAG.SEQUENCE, odd, algorithm, encodeDer(TAG.BIT_STRING, new Uint8Array([0]), resigned));
    assert.throws(() => mspOf().deserialize(serializeIdentity('Org1MSP', whole)), invalid(/public key of the certificate cannot be used/));
  });
});

describe('an MSP validates identities', () => {
  it('whenever they end, but not CAs', async () => {
    const msp = mspOf();
    (await member(msp, { notBefore: '2026-02-01T00:00:00Z', notAfter: '2026-02-02T00:00:00Z' })).validate();
    const authority = msp.deserialize(serialized(await issue({ subject: 'CN=sub', ca: true, issuer: root })));
    assert.throws(() => authority.validate(), invalid(/cannot be used as an identity/));
    const asRoot = msp.deserialize(serialized(root));
    assert.throws(() => asRoot.validate(), invalid(/cannot be used as an identity/));
  });

  it('only under a leaf of the tree of authorities', async () => {
    const middle = await issue({ subject: 'CN=middle', ca: true, issuer: root });
    const msp = mspOf({
      intermediateCerts: [utf8(middle.pem)],
      admins: [utf8((await issue({ subject: 'CN=admin', issuer: middle })).pem)],
    });
    (await member(msp, { issuer: middle })).validate();
    const high = await member(msp, { issuer: root });
    assert.throws(() => high.validate(), invalid(/Parent certificate should be a leaf of the certification tree/));
    assert.throws(
      () => mspOf({ intermediateCerts: [utf8(middle.pem)] }),
      wrongConfig(/leaf of the certification tree/),
      'its admin is one of those',
    );
  });

  it('not when the issuer revoked them, whatever the dates of the list', async () => {
    const other = await issue({ subject: 'CN=root', ca: true });
    const list = await revocationList({ issuer: root, serialNumbers: ['aa01'] });
    const msp = mspOf({ revocationList: [utf8(list)] });
    const revoked = await member(msp, { serialNumber: 'aa01' });
    assert.throws(() => revoked.validate(), invalid('The certificate has been revoked'));
    assert.equal(revoked.dissatisfaction(role('MEMBER')), 'The certificate has been revoked');
    (await member(msp, { serialNumber: 'aa02' })).validate();
    const forged = mspOf({ revocationList: [utf8(await revocationList({ issuer: root, serialNumbers: ['aa01'], signer: other }))] });
    (await member(forged, { serialNumber: 'aa01' })).validate();
    const foreign = mspOf({ revocationList: [utf8(await revocationList({ issuer: other, serialNumbers: ['aa01'] }))] });
    (await member(foreign, { serialNumber: 'aa01' })).validate();
  });

  it('by the organizational units the configuration asks for', async () => {
    const other = await issue({ subject: 'CN=other', ca: true });
    for (const version of VERSIONS) {
      const config = {
        rootCerts: [root, other].map(({ pem }) => utf8(pem)),
        organizationalUnitIdentifiers: [ou('client', root), ou('sales', root)],
      };
      const msp = mspOf(config, version);
      (await withOus(msp, 'sales')).validate();
      (await withOus(msp, 'x', 'client')).validate();
      const none = await withOus(msp);
      assert.throws(() => none.validate(), invalid(/does not contain an Organizational Unit/));
      const wrong = await withOus(msp, 'x');
      assert.throws(() => wrong.validate(), invalid(/none of the identity's organizational units \[x\] are in MSP/));
      const elsewhere = await member(msp, { subject: 'CN=member, OU=sales', issuer: other });
      assert.throws(() => elsewhere.validate(), invalid(/none of the identity's organizational units/));
    }
  });

  it('by node OUs: from 1.1 exactly one of client and peer, from 1.4.3 one of all four, in 1.0 not at all', async () => {
    const accepted = async (version: MspVersion, ...units: string[]): Promise<boolean> => {
      try {
        (await withOus(mspOf({ fabricNodeOus: nodeOus() }, version), ...units)).validate();
        return true;
      } catch {
        return false;
      }
    };
    const table: [units: string[], accepted: boolean[]][] = [
      [[], [true, false, false, false]],
      [['client'], [true, true, true, true]],
      [
        ['department', 'peer'],
        [true, true, true, true],
      ],
      [['admin'], [true, false, false, true]],
      [['orderer'], [true, false, false, true]],
      [
        ['client', 'peer'],
        [true, false, false, false],
      ],
      [
        ['client', 'admin'],
        [true, true, true, false],
      ],
      [
        ['client', 'client'],
        [true, false, false, false],
      ],
    ];
    for (const [units, expected] of table) {
      assert.deepEqual(await Promise.all(VERSIONS.map((version) => accepted(version, ...units))), expected, units.join());
    }
  });

  it('by the issuer that a node OU names, if it names one', async () => {
    const other = await issue({ subject: 'CN=other', ca: true });
    const msp = mspOf({ rootCerts: [root, other].map(({ pem }) => utf8(pem)), fabricNodeOus: nodeOus(root) });
    (await withOus(msp, 'peer')).validate();
    const elsewhere = await member(msp, { subject: 'CN=member, OU=peer', issuer: other });
    assert.throws(() => elsewhere.validate(), invalid(/certifiersIdentifier does not match/));
  });

  it('without node OUs when none is configured or they are switched off', async () => {
    for (const fabricNodeOus of [{ enable: true }, { ...nodeOus(), enable: false }, { enable: true, clientOuIdentifier: ou('') }]) {
      const identity = await withOus(mspOf({ fabricNodeOus }));
      identity.validate();
      assert.match(identity.dissatisfaction(role('CLIENT')) ?? '', /NodeOUs not activated/);
    }
  });
});

describe('an MSP knows principals', () => {
  it('members, administrators and node roles, of itself', async () => {
    const msp = mspOf({ fabricNodeOus: nodeOus() });
    const satisfied = (identity: X509Identity): string[] =>
      (['MEMBER', 'ADMIN', 'CLIENT', 'PEER', 'ORDERER'] as const).filter((kind) => identity.dissatisfaction(role(kind)) === undefined);
    assert.deepEqual(satisfied(await withOus(msp, 'client')), ['MEMBER', 'CLIENT']);
    assert.deepEqual(satisfied(await withOus(msp, 'peer')), ['MEMBER', 'PEER']);
    assert.deepEqual(satisfied(await withOus(msp, 'admin')), ['MEMBER', 'ADMIN']);
    assert.deepEqual(satisfied(await withOus(msp, 'orderer')), ['MEMBER', 'ORDERER']);
    assert.deepEqual(satisfied(await withOus(msp)), []);
    assert.deepEqual(satisfied(msp.deserialize(serialized(admin))), ['MEMBER', 'ADMIN', 'CLIENT']);
    const peer = await withOus(msp, 'peer');
    assert.match(peer.dissatisfaction(role('MEMBER', 'Org2MSP')) ?? '', /different MSP \(expected Org2MSP, got Org1MSP\)/);
    assert.equal(
      peer.dissatisfaction(role('ADMIN')),
      'The identity is not an admin under this MSP [Org1MSP]: The identity does not contain OU [ADMIN], MSP: [Org1MSP]',
    );
    assert.match(
      peer.dissatisfaction({
        principalClassification: CLASS.ROLE,
        principal: common.MSPRole.encode({ mspIdentifier: 'Org1MSP', role: 9 }),
      }) ?? '',
      /invalid MSP role type 9/,
    );
  });

  it('no roles of who is not valid, whatever the certificate says', async () => {
    const list = await revocationList({ issuer: root, serialNumbers: ['cc01'] });
    const msp = mspOf({ fabricNodeOus: nodeOus(), revocationList: [utf8(list)] });
    for (const kind of ['CLIENT', 'PEER', 'ADMIN', 'ORDERER'] as const) {
      const identity = await member(msp, { subject: `CN=gone, OU=${kind.toLowerCase()}`, serialNumber: 'cc01' });
      assert.match(identity.dissatisfaction(role(kind)) ?? '', /The certificate has been revoked/);
    }
  });

  it('orderers and admin OUs since 1.4.3 only', async () => {
    const msp = mspOf({ fabricNodeOus: nodeOus() }, '1.3');
    const both = await withOus(msp, 'client', 'orderer', 'admin');
    both.validate();
    assert.equal(both.dissatisfaction(role('ORDERER')), 'invalid MSP role type 4');
    assert.equal(both.dissatisfaction(role('ADMIN')), 'This identity is not an admin');
    assert.equal(msp.deserialize(serialized(admin)).dissatisfaction(role('ADMIN')), undefined);
  });

  it('listed administrators, who must be valid when the configuration is read', async () => {
    const list = await revocationList({ issuer: root, serialNumbers: ['bb01'] });
    const revoked = await issue({ subject: 'CN=admin', issuer: root, serialNumber: 'bb01' });
    assert.throws(
      () => mspOf({ admins: [utf8(revoked.pem)], revocationList: [utf8(list)] }),
      wrongConfig(/admin 0 is invalid \[The certificate has been revoked\]/),
    );
  });

  it('organizational units, with the chain they were given by', async () => {
    const msp = mspOf();
    const identity = await withOus(msp, 'sales', 'europe');
    const certifiers = createHash('sha256').update(cleanRoot.der).digest();
    const unit = (name: string, certifiersIdentifier: Uint8Array = certifiers, mspIdentifier = 'Org1MSP'): common.MSPPrincipal => ({
      principalClassification: CLASS.ORGANIZATION_UNIT,
      principal: common.OrganizationUnit.encode({ mspIdentifier, organizationalUnitIdentifier: name, certifiersIdentifier }),
    });
    assert.equal(identity.dissatisfaction(unit('europe')), undefined);
    assert.notEqual(identity.dissatisfaction(unit('asia')), undefined);
    assert.notEqual(identity.dissatisfaction(unit('europe', new Uint8Array(32))), undefined);
    assert.notEqual(identity.dissatisfaction(unit('europe', certifiers, 'Org2MSP')), undefined);
  });

  it('single identities, whichever way their S was written', async () => {
    const msp = mspOf();
    const high = await issue({ subject: 'CN=high', issuer: root, s: 'high' });
    const identity = msp.deserialize(serialized(high));
    const principal = (bytes: Uint8Array): common.MSPPrincipal => ({ principalClassification: CLASS.IDENTITY, principal: bytes });
    assert.equal(identity.dissatisfaction(principal(serialized(high))), undefined);
    assert.equal(identity.dissatisfaction(principal(identity.serialized)), undefined);
    assert.equal(identity.dissatisfaction(principal(serialized(admin))), 'The identities do not match');
    assert.match(identity.dissatisfaction(principal(serialized(high, 'Org2MSP'))) ?? '', /expected MSP ID/);
  });

  it('combinations and anonymity since 1.3', async () => {
    const combined = (...principals: common.MSPPrincipal[]): common.MSPPrincipal => ({
      principalClassification: CLASS.COMBINED,
      principal: common.CombinedPrincipal.encode({ principals }),
    });
    const anonymity = (anonymityType: number): common.MSPPrincipal => ({
      principalClassification: CLASS.ANONYMITY,
      principal: common.MSPIdentityAnonymity.encode({ anonymityType }),
    });
    const identity = await withOus(mspOf(), 'sales');
    assert.equal(identity.dissatisfaction(combined(role('MEMBER'), combined(anonymity(ANONYMITY.NOMINAL)))), undefined);
    assert.notEqual(identity.dissatisfaction(combined(role('MEMBER'), role('ADMIN'))), undefined);
    assert.notEqual(identity.dissatisfaction(combined(role('MEMBER'), combined(anonymity(ANONYMITY.ANONYMOUS)))), undefined);
    assert.notEqual(identity.dissatisfaction(combined()), undefined);
    assert.notEqual(identity.dissatisfaction(anonymity(7)), undefined);
    let deep = role('MEMBER');
    for (let depth = 0; depth < 40; depth += 1) deep = combined(deep);
    assert.match(identity.dissatisfaction(deep) ?? '', /nested too deep/);
    const early = await withOus(mspOf({}, '1.1'), 'sales');
    for (const principal of [combined(role('MEMBER')), anonymity(ANONYMITY.NOMINAL)])
      assert.match(early.dissatisfaction(principal) ?? '', /invalid principal type/);
  });

  it('and answers with a reason to what it cannot read', async () => {
    const identity = await member(mspOf());
    assert.match(
      identity.dissatisfaction({ principalClassification: CLASS.ROLE, principal: new Uint8Array([255]) }) ?? '',
      /cannot decode/,
    );
    assert.match(identity.dissatisfaction({ principalClassification: 9, principal: new Uint8Array() }) ?? '', /invalid principal type 9/);
  });
});

describe('an MSP configuration', () => {
  it('needs a name, a root, authorities that are such, and certificates that can be read', async () => {
    const leaf = await issue({ subject: 'CN=leaf' });
    const stranger = await issue({ subject: 'CN=stranger', ca: true });
    const orphan = await issue({ subject: 'CN=orphan', ca: true, issuer: stranger });
    assert.throws(() => mspOf({ name: '' }), wrongConfig(/without a name/));
    assert.throws(() => mspOf({ rootCerts: [] }), wrongConfig(/at least one CA/));
    assert.throws(() => mspOf({ rootCerts: [utf8('x')] }), wrongConfig(/PEM/));
    assert.throws(
      () => mspOf({ rootCerts: [utf8(leaf.pem)], admins: [] }),
      wrongConfig(/failed to traverse certificate verification chain/),
    );
    assert.throws(() => mspOf({ intermediateCerts: [utf8(orphan.pem)] }), wrongConfig(/unknown authority/));
    assert.throws(() => mspOf({ tlsRootCerts: [utf8(leaf.pem)] }), wrongConfig(/did not have the CA attribute/));
    assert.throws(() => mspOf({ tlsIntermediateCerts: [utf8(orphan.pem)] }), wrongConfig(/unknown authority/));
    assert.throws(() => mspOf({ revocationList: [utf8('x')] }), wrongConfig(/asn1/));
    assert.throws(() => new Msp({ config: new Uint8Array([255]), version: '1.1', verifier }), wrongConfig(/failed unmarshalling/));
  });

  it('has administrators who are valid, and from 1.4.3 at least one or an OU for them', async () => {
    assert.throws(() => mspOf({ admins: [] }), wrongConfig(/administrators must be declared/));
    assert.throws(
      () => mspOf({ admins: [], fabricNodeOus: { enable: true, clientOuIdentifier: ou('client') } }),
      wrongConfig(/administrators must be declared/),
    );
    mspOf({ admins: [], fabricNodeOus: nodeOus() });
    mspOf({ admins: [] }, '1.1');
    const asPeer = await issue({ subject: 'CN=admin, OU=peer', issuer: root });
    const asAdmin = await issue({ subject: 'CN=admin, OU=admin', issuer: root });
    assert.throws(() => mspOf({ admins: [utf8(asPeer.pem)], fabricNodeOus: nodeOus() }), wrongConfig(/admin 0 is invalid/));
    assert.throws(() => mspOf({ admins: [utf8(asAdmin.pem)], fabricNodeOus: nodeOus() }, '1.1'), wrongConfig(/admin 0 is invalid/));
    mspOf({ admins: [utf8(asAdmin.pem)], fabricNodeOus: nodeOus() });
    const forClients = await issue({ subject: 'CN=admin', issuer: root, extensions: [extendedKeyUsage('1.3.6.1.5.5.7.3.2')] });
    assert.throws(() => mspOf({ admins: [utf8(forClients.pem)] }), wrongConfig(/incompatible key usage/));
  });

  it('names authorities of its own in OU rules, and before 1.4.3 both node roles', async () => {
    const stranger = await issue({ subject: 'CN=stranger', ca: true });
    assert.throws(() => mspOf({ organizationalUnitIdentifiers: [ou('x', stranger)] }), wrongConfig(/not in root or intermediate certs/));
    assert.throws(() => mspOf({ organizationalUnitIdentifiers: [ou('x', admin)] }), wrongConfig(/not in root or intermediate certs/));
    assert.throws(
      () => mspOf({ fabricNodeOus: { enable: true, clientOuIdentifier: ou('client') } }, '1.1'),
      wrongConfig(/PeerOU must be different from nil/),
    );
    assert.throws(
      () => mspOf({ fabricNodeOus: { enable: true, peerOuIdentifier: ou('peer') } }, '1.3'),
      wrongConfig(/ClientOU must be different from nil/),
    );
  });

  it('may choose another hash for signatures and identifiers, but only known ones', async () => {
    const msp = mspOf({ cryptoConfig: { signatureHashFamily: 'SHA3', identityIdentifierHashFunction: 'SHA3_256' } });
    assert.equal(msp.signatureHash, 'sha3-256');
    const identity = await member(msp, { s: 'low' });
    assert.equal(identity.id, hex(createHash('sha3-256').update(identity.certificate.der).digest()));
    assert.throws(() => mspOf({ cryptoConfig: { signatureHashFamily: 'MD5' } }), wrongConfig(/not recognized/));
    assert.throws(() => mspOf({ cryptoConfig: { identityIdentifierHashFunction: 'MD5' } }), wrongConfig(/MD5/));
  });

  it('is judged by the rules of the channel’s capability', () => {
    const versions = ['', 'V1_1', 'V1_3', 'V1_4_2', 'V1_4_3', 'V2_0', 'V3_0'].map((level) => mspVersionOf(level));
    assert.deepEqual(versions, ['1.0', '1.1', '1.3', '1.3', '1.4.3', '1.4.3', '3.0']);
  });
});

describe('the MSPs of a channel', () => {
  it('are found by id; unknown ones are refused', async () => {
    const msps = new MspManager([mspOf(), mspOf({ name: 'Org2MSP' })]);
    assert.deepEqual(msps.mspIds, ['Org1MSP', 'Org2MSP']);
    assert.equal(msps.deserialize(serialized(admin, 'Org2MSP')).mspId, 'Org2MSP');
    assert.equal(msps.get('Org1MSP')?.mspId, 'Org1MSP');
    assert.throws(() => msps.deserialize(serialized(admin, 'Org3MSP')), invalid('MSP Org3MSP is not defined on channel'));
    assert.throws(() => msps.deserialize(new Uint8Array([255])), invalid(/could not deserialize/));
    assert.throws(() => new MspManager([mspOf(), mspOf()]), wrongConfig(/defined twice/));
  });

  it('cannot be idemix or anything else', () => {
    const config = protos.FabricMSPConfig.encode({ name: 'Org1MSP', rootCerts: [utf8(root.pem)], admins: [utf8(admin.pem)] });
    const made = (type: number): Msp => mspFromConfig({ config: { type, config }, version: '1.3', verifier });
    assert.equal(made(0).mspId, 'Org1MSP');
    assert.throws(() => made(1), wrongConfig(/idemix/));
    assert.throws(() => made(7), wrongConfig(/unsupported msp type 7/));
  });
});
