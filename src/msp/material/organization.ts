import { utf8 } from '../../common/bytes.ts';
import type { msp } from '../../protos/messages.ts';
import type { KeyedCertificate } from './certificate-authority.ts';
import { NODE_OUS } from './node-ous.ts';

/** What an organisation of a development network consists of. */
export interface OrganizationSpec {
  readonly kind: 'peer' | 'orderer';
  readonly mspId: string;
  /** Like `org1.example.com`; node `peer0` becomes `peer0.org1.example.com`. */
  readonly domain: string;
  /** Host names of peers or orderers, without the domain. */
  readonly nodes: readonly string[];
  /** Names of plain clients, like `User1`; the admin comes in any case. */
  readonly users: readonly string[];
  /** Further host names and addresses the nodes may be reached by. */
  readonly hosts?: readonly string[];
}

/** A member with its signing and its TLS certificate. */
export interface Member {
  /** Fully qualified: `peer0.org1.example.com`, `Admin@org1.example.com`. */
  readonly name: string;
  readonly identity: KeyedCertificate;
  readonly tls: KeyedCertificate;
}

/** Everything cryptogen would make for one organisation, in memory. */
export interface Organization {
  readonly kind: 'peer' | 'orderer';
  readonly mspId: string;
  readonly domain: string;
  readonly ca: KeyedCertificate;
  readonly tlsCa: KeyedCertificate;
  readonly nodes: readonly Member[];
  /** `Admin` first, then the users. */
  readonly users: readonly Member[];
}

/** How a node of a development machine is reached whatever it is called. */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '::1'];

/** Makes keys and certificates; nothing is written. */
export async function createOrganization(spec: OrganizationSpec, now: Date): Promise<Organization> {
  const { kind, mspId, domain } = spec;
  const { CertificateAuthority } = await import('./certificate-authority.ts'); // its library takes long to load, and most starts find all made
  const [ca, tlsCa] = await Promise.all([
    CertificateAuthority.create({ commonName: `ca.${domain}`, organization: domain }, now),
    CertificateAuthority.create({ commonName: `tlsca.${domain}`, organization: domain }, now),
  ]);
  const member = async (name: string, organizationalUnit: string, hosts: readonly string[]): Promise<Member> => {
    const [identity, tls] = await Promise.all([
      ca.identity({ commonName: name, organizationalUnit }),
      tlsCa.tls({ commonName: name, hosts }),
    ]);
    return { name, identity, tls };
  };
  const node = (host: string): Promise<Member> => {
    const name = `${host}.${domain}`;
    return member(name, NODE_OUS[kind], [...new Set([name, host, ...LOCAL_HOSTS, ...(spec.hosts ?? [])])]);
  };
  const [nodes, users] = await Promise.all([
    Promise.all(spec.nodes.map(node)),
    Promise.all(
      ['Admin', ...spec.users].map((user) => member(`${user}@${domain}`, user === 'Admin' ? NODE_OUS.admin : NODE_OUS.client, [])),
    ),
  ]);
  return { kind, mspId, domain, ca: ca.own, tlsCa: tlsCa.own, nodes, users };
}

/** The definition of the organisation's MSP that goes into a channel configuration. */
export function mspDefinition({ mspId, ca, tlsCa }: Organization): msp.FabricMSPConfigInit {
  const certificate = utf8(ca.certificate);
  const ou = (organizationalUnitIdentifier: string): msp.FabricOUIdentifierInit => ({ certificate, organizationalUnitIdentifier });
  return {
    name: mspId,
    rootCerts: [certificate],
    tlsRootCerts: [utf8(tlsCa.certificate)],
    cryptoConfig: { signatureHashFamily: 'SHA2', identityIdentifierHashFunction: 'SHA256' },
    fabricNodeOus: {
      enable: true,
      clientOuIdentifier: ou(NODE_OUS.client),
      peerOuIdentifier: ou(NODE_OUS.peer),
      adminOuIdentifier: ou(NODE_OUS.admin),
      ordererOuIdentifier: ou(NODE_OUS.orderer),
    },
  };
}
