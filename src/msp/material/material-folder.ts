import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, syncFolder, writeDurably } from '../../common/durable-files.ts';
import { SelvageError } from '../../common/errors.ts';
import type { KeyedCertificate } from './certificate-authority.ts';
import { configYaml } from './node-ous.ts';
import type { Member, Organization } from './organization.ts';

/** Where an organisation's material is, below the folder of all of them: `peerOrganizations/org1.example.com`. */
const organizationFolder = (root: string, { kind, domain }: Pick<Organization, 'kind' | 'domain'>): string =>
  join(root, kind === 'peer' ? 'peerOrganizations' : 'ordererOrganizations', domain);

/**
 * Writes an organisation in cryptogen's layout, readable by its owner only. All or nothing, also after a crash.
 * @returns the organisation's folder
 * @throws {SelvageError} `SETTING_INVALID` when it exists already
 */
export async function writeOrganization(root: string, organization: Organization): Promise<string> {
  const folder = organizationFolder(root, organization);
  if (await exists(folder)) {
    throw new SelvageError('SETTING_INVALID', `${folder} exists already`, { advice: 'Remove it or choose another folder.' });
  }
  const draft = `${folder}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeAll(draft, [...filesOf(organization)]);
    await rename(draft, folder);
    await syncFolder(dirname(folder));
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    throw cause;
  }
  return folder;
}

/** What a user's folder has of its organisation. */
export type OrganizationCertificates = Pick<Organization, 'domain' | 'ca' | 'tlsCa'>;

/** The certificate authorities of an organisation that was written. */
export async function readAuthorities(organization: string, domain: string): Promise<OrganizationCertificates> {
  const authority = async (name: 'ca' | 'tlsca'): Promise<KeyedCertificate> => ({
    certificate: await readFile(join(organization, name, `${name}.${domain}-cert.pem`), 'utf8'),
    privateKey: await readFile(join(organization, name, 'priv_sk'), 'utf8'),
  });
  return { domain, ca: await authority('ca'), tlsCa: await authority('tlsca') };
}

/** Writes a user's folder in place of what may be there, all or nothing. @param folder of the user */
export async function writeUser(folder: string, organization: OrganizationCertificates, user: Member): Promise<void> {
  const draft = `${folder}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeAll(draft, [...memberFiles(organization, user, 'client')]);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
    await syncFolder(dirname(folder));
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    throw cause;
  }
}

/** Waits for the last one before it fails: nothing goes on behind the back of who then tidies up. */
async function allOver(works: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}

/** Writes files and waits until they are on the disk, and their names. */
async function writeAll(root: string, files: Files): Promise<void> {
  const folders = new Set<string>();
  for (const [path] of files)
    for (let folder = dirname(join(root, path)); folder.startsWith(root); folder = dirname(folder)) folders.add(folder);
  for (const folder of folders) await makeFolder(folder);
  await allOver(Array.from(files, ([path, content]) => writeDurably(join(root, path), content)));
  await allOver([...folders].map(syncFolder));
}

type Files = Iterable<readonly [path: string, content: string]>;

function* filesOf(organization: Organization): Files {
  const { kind, domain, ca, tlsCa, nodes, users } = organization;
  yield* within('ca', authorityFiles(`ca.${domain}-cert.pem`, ca));
  yield* within('tlsca', authorityFiles(`tlsca.${domain}-cert.pem`, tlsCa));
  yield* within('msp', mspFiles(organization));
  for (const node of nodes)
    yield* within(join(kind === 'peer' ? 'peers' : 'orderers', node.name), memberFiles(organization, node, 'server'));
  for (const user of users) yield* within(join('users', user.name), memberFiles(organization, user, 'client'));
}

function* authorityFiles(certificateFile: string, { certificate, privateKey }: KeyedCertificate): Files {
  yield [certificateFile, certificate];
  yield ['priv_sk', privateKey];
}

/** The organisation's public side, which every MSP folder has. */
function* mspFiles({ domain, ca, tlsCa }: OrganizationCertificates): Files {
  const caFile = `cacerts/ca.${domain}-cert.pem`;
  yield [caFile, ca.certificate];
  yield [`tlscacerts/tlsca.${domain}-cert.pem`, tlsCa.certificate];
  yield ['config.yaml', configYaml(caFile)];
}

function* memberFiles(organization: OrganizationCertificates, { name, identity, tls }: Member, role: 'server' | 'client'): Files {
  yield* within('msp', mspFiles(organization));
  yield [`msp/signcerts/${name}-cert.pem`, identity.certificate];
  yield ['msp/keystore/priv_sk', identity.privateKey];
  yield ['tls/ca.crt', organization.tlsCa.certificate];
  yield [`tls/${role}.crt`, tls.certificate];
  yield [`tls/${role}.key`, tls.privateKey];
}

function* within(folder: string, files: Files): Files {
  for (const [path, content] of files) yield [join(folder, path), content];
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
