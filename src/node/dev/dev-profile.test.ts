import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { devFolders, makeMaterial } from './dev-material.ts';
import { type DevOptions, planNetwork } from './dev-plan.ts';
import { writeProfiles } from './dev-profile.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-profile-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function profilesOf(options: Partial<DevOptions>) {
  const plan = await planNetwork(root, { channel: 'mychannel', orgs: 2, tls: true, portBase: 7050, block: 'instant', ...options });
  const folders = devFolders(root, plan);
  await makeMaterial(folders, plan, new Date());
  const written = await writeProfiles(folders, plan);
  return Promise.all(written.map(async ({ json }) => JSON.parse(await readFile(json, 'utf8'))));
}

it('names the certificate authority of its organisation where that of the test network is', async () => {
  const [org1, org2] = await profilesOf({});
  expect(org1.organizations.Org1.certificateAuthorities).toEqual(['ca.org1.example.com']);
  const known = org1.certificateAuthorities['ca.org1.example.com'];
  expect(known).toMatchObject({ url: 'https://localhost:7054', caName: 'ca-org1', httpOptions: { verify: false } });
  expect(new X509Certificate(known.tlsCACerts.pem[0]).subject).toContain('CN=ca.org1.example.com');
  expect(Object.keys(org2.certificateAuthorities)).toEqual(['ca.org2.example.com']);
  expect(org2.certificateAuthorities['ca.org2.example.com']).toMatchObject({ url: 'https://localhost:8054', caName: 'ca-org2' });
});
