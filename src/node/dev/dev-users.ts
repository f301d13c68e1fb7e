/** Further users of a development network, with attributes that chaincode may ask for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import type { Attributes } from '../../msp/material/attributes.ts';
import { readAuthorities, writeUser } from '../../msp/material/material-folder.ts';
import { NODE_OUS } from '../../msp/material/node-ous.ts';
import { type DevFolders, userFolder } from './dev-material.ts';
import type { DevPeerPlan, DevPlan } from './dev-plan.ts';

export interface DevUserSpec {
  /** Like `alice`; the certificate is for `alice@org1.example.com`. */
  readonly name: string;
  /** Like `Org1`, in any case. */
  readonly org: string;
  readonly attributes: Attributes;
}

/** A user with an identity. */
export interface DevUser extends DevUserSpec {
  readonly peer: DevPeerPlan;
  /** With `msp` and `tls`. */
  readonly folder: string;
}

/**
 * Sees to it that these users have identities with these attributes; those of a user that has others are issued anew, for the same
 * subject.
 * @throws {SelvageError} `SETTING_INVALID` for an organisation that the network does not have
 */
export async function makeUsers(folders: DevFolders, plan: DevPlan, users: readonly DevUserSpec[], now: Date): Promise<readonly DevUser[]> {
  const known = users.map((user) => ({ ...user, peer: organizationOf(plan, user) }));
  const made: DevUser[] = [];
  for (const user of known) {
    const folder = userFolder(folders, user.peer, user.name);
    const attributes = withEnrollment(user);
    if (!isSame(await attributesIn(folder, user), attributes)) await issue(folders, { ...user, folder, attributes }, now);
    made.push({ ...user, folder });
  }
  return made;
}

function organizationOf({ peers }: DevPlan, { name, org }: DevUserSpec): DevPeerPlan {
  const found = peers.find((peer) => peer.org.toLowerCase() === org.toLowerCase());
  if (found !== undefined) return found;
  throw new SelvageError('SETTING_INVALID', `user ${name} is to be of ${org}, which this network does not have`, {
    advice: `Write one of ${peers.map((peer) => peer.org).join(', ')}, or give more --orgs.`,
  });
}

/**
 * With the attributes that every identity of Fabric's CA has.
 * @see Register in hyperledger/fabric-ca v1.5, lib/serverregister.go
 */
const withEnrollment = ({ name, attributes }: DevUserSpec): Attributes => ({
  'hf.Affiliation': '',
  'hf.EnrollmentID': name,
  'hf.Type': NODE_OUS.client,
  ...attributes,
});

/** Undefined when there is no such user. */
async function attributesIn(folder: string, { name, peer }: DevUserSpec & { readonly peer: DevPeerPlan }): Promise<Attributes | undefined> {
  const file = join(folder, 'msp', 'signcerts', `${name}@${peer.domain}-cert.pem`);
  const certificate = await readFile(file, 'utf8').catch(() => undefined);
  if (certificate === undefined) return undefined;
  const { attributesOf } = await import('../../msp/material/attributes.ts'); // takes long to load, as below
  return attributesOf(certificate);
}

const isSame = (one: Attributes | undefined, other: Attributes): boolean =>
  one !== undefined &&
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(other).every(([name, value]) => one[name] === value);

async function issue({ organizations }: DevFolders, { name, peer, folder, attributes }: DevUser, now: Date): Promise<void> {
  const authorities = await readAuthorities(join(organizations, 'peerOrganizations', peer.domain), peer.domain);
  const { CertificateAuthority } = await import('../../msp/material/certificate-authority.ts');
  const [ca, tlsCa] = await Promise.all([
    CertificateAuthority.load(authorities.ca, now),
    CertificateAuthority.load(authorities.tlsCa, now),
  ]);
  const commonName = `${name}@${peer.domain}`;
  const [identity, tls] = await Promise.all([
    ca.identity({ commonName, organizationalUnit: NODE_OUS.client, attributes }),
    tlsCa.tls({ commonName, hosts: [] }),
  ]);
  await writeUser(folder, authorities, { name: commonName, identity, tls });
}
