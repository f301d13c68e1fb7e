import { dirname, join } from 'node:path';
import type { Cancellable } from '../../common/cancel.ts';
import { systemClock } from '../../common/clock.ts';
import { removeUnfinished } from '../../common/durable-files.ts';
import { lockFolder } from '../../common/folder-lock.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { Scope } from '../../common/scope.ts';
import type { QueryAdvice } from '../../ledger/statedb/query-advice.ts';
import type { OutputLine } from '../../packages/output.ts';
import { type PeerConfig, parsePeerConfig } from '../config/peer-config.ts';
import type { InvalidTransaction } from '../follow-channels.ts';
import { startOrderer } from '../start-orderer.ts';
import { type Peer, startPeer } from '../start-peer.ts';
import { type EnvFile, type Program, writeEnvFiles } from './dev-env.ts';
import { type DevFolders, devFolders, makeMaterial, ordererFolder, peerFolder } from './dev-material.ts';
import { type DevOptions, type DevPeerPlan, type DevPlan, planNetwork } from './dev-plan.ts';
import { type ClientFiles, writeProfiles } from './dev-profile.ts';
import { type DevUser, type DevUserSpec, makeUsers } from './dev-users.ts';
import { walletFolder, writeWallets } from './dev-wallets.ts';

export type { QueryAdvice };

export interface DevNetworkParts extends Cancellable {
  /** Where chaincode's installed dependencies are kept between networks. */
  readonly cacheFolder: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Opens the inspector of Node chaincode. */
  readonly inspect?: boolean;
  /** Peers answer JSON queries, as with CouchDB, unless this is false. */
  readonly richQueries?: boolean;
  /**
   * More settings for every peer, as in a core.yaml but with lower-case keys. Sections given here replace ours, but the keys of
   * `selvage`, `peer` and `peer.tls` join ours.
   */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Hears of every transaction that was ordered and then found invalid, from the first peer. */
  readonly onInvalid?: (transaction: InvalidTransaction) => void;
  /** Hears what would help a rich query that no index served, from the first peer that answers one of its kind. */
  readonly onAdvice?: (advice: QueryAdvice) => void;
  /** Hears what chaincode and its builds print, from every peer. */
  readonly onOutput?: (ccid: string, line: OutputLine, peer: DevPeerPlan) => void;
  /** Who else has an identity, beside the Admin and the User1 of each organisation. */
  readonly users?: readonly DevUserSpec[];
  /** What `selvage` is for a shell that does not know it. */
  readonly program?: Program | undefined;
}

/** A running development network. Disposing stops all of it; the folder stays. */
export interface DevNetwork extends AsyncDisposable {
  readonly plan: DevPlan;
  readonly folders: DevFolders;
  readonly profiles: readonly ClientFiles[];
  /** For shells; the first is that of the first organisation's Admin. */
  readonly envFiles: readonly EnvFile[];
  readonly users: readonly DevUser[];
  readonly peers: readonly Peer[];
}

/**
 * Starts an orderer and one peer per organisation in this process, from the same parts that `node start` uses.
 *
 * @param folder kept and gone on with when it holds a network already
 * @throws {SelvageError} `FOLDER_IN_USE` while another process runs the network of that folder
 */
