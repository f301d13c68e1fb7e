import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Issued, issue } from '../../test/certificates.ts';
import { hex, textOf } from '../common/bytes.ts';
import { type LogFields, type Logger, silent } from '../common/log.ts';
import { YamlFields } from '../node/config/yaml-fields.ts';
import { msp as protos } from '../protos/messages.ts';
import { Certificate } from './identities/certificate.ts';
import { SignatureVerifier } from './identities/signature-verifier.ts';
import { type LocalMsp, loadLocalMsp } from './local-msp.ts';
import { loadMspFolder } from './msp-folder.ts';

const readYaml = YamlFields.parse;

describe('an MSP folder', () => {
  let workspace: string;
  let count = 0;
  beforeAll(async () => {
    workspace = await mkdtemp(join(tmpdir(), 'selvage-msp-'));
  });
  afterAll(() => rm(workspace, { recursive: true, force: true }));

  async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    count += 1;
    const folder = join(workspace, String(count));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    return folder;
  }

  const load = async (files: Readonly<Record<string, string | Uint8Array>>, log: Logger = silent): Promise<protos.FabricMSPConfig> =>
    protos.FabricMSPConfig.decode(await loadMspFolder(await folderOf(files), { mspId: 'Org1MSP', readYaml, log }));
  const pem = (name: string): string => `-----BEGIN CERTIFICATE-----\n${Buffer.from(name).toString('base64')}\n-----END CERTIFICATE-----\n`;

  it('gives its files as they are, in the order of their names, without sub-folders and what is not PEM', async () => {
    const warnings: unknown[] = [];
    const config = await load(
      {
        'cacerts/b.pem': pem('b'),
        'cacerts/a.pem': `note\n${pem('a')}`,
        'cacerts/more/c.pem': pem('c'),
        'cacerts/README': 'nothing',
        'intermediatecerts/i.pem': pem('i'),
        'admincerts/d.pem': pem('d'),
        'crls/e.pem': pem('e'),
        'tlscacerts/f.pem': pem('f'),
        'tlsintermediatecerts/g.pem': pem('g'),
      },
      { ...silent, warn: (_, fields) => warnings.push(fields) },
    );
    assert.equal(config.name, 'Org1MSP');
    assert.deepEqual(config.rootCerts.map(textOf), [`note\n${pem('a')}`, pem('b')]);
    const { intermediateCerts, admins, revocationList, tlsRootCerts, tlsIntermediateCerts } = config;
    assert.deepEqual(
      [intermediateCerts, admins, revocationList, tlsRootCerts, tlsIntermediateCerts].flat().map(textOf),
      ['i', 'd', 'e', 'f', 'g'].map(pem),
    );
    assert.equal(config.fabricNodeOus, undefined);
    assert.deepEqual(config.cryptoConfig, { signatureHashFamily: 'SHA2', identityIdentifierHashFunction: 'SHA256' });
    assert.equal(warnings.length, 1);
  });

  it('follows links, as folders mounted from a secret have them', async () => {
    const folder = await folderOf({ 'cacerts/..2026/ca.pem': pem('ca') });
    await symlink('..2026', join(folder, 'cacerts', '..data'));
    await symlink(join('..data', 'ca.pem'), join(folder, 'cacerts', 'ca.pem'));
    const config = protos.FabricMSPConfig.decode(await loadMspFolder(folder, { mspId: 'Org1MSP', readYaml }));
    assert.deepEqual(config.rootCerts.map(textOf), [pem('ca')]);
  });

  it('goes without entries that lead nowhere or cannot be read, and says which', async () => {
    const folder = await folderOf({ 'cacerts/ca.pem': pem('ca'), 'tlscacerts/tls.pem': pem('tls') });
    await symlink('nowhere', join(folder, 'cacerts', 'lost.pem'));
    await symlink('loop.pem', join(folder, 'tlscacerts', 'loop.pem'));
    execFileSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'cacerts', 'pipe.pem')]); // who reads it waits until somebody writes
    await symlink('nowhere', join(folder, 'intermediatecerts'));
    const warnings: (LogFields | undefined)[] = [];
    const log = { ...silent, warn: (_: string, fields?: LogFields) => void warnings.push(fields) };
    const config = protos.FabricMSPConfig.decode(await loadMspFolder(folder, { mspId: 'Org1MSP', readYaml, log }));
    assert.deepEqual([config.rootCerts, config.tlsRootCerts, config.intermediateCerts].flat().map(textOf), [pem('ca'), pem('tls')]);
    assert.deepEqual(
      warnings.map((fields) => fields?.['file']).sort(), // they are looked at side by side
      [join(folder, 'cacerts', 'lost.pem'), join(folder, 'cacerts', 'pipe.pem'), join(folder, 'tlscacerts', 'loop.pem')],
    );
  });

  it('is refused when a folder of it is a file', async () => {
    await assert.rejects(load({ cacerts: pem('ca') }), { code: 'SETTING_INVALID', message: /cannot read/ });
  });

  it('uses TLS intermediates only below TLS roots', async () => {
    const config = await load({ 'cacerts/a.pem': pem('a'), 'tlsintermediatecerts/g.pem': pem('g') });
    assert.deepEqual(config.tlsIntermediateCerts, []);
  });

  it('has OU rules in config.yaml, whose certificates are named from the folder', async () => {
    const yaml = `
OrganizationalUnitIdentifiers:
  - { Certificate: cacerts/a.pem, OrganizationalUnitIdentifier: sales }
NodeOUs:
  Enable: true
  ClientOUIdentifier: { Certificate: cacerts/a.pem, OrganizationalUnitIdentifier: client }
  PeerOUIdentifier: { OrganizationalUnitIdentifier: peer }
`;
    const config = await load({ 'cacerts/a.pem': pem('a'), 'config.yaml': yaml });
    assert.deepEqual(
      config.organizationalUnitIdentifiers.map((entry) => [textOf(entry.certificate), entry.organizationalUnitIdentifier]),
      [[pem('a'), 'sales']],
    );
    const nodeOus = config.fabricNodeOus;
    assert.equal(nodeOus?.enable, true);
    assert.equal(textOf(nodeOus?.clientOuIdentifier?.certificate ?? new Uint8Array()), pem('a'));
    assert.equal(nodeOus?.peerOuIdentifier?.certificate.length, 0);
    assert.equal(nodeOus?.adminOuIdentifier, undefined);
  });

  it('has no node OUs when they are not enabled or the file is empty', async () => {
    for (const yaml of ['', 'NodeOUs:\n  Enable: false\n  ClientOUIdentifier: { OrganizationalUnitIdentifier: client }\n', 'NodeOUs:\n']) {
      assert.equal((await load({ 'cacerts/a.pem': pem('a'), 'config.yaml': yaml })).fabricNodeOus, undefined);
    }
  });

  it('is refused without a root, or when config.yaml is wrong', async () => {
    const refuse = (files: Record<string, string>, message: RegExp): Promise<void> =>
      assert.rejects(load(files), { code: 'SETTING_INVALID', message });
    await refuse({ 'admincerts/a.pem': pem('a') }, /could not load a valid ca certificate from directory/);
    const root = { 'cacerts/a.pem': pem('a') };
    await refuse(
      { ...root, 'config.yaml': 'OrganizationalUnitIdentifiers: 5' },
      /config\.yaml: OrganizationalUnitIdentifiers is "5", expected a list/,
    );
    await refuse(
      { ...root, 'config.yaml': 'OrganizationalUnitIdentifiers: [{ OrganizationalUnitIdentifier: x }]' },
      /cannot read the certificate/,
    );
    for (const [yaml, message] of [
      ['{', /config\.yaml: line 1/],
      ['hello', /config\.yaml: expected keys and values/],
      ['NodeOUs: true', /NodeOUs is "true", expected keys and values/],
      ['NodeOUs: { Enable: "true" }', /NodeOUs\.Enable is "true", expected true or false/],
      ['NodeOUs: { Enable: 1 }', /NodeOUs\.Enable is "1", expected true or false/],
      ['NodeOUs: { Enable: true, PeerOUIdentifier: peer }', /NodeOUs\.PeerOUIdentifier is "peer", expected keys and values/],
      ['NodeOUs: { PeerOUIdentifier: { OrganizationalUnitIdentifier: [x] } }', /OrganizationalUnitIdentifier is a list, expected a text/],
      ['OrganizationalUnitIdentifiers: [x]', /OrganizationalUnitIdentifiers is a list, expected a list of keys and values/],
    ] as const)
      await refuse({ ...root, 'config.yaml': yaml }, message);
  });

  it('takes a certificate of a node OU that is not there for none, and says so; an entry without a name for absent', async () => {
    const yaml = `
NodeOUs:
  Enable: yes
  ClientOUIdentifier: { Certificate: cacerts/gone.pem, OrganizationalUnitIdentifier: client }
  PeerOUIdentifier: { Certificate: cacerts, OrganizationalUnitIdentifier: 007 }
  AdminOUIdentifier: { Certificate: cacerts/gone.pem, OrganisationalUnitIdentifier: admin }
  OrdererOUIdentifier: { Certificate: cacerts/a.pem, OrganizationalUnitIdentifier: orderer }
`;
    const warnings: (LogFields | undefined)[] = [];
    const log = { ...silent, warn: (_: string, fields?: LogFields) => void warnings.push(fields) };
    const { fabricNodeOus } = await load({ 'cacerts/a.pem': pem('a'), 'config.yaml': yaml }, log);
    const { clientOuIdentifier, peerOuIdentifier, adminOuIdentifier, ordererOuIdentifier } = fabricNodeOus ?? assert.fail('not enabled');
    assert.equal(clientOuIdentifier?.organizationalUnitIdentifier, 'client');
    assert.equal(clientOuIdentifier.certificate.length, 0);
    assert.equal(peerOuIdentifier?.organizationalUnitIdentifier, '007');
    assert.equal(peerOuIdentifier.certificate.length, 0);
    assert.equal(adminOuIdentifier, undefined);
    assert.equal(textOf(ordererOuIdentifier?.certificate ?? new Uint8Array()), pem('a'));
    assert.deepEqual(
      warnings.map((fields) => [fields?.['role'], String(fields?.['file']).split('/').at(-1)]),
      [
        ['ClientOUIdentifier', 'gone.pem'],
        ['PeerOUIdentifier', 'cacerts'],
      ],
    );
  });

  describe('of a node', () => {
    let root: Issued;
    let node: Issued;
    beforeAll(async () => {
      root = await issue({ subject: 'CN=ca', ca: true });
      node = await issue({ subject: 'CN=node', issuer: root, s: 'high' });
    });
    const keyPem = ({ privateKey }: Issued): string => String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const nodeFolder = (keystore: Record<string, string>): Promise<string> =>
      folderOf({
        'cacerts/ca.pem': root.pem,
        'admincerts/admin.pem': node.pem,
        'signcerts/cert.pem': node.pem,
        'keystore/.keep': '',
        ...keystore,
      });
    const open = (folder: string, now = '2027-01-01T00:00:00Z'): Promise<LocalMsp> =>
      loadLocalMsp(folder, { mspId: 'Org1MSP', readYaml, verifier: new SignatureVerifier(), clock: { now: () => new Date(now) } });

    it('finds the key by its SKI, whatever the file is called', async () => {
      const other = await issue({ subject: 'CN=other' });
      const named = `keystore/${hex(new Certificate(node.der).keySki)}_sk`;
      for (const keys of [
        { [named]: keyPem(node) },
        { 'keystore/key.pem': keyPem(node), 'keystore/a': keyPem(other), 'keystore/text': 'x' },
      ]) {
        const { msp, signer } = await open(await nodeFolder(keys));
        const identity = msp.deserialize(signer.serialized);
        assert.deepEqual(identity.serialized, signer.serialized, 'sanitised, though the file is not');
        const message = new Uint8Array([1]);
        assert.equal(await identity.verify(message, signer.sign(message)), true);
      }
    });

    it('is refused without its key, its certificate, or after that ended', async () => {
      const other = await issue({ subject: 'CN=other' });
      const refuse = (folder: string, message: RegExp, now?: string): Promise<void> =>
        assert.rejects(open(folder, now), { code: 'SETTING_INVALID', message });
      await refuse(await nodeFolder({ 'keystore/a': keyPem(other) }), /could not find the private key/);
      const good = await nodeFolder({ 'keystore/a': keyPem(node) });
      await refuse(good, /signing identity expired/, '2040-01-01T00:00:00Z');
      const foreign = await nodeFolder({ 'keystore/a': keyPem(other), 'signcerts/cert.pem': other.pem });
      await refuse(foreign, /signing certificate is not valid in MSP Org1MSP/);
      const keyless = join(workspace, 'keyless');
      await cp(good, keyless, { recursive: true });
      await rm(join(keyless, 'keystore'), { recursive: true });
      await refuse(keyless, /there is no folder .*keystore/);
      await rename(join(good, 'signcerts'), join(good, 'gone'));
      await refuse(good, /could not load a valid signer certificate/);
    });
  });
});
