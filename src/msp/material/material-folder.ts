import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import type { KeyedCertificate } from './certificate-authority.ts';
import { configYaml } from './node-ous.ts';
import type { Member, Organization } from './organization.ts';

/** Where an organisation's material is, below the folder of all of them: `peerOrganizations/org1.example.com`. */
const organizationFolder = (root: string, { kind, domain }: Pick<Organization, 'kind' | 'domain'>): string =>
  join(root, kind === 'peer' ? 'peerOrganizations' : 'ordererOrganizations', domain);

/**
 * Writes an organisation in cryptogen's layout, keys readable by their owner only. All or nothing.
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
    await Promise.all([...filesOf(organization)].map(([path, file]) => write(join(draft, path), file)));
    await rename(draft, folder);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    throw cause;
  }
  return folder;
}

interface MaterialFile {
  readonly content: string;
  readonly secret: boolean;
}

const open = (content: string): MaterialFile => ({ content, secret: false });
const secret = (content: string): MaterialFile => ({ content, secret: true });

type Files = Iterable<readonly [path: string, file: MaterialFile]>;

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
  yield [certificateFile, open(certificate)];
  yield ['priv_sk', secret(privateKey)];
}

/** The organisation's public side, which every MSP folder has. */
function* mspFiles({ domain, ca, tlsCa }: Organization): Files {
  const caFile = `cacerts/ca.${domain}-cert.pem`;
  yield [caFile, open(ca.certificate)];
  yield [`tlscacerts/tlsca.${domain}-cert.pem`, open(tlsCa.certificate)];
  yield ['config.yaml', open(configYaml(caFile))];
}

function* memberFiles(organization: Organization, { name, identity, tls }: Member, role: 'server' | 'client'): Files {
  yield* within('msp', mspFiles(organization));
  yield [`msp/signcerts/${name}-cert.pem`, open(identity.certificate)];
  yield ['msp/keystore/priv_sk', secret(identity.privateKey)];
  yield ['tls/ca.crt', open(organization.tlsCa.certificate)];
  yield [`tls/${role}.crt`, open(tls.certificate)];
  yield [`tls/${role}.key`, secret(tls.privateKey)];
}

function* within(folder: string, files: Files): Files {
  for (const [path, file] of files) yield [join(folder, path), file];
}

async function write(path: string, { content, secret }: MaterialFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { mode: secret ? 0o600 : 0o644, flag: 'wx' });
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
