import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { developmentSet as fixtures } from '../../../test/fixtures.ts';
import { hex } from '../../common/bytes.ts';
import { YamlFields } from '../../node/config/yaml-fields.ts';
import { common, msp } from '../../protos/messages.ts';
import { Certificate } from '../identities/certificate.ts';
import { curveOrder, isLowS, parseEcdsaSignature } from '../identities/ecdsa.ts';
import { serializeIdentity } from '../identities/serialized-identity.ts';
import { SignatureVerifier } from '../identities/signature-verifier.ts';
import { Msp } from '../msp.ts';
import { loadMspFolder } from '../msp-folder.ts';
import { attributesOf } from './attributes.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { readAuthorities, writeOrganization, writeUser } from './material-folder.ts';
import type { Organization } from './organization.ts';
import { createOrganization, mspDefinition } from './organization.ts';

const now = new Date('2026-11-22T07:19:30Z');
const spec = {
  kind: 'peer' as const,
  mspId: 'Org1MSP',
  domain: 'org1.example.com',
  nodes: ['peer0'],
  users: ['User1'],
  hosts: ['peer.test'],
};

describe('the material of an organisation', () => {
  let root: string;
  let folder: string;
  let organization: Organization;
  const read = (path: string) => readFile(join(folder, path), 'utf8');
  const certificate = async (path: string) => new X509Certificate(await read(path));

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'selvage-material-'));
    organization = await createOrganization(spec, now);
    folder = await writeOrganization(root, organization);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it.skipIf(!fixtures)('has exactly the files cryptogen writes', async () => {
    const recorded = join(fixtures ?? '', 'v2.4/crypto/peerOrganizations/org1.example.com');
    assert.deepEqual(await filesBelow(folder), await filesBelow(recorded));
  });

  it.skipIf(!fixtures)('writes orderers where cryptogen does', async () => {
    const orderer = await createOrganization(
      { kind: 'orderer', mspId: 'OrdererMSP', domain: 'example.com', nodes: ['orderer'], users: [] },
      now,
    );
    const written = await writeOrganization(root, orderer);
    assert.equal(written, join(root, 'ordererOrganizations', 'example.com'));
    assert.deepEqual(await filesBelow(written), await filesBelow(join(fixtures ?? '', 'v2.4/crypto/ordererOrganizations/example.com')));
  });

  it.skipIf(!fixtures)('describes node OUs in the same words', async () => {
    const recorded = await readFile(join(fixtures ?? '', 'v2.4/crypto/peerOrganizations/org1.example.com/msp/config.yaml'), 'utf8');
    assert.equal(await read('msp/config.yaml'), recorded);
  });

  it('lets only the owner read keys', async () => {
    for (const path of (await filesBelow(folder)).filter((path) => path.endsWith('_sk') || path.endsWith('.key'))) {
      assert.equal((await stat(join(folder, path))).mode & 0o777, 0o600, path);
    }
  });

  it('issues identities with their role as OU, from the CA of the organisation', async () => {
    const ca = await certificate('ca/ca.org1.example.com-cert.pem');
    assert.ok(ca.ca && ca.verify(ca.publicKey));
    const roles = [
      ['peers/peer0.org1.example.com/msp/signcerts/peer0.org1.example.com-cert.pem', 'peer'],
      ['users/Admin@org1.example.com/msp/signcerts/Admin@org1.example.com-cert.pem', 'admin'],
      ['users/User1@org1.example.com/msp/signcerts/User1@org1.example.com-cert.pem', 'client'],
    ] as const;
    for (const [path, ou] of roles) {
      const issued = await certificate(path);
      assert.ok(issued.verify(ca.publicKey) && issued.checkIssued(ca) && !issued.ca);
      assert.match(issued.subject, new RegExp(`OU=${ou}\n`));
      assert.equal(new Date(issued.validFrom).toISOString(), '2026-11-22T07:14:00.000Z');
    }
  });

  it('gives servers every name they are reached by', async () => {
    const server = await certificate('peers/peer0.org1.example.com/tls/server.crt');
    const ca = await certificate('tlsca/tlsca.org1.example.com-cert.pem');
    assert.ok(server.verify(ca.publicKey));
    for (const host of ['peer0.org1.example.com', 'peer0', 'localhost', 'peer.test']) assert.equal(server.checkHost(host), host);
    for (const ip of ['127.0.0.1', '::1']) assert.equal(server.checkIP(ip), ip);
    assert.equal(server.checkHost('peer1.org1.example.com'), undefined);
  });

  it('pairs each certificate with its key', async () => {
    for (const { identity, tls } of [...organization.nodes, ...organization.users]) {
      for (const { certificate, privateKey } of [identity, tls]) {
        const expected = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' });
        assert.equal(createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'pem' }), expected);
      }
    }
  });

  it('issues certificates that Fabric need not rewrite: the file is the identity, byte for byte', () => {
    for (const { identity } of [...organization.nodes, ...organization.users]) {
      const { signature } = Certificate.fromPem(identity.certificate);
      assert.ok(isLowS(parseEcdsaSignature(signature), curveOrder(createPrivateKey(identity.privateKey)) ?? 0n));
    }
    for (const ca of [organization.ca, organization.tlsCa]) {
      const { signature } = Certificate.fromPem(ca.certificate);
      assert.ok(isLowS(parseEcdsaSignature(signature), curveOrder(createPrivateKey(ca.privateKey)) ?? 0n));
    }
  });

  it('is read back as the MSP that goes into a channel', async () => {
    const read = await loadMspFolder(join(folder, 'msp'), { mspId: 'Org1MSP', readYaml: YamlFields.parse });
    assert.equal(hex(read), hex(msp.FabricMSPConfig.encode(mspDefinition(organization))));
    const rules = new Msp({ config: read, version: '1.4.3', verifier: new SignatureVerifier() });
    const roles = common.MSPRole_MSPRoleType;
    const members = [...organization.nodes, ...organization.users];
    const granted = members.map(({ identity }) => {
      const serialized = serializeIdentity('Org1MSP', Certificate.fromPem(identity.certificate).der);
      const has = (role: number): boolean => {
        const principal = common.MSPRole.encode({ mspIdentifier: 'Org1MSP', role });
        return rules.deserialize(serialized).dissatisfaction({ principalClassification: 0, principal }) === undefined;
      };
      return [roles.MEMBER, roles.ADMIN, roles.CLIENT, roles.PEER, roles.ORDERER].map(has);
    });
    assert.deepEqual(granted, [
      [true, false, false, true, false],
      [true, true, false, false, false],
      [true, false, true, false, false],
    ]);
  });

  it('adds users later, by the same authorities, with attributes as Fabric’s CA writes them', async () => {
    const authorities = await readAuthorities(folder, 'org1.example.com');
    const [ca, tlsCa] = await Promise.all([
      CertificateAuthority.load(authorities.ca, now),
      CertificateAuthority.load(authorities.tlsCa, now),
    ]);
    const name = 'alice@org1.example.com';
    const attributes = { role: 'auditor', 'hf.EnrollmentID': 'alice' };
    const identity = await ca.identity({ commonName: name, organizationalUnit: 'client', attributes });
    const member = { name, identity, tls: await tlsCa.tls({ commonName: name, hosts: [] }) };
    for (const _ of [1, 2]) await writeUser(join(folder, 'users', name), authorities, member);
    const files = (user: string) => filesBelow(join(folder, 'users', user)).then((all) => all.map((path) => path.replace(user, '')));
    assert.deepEqual(await files(name), await files('User1@org1.example.com'));
    const issued = await certificate(`users/${name}/msp/signcerts/${name}-cert.pem`);
    assert.ok(issued.checkIssued(await certificate('ca/ca.org1.example.com-cert.pem')));
    assert.deepEqual(attributesOf(identity.certificate), { 'hf.EnrollmentID': 'alice', role: 'auditor' });
    // 1.2.3.4.5.6.7.8.1, not critical, and the JSON itself as the value
    const json = '{"attrs":{"hf.EnrollmentID":"alice","role":"auditor"}}';
    const extension = `06082a0304050607080104${json.length.toString(16)}${Buffer.from(json).toString('hex')}`;
    assert.ok(issued.raw.toString('hex').includes(extension));
  });

  it('does not write over what is there', async () => {
    await assert.rejects(writeOrganization(root, organization), { code: 'SETTING_INVALID' });
    assert.equal(await read('ca/priv_sk'), organization.ca.privateKey);
  });
});

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
