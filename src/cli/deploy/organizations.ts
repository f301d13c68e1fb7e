import { resolve } from 'node:path';
import type { PeerClient } from '../../client/peer-client.ts';
import { SelvageError } from '../../common/errors.ts';
import { LocalSigner } from '../../msp/identities/local-signer.ts';
import type { Signer } from '../../msp/identity.ts';
import {
  type ConnectionProfile,
  type PemPlace,
  type ProfileOrganization,
  readConnectionProfile,
} from '../../node/config/connection-profile.ts';
import { peerOf } from '../chaincode/logs.ts';
import { Connections } from '../connections.ts';
import { readText } from '../read-file.ts';
import type { Target } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import { readVariables } from './env-file.ts';

/** An organisation whose Admin's key is here. */
export interface Organization {
  readonly mspId: string;
  readonly signer: Signer;
  /** Its own, one at least. */
  readonly peers: readonly PeerClient[];
  /** Peers of others that it knows, by the MSP id of those. */
  readonly others: ReadonlyMap<string, PeerClient>;
  readonly connections: Connections;
  /** Where its peer keeps output of chaincode, if it runs on this machine. */
  readonly outputDirectory: string;
}

/** Everybody on whose behalf this command works. */
export class Organizations implements Disposable {
  readonly all: readonly Organization[];
  readonly #discovered = new Map<string, PeerClient>();

  private constructor(all: readonly Organization[]) {
    this.all = all;
  }

  /**
   * Those of `--org`, or that of the environment; each connected.
   * @throws {SelvageError} `SETTING_INVALID` naming the setting that is wrong; `PEER_UNREACHABLE`
   */
  static async connect(files: readonly string[], terminal: Terminal): Promise<Organizations> {
    const opened: Connections[] = [];
    const open = (env: Terminal['env']): Opened => {
      const connections = new Connections({ ...terminal, env });
      opened.push(connections);
      return { connections, outputDirectory: peerOf({ env }).directory };
    };
    try {
      const all: Organization[] = [];
      for (const file of files) all.push(await organizationOf(resolve(terminal.cwd, file), open, terminal));
      if (files.length === 0) all.push(await fromVariables(open(terminal.env)));
      refuseTwice(all);
      return new Organizations(all);
    } catch (thrown) {
      for (const each of opened) each[Symbol.dispose]();
      throw thrown;
    }
  }

  /** The one that asks where it does not matter who does. */
  get first(): Organization {
    const [first] = this.all;
    if (first === undefined) throw new SelvageError('INTERNAL', 'no organisation');
    return first;
  }

  /** Every peer of theirs. */
  get peers(): readonly PeerClient[] {
    return this.all.flatMap(({ peers }) => peers);
  }

  /** Asks the first one's peer for peers of organisations that none is known of. */
  async discover(channelId: string, mspIds: readonly string[]): Promise<void> {
    const missing = mspIds.filter((mspId) => this.peerOf(mspId) === undefined);
    if (missing.length === 0) return;
    const { connections, signer, peers } = this.first;
    const [peer] = peers;
    if (peer !== undefined)
      for (const [mspId, found] of await connections.discovered(channelId, { peer, signer }, missing)) this.#discovered.set(mspId, found);
  }

  /** One peer of an organisation, theirs or another that they know; undefined where nobody knows one. */
  peerOf(mspId: string): PeerClient | undefined {
    const own = this.all.find((each) => each.mspId === mspId)?.peers[0];
    return own ?? this.all.map(({ others }) => others.get(mspId)).find((peer) => peer !== undefined) ?? this.#discovered.get(mspId);
  }

  [Symbol.dispose](): void {
    for (const { connections } of this.all) connections[Symbol.dispose]();
  }
}

type Opened = Pick<Organization, 'connections' | 'outputDirectory'>;
type Open = (env: Terminal['env']) => Opened;

const organizationOf = async (file: string, open: Open, { cwd, env }: Terminal): Promise<Organization> =>
  /\.(?:json|ya?ml)$/i.test(file)
    ? fromProfile(readConnectionProfile(file, cwd), open(env))
    : fromVariables(open(readVariables(readText(file, { setting: '--org' }), env, file)));

async function fromVariables(opened: Opened): Promise<Organization> {
  const { connections } = opened;
  const signer = await connections.signer();
  return { ...opened, mspId: signer.mspId, signer, peers: [await connections.peer()], others: new Map() };
}

async function fromProfile(profile: ConnectionProfile, opened: Opened): Promise<Organization> {
  const { connections } = opened;
  const own = ownOf(profile);
  const signer = await signerOf(own, profile, connections);
  const targets = targetsOf(own, profile);
  if (targets.length === 0)
    throw new SelvageError('SETTING_INVALID', `${profile.file} names no peer of ${own.mspId}`, {
      advice: 'List its peers under organizations: NAME: peers, and describe them under peers.',
    });
  const others = new Map<string, PeerClient>();
  for (const each of profile.organizations.values()) {
    const [target] = each.mspId === own.mspId ? [] : targetsOf(each, profile);
    const [peer] = target === undefined ? [] : await connections.peers([target]);
    if (peer !== undefined) others.set(each.mspId, peer);
  }
  return { ...opened, mspId: own.mspId, signer, peers: await connections.peers(targets), others };
}

function ownOf({ file, own, organizations }: ConnectionProfile): ProfileOrganization {
  const found = own === undefined && organizations.size === 1 ? [...organizations.values()][0] : organizations.get(own ?? '');
  if (found !== undefined && found.mspId !== '') return found;
  throw new SelvageError('SETTING_INVALID', `${file} does not say whose profile it is`, {
    advice: 'Let client: organization: name one of organizations, and that have an mspid.',
  });
}

const targetsOf = ({ peers }: ProfileOrganization, profile: ConnectionProfile): readonly Target[] =>
  peers.flatMap((name) => {
    const peer = profile.peers.get(name);
    return peer === undefined ? [] : [{ peer, profile: profile.file }];
  });

/** The Admin of the profile, or of the environment where that is of the same organisation. */
async function signerOf({ mspId, admin }: ProfileOrganization, { file }: ConnectionProfile, connections: Connections): Promise<Signer> {
  if (admin !== undefined)
    return LocalSigner.fromPem({ mspId, certificate: pemOf(admin.certificate, file), privateKey: pemOf(admin.key, file) });
  if (connections.config.mspId === mspId) return connections.signer();
  throw new SelvageError('SETTING_INVALID', `${file} holds no key of an Admin of ${mspId}`, {
    advice: `Add adminPrivateKey and signedCert to the organisation in it, or set CORE_PEER_LOCALMSPID=${mspId} and CORE_PEER_MSPCONFIGPATH.`,
  });
}

const pemOf = (place: PemPlace, setting: string): string => ('pem' in place ? place.pem : readText(place.file, { setting }));

function refuseTwice(all: readonly Organization[]): void {
  const twice = all.find(({ mspId }, at) => all.findIndex((each) => each.mspId === mspId) !== at);
  if (twice !== undefined)
    throw new SelvageError('SETTING_INVALID', `${twice.mspId} is named twice by --org`, {
      advice: 'Name each organisation once; a connection profile can have several peers of it.',
    });
}