export async function startDevNetwork(folder: string, options: DevOptions, parts: DevNetworkParts): Promise<DevNetwork> {
  await using scope = new Scope();
  scope.use(await lockFolder(folder, "the network's folder"));
  const plan = await planNetwork(folder, options);
  const folders = devFolders(folder, plan);
  const genesis = await makeMaterial(folders, plan, systemClock.now());
  for (const written of writtenFolders(folders, plan)) await removeUnfinished(written);
  const users = await makeUsers(folders, plan, parts.users ?? [], systemClock.now());
  const profiles = await writeProfiles(folders, plan);
  const envFiles = await writeEnvFiles(folders, plan, users, parts.program);
  await writeWallets(folders, plan, users);
  scope.use(await startOrderer(ordererConfig(folders, plan), genesis, { log: parts.log.child({ module: 'orderer' }) }));
  const started = plan.peers.map(async (peer, at) => {
    const { onInvalid, onOutput, ...others } = parts;
    const heard = onOutput && { onOutput: (ccid: string, line: OutputLine) => onOutput(ccid, line, peer) };
    const contacts = plan.peers
      .filter(({ host }) => host !== peer.host)
      .map(({ mspId, port }) => ({ endpoint: `localhost:${port}`, mspId }));
    const told = { ...(at === 0 && onInvalid && { onInvalid }), ...heard };
    const peerParts = { ...others, ...told, contacts, log: parts.log.child({ peer: peer.host }) };
    return scope.use(await startPeer(peerConfig(folders, plan, peer, parts), peerParts));
  });
  await Promise.allSettled(started); // one that fails must not leave others that still start
  const peers = await Promise.all(started);
  const owned = scope.move();
  return { plan, folders, profiles, envFiles, users, peers, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** Where files of the network's own are put in place, of which a start that was killed may have left parts. */
const writtenFolders = ({ root, organizations, genesisBlock }: DevFolders, { peers }: DevPlan): readonly string[] => [
  root,
  dirname(genesisBlock),
  ...peers.map(({ domain }) => join(organizations, 'peerOrganizations', domain)),
  ...peers.map((peer) => walletFolder({ root }, peer)),
];

function ordererConfig(folders: DevFolders, plan: DevPlan) {
  const folder = ordererFolder(folders, plan.orderer);
  const tls = (name: string): string => join(folder, 'tls', name);
  const files = { keyFile: tls('server.key'), certFile: tls('server.crt') };
  const admin = {
    listenAddress: `127.0.0.1:${plan.orderer.adminPort}`,
    tls: plan.tls ? { ...files, clientAuthRequired: true, clientRootFiles: [tls('ca.crt')] } : undefined,
  };
  return {
    admin,
    listenAddress: `127.0.0.1:${plan.orderer.port}`,
    mspConfigPath: join(folder, 'msp'),
    localMspId: plan.orderer.mspId,
    tls: plan.tls ? { ...files, clientAuthRequired: false, clientRootFiles: [] } : undefined,
    folder: join(folders.root, 'orderer'),
    cut: plan.block === 'instant' ? ('instant' as const) : ('batch' as const),
  };
}

/** Where packages are built when they are installed, a start is no build: nobody should wait longer for a chaincode that never registers. */
const REGISTERED_WITHIN = '60s';

/** A version that was upgraded is stopped when nobody called it for so long. */
const UNUSED = '10s';
/** Sooner where the next version waits for its inspector. */
const UNUSED_INSPECTED = '1s';

/**
 * More than Fabric's sample core.yaml allows (500), because that of the test network has no such limit: samples that show many clients
 * at once call a thousand times from one. As text, like the value of a variable.
 */
const GATEWAY_CALLS = '2500';

/** As in Fabric's sample core.yaml; without one it would be a tenth. */
const QUERY_LIMIT = '100000';

/** The same settings that a core.yaml would hold, so that development has no configuration path of its own. */
function peerConfig(
  folders: DevFolders,
  plan: DevPlan,
  peer: DevPeerPlan,
  { cacheFolder, settings, inspect = false, richQueries = true }: DevNetworkParts,
): PeerConfig {
  const folder = peerFolder(folders, peer);
  const tls = (name: string): string => join(folder, 'tls', name);
  const more = section(settings?.['peer']);
  const raw = {
    ledger: { state: { totalquerylimit: QUERY_LIMIT } },
    ...(plan.lifecycle === 2 && { chaincode: { startuptimeout: REGISTERED_WITHIN } }),
    ...settings,
    peer: {
      id: peer.host,
      networkid: `dev-${peer.port}`, // containers are named by it, and networks of one machine share its engine
      listenaddress: `127.0.0.1:${peer.port}`,
      address: `localhost:${peer.port}`,
      chaincodelistenaddress: `127.0.0.1:${peer.chaincodePort}`,
      localmspid: peer.mspId,
      mspconfigpath: join(folder, 'msp'),
      filesystempath: join(folders.root, 'peers', peer.org.toLowerCase()),
      gossip: { externalendpoint: `localhost:${peer.port}` }, // clients find peers by it
      limits: { concurrency: { gatewayservice: GATEWAY_CALLS } },
      ...elsewhere(plan),
      ...more,
      tls: {
        enabled: plan.tls,
        cert: { file: tls('server.crt') },
        key: { file: tls('server.key') },
        rootcert: { file: tls('ca.crt') },
        ...(plan.mutualTls && { clientauthrequired: 'true', clientrootcas: { files: rootsOf(folders, plan) } }),
        ...section('tls' in more ? more.tls : undefined),
      },
    },
    selvage: {
      chaincodecache: cacheFolder,
      retireafter: inspect ? UNUSED_INSPECTED : UNUSED,
      inspectchaincode: inspect,
      richqueries: richQueries,
      process: { sharebuildcaches: true }, // all that is built is one developer's, and often
      ...section(settings?.['selvage']),
    },
  };
  return parsePeerConfig({ raw, folder: folders.root }, undefined);
}

/** Whom peers let in before they have joined a channel, which names its own. */
const rootsOf = (folders: DevFolders, { peers }: DevPlan): readonly string[] =>
  peers.map((peer) => join(peerFolder(folders, peer), 'tls', 'ca.crt'));

/** Where the orderer is now, when the channel's configuration has it at another port. */
function elsewhere({ orderer: { port, configuredPort } }: DevPlan): object {
  if (configuredPort === undefined) return {};
  return { deliveryclient: { addressoverrides: [{ from: `localhost:${configuredPort}`, to: `localhost:${port}` }] } };
}

const section = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
