/** What a development network consists of, decided before anything is made: organisations, addresses, folders. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { makeFolder, replaceDurably } from '../../common/durable-files.ts';
import { SelvageError } from '../../common/errors.ts';
import { areFree, freePorts } from './free-ports.ts';

/** Which chaincode lifecycle the channel has: that of Fabric 1.x (`lscc`) or that of 2.x (`_lifecycle`). */
export type Lifecycle = 1 | 2;

/** What is left out is as a kept network has it, or else as {@link DEFAULTS} say. */
export interface DevOptions {
  readonly channel?: string | undefined;
  /** Channels beside the first. */
  readonly moreChannels?: readonly string[] | undefined;
  readonly orgs?: number | undefined;
  readonly tls?: boolean | undefined;
  /** Whether peers let nobody in without a certificate of TLS; decided at each start. */
  readonly mutualTls?: boolean | undefined;
  /** The orderer's port; the others follow it. 0 takes free ones. */
  readonly portBase?: number | undefined;
  /** `instant` cuts a block as soon as nothing else waits, `fabric` by count, bytes and timeout. */
  readonly block: 'instant' | 'fabric';
  readonly lifecycle?: Lifecycle | undefined;
}

export interface DevPeerPlan {
  readonly org: string;
  readonly mspId: string;
  readonly domain: string;
  /** Fully qualified: `peer0.org1.example.com`. */
  readonly host: string;
  readonly port: number;
  readonly chaincodePort: number;
}

export interface DevPlan {
  readonly channel: string;
  /** Channels beside the first that the network was made with. */
  readonly moreChannels?: readonly string[] | undefined;
  readonly tls: boolean;
  /** Whether peers let nobody in without a certificate of TLS. */
  readonly mutualTls?: boolean | undefined;
  readonly block: 'instant' | 'fabric';
  readonly lifecycle: Lifecycle;
  readonly orderer: {
    readonly mspId: string;
    readonly domain: string;
    readonly host: string;
    readonly port: number;
    /** Its port in the channel's configuration, which was made when the network was; absent when it is still there. */
    readonly configuredPort?: number | undefined;
    /** Of the channel participation API; networks made before there was one have none in their plan. */
    readonly adminPort?: number | undefined;
  };
  readonly peers: readonly DevPeerPlan[];
}

const peerSchema = v.object({
  org: v.string(),
  mspId: v.string(),
  domain: v.string(),
  host: v.string(),
  port: v.number(),
  chaincodePort: v.number(),
});
const planSchema = v.object({
  channel: v.string(),
  moreChannels: v.optional(v.array(v.string())),
  tls: v.boolean(),
  mutualTls: v.optional(v.boolean()),
  block: v.picklist(['instant', 'fabric']),
  /** Networks made before there was a choice have the first. */
  lifecycle: v.optional(v.picklist([1, 2]), 1),
  orderer: v.object({
    mspId: v.string(),
    domain: v.string(),
    host: v.string(),
    port: v.number(),
    configuredPort: v.optional(v.number()),
    adminPort: v.optional(v.number()),
  }),
  peers: v.array(peerSchema),
});

const planFile = v.pipe(v.string(), v.parseJson(), planSchema);

/** Distance between the ports of two organisations' peers: 7051 and 9051, as in fabric-samples' test network. */
const ORG_STRIDE = 2000;
/** From the orderer's port to its admin's: 7050 and 7053, as there. */
const ADMIN_STRIDE = 3;
const PLAN_FILE = 'network.json';

/** The lifecycle is what developers of today use; see docs/decisions/development-networks-have-the-2x-lifecycle.md. */
export const DEFAULTS = { channel: 'mychannel', orgs: 1, tls: true, portBase: 7050, lifecycle: 2 } as const;

/** All channels that the network was made with, the first one first. */
export const channelsOf = ({ channel, moreChannels = [] }: Pick<DevPlan, 'channel' | 'moreChannels'>): readonly string[] => [
  channel,
  ...moreChannels,
];

/**
 * The plan of a data folder: the one kept there, or a new one from the options.
 *
 * @throws {SelvageError} `SETTING_INVALID` when the folder holds a network of another shape
 */
export async function planNetwork(folder: string, options: DevOptions): Promise<DevPlan> {
  const file = join(folder, PLAN_FILE);
  const kept = existsSync(file) ? readPlan(file) : undefined;
  const plan = kept === undefined ? await newPlan(options) : await keptPlan(kept, options);
  await makeFolder(folder);
  const { block: _, mutualTls, ...lasting } = plan;
  if (JSON.stringify(kept) !== JSON.stringify({ ...kept, mutualTls, ...lasting }))
    await replaceDurably(file, `${JSON.stringify(plan, null, 2)}\n`);
  return plan;
}

/** At other ports where those are asked for: files that tell them are written at each start. */
async function keptPlan(kept: DevPlan, options: DevOptions): Promise<DevPlan> {
  const { channel = kept.channel, orgs = kept.peers.length, tls = kept.tls, lifecycle = kept.lifecycle, block } = options;
  const { moreChannels = options.channel === undefined ? kept.moreChannels : undefined } = options;
  const wanted = { channels: channelsOf({ channel, moreChannels }), orgs, tls, lifecycle };
  const found = { channels: channelsOf(kept), orgs: kept.peers.length, tls: kept.tls, lifecycle: kept.lifecycle };
  if (JSON.stringify(wanted) !== JSON.stringify(found)) {
    throw new SelvageError('SETTING_INVALID', `the network kept there has ${describe(found)}, not ${describe(wanted)}`, {
      advice: 'Give the same options as when it was made, or choose another --data folder.',
    });
  }
  const { mutualTls: _, ...lasting } = await moved(kept, options.portBase);
  return { ...lasting, ...(mutualTlsOf(options, tls) && { mutualTls: true }), block };
}

/** Only the channel's configuration goes on naming the orderer's first port; peers are told where to go instead. */
async function moved(kept: DevPlan, portBase: number | undefined): Promise<DevPlan> {
  const { adminPort: keptAdmin = kept.orderer.port + ADMIN_STRIDE } = kept.orderer;
  const now = [kept.orderer.port, keptAdmin, ...kept.peers.flatMap(({ port, chaincodePort }) => [port, chaincodePort])];
  if (portBase === undefined || portBase === now[0] || (portBase === 0 && (await areFree(now))))
    return { ...kept, orderer: { ...kept.orderer, adminPort: keptAdmin } };
  const [port = 0, adminPort = 0, ...peerPorts] = await portsFrom(portBase, kept.peers.length);
  const { configuredPort = kept.orderer.port, ...orderer } = kept.orderer;
  const peers = kept.peers.map((peer, at) => ({ ...peer, port: peerPorts[2 * at] ?? 0, chaincodePort: peerPorts[2 * at + 1] ?? 0 }));
  return { ...kept, peers, orderer: { ...orderer, port, adminPort, ...(configuredPort !== port && { configuredPort }) } };
}

const portsFrom = async (base: number, orgs: number): Promise<number[]> => (base === 0 ? freePorts(2 + 2 * orgs) : fixedPorts(base, orgs));

/** The plan of the network in a folder. @throws {SelvageError} `SETTING_INVALID` when there is none */
export function keptNetwork(folder: string): DevPlan {
  const file = join(folder, PLAN_FILE);
  if (existsSync(file)) return readPlan(file);
  throw new SelvageError('SETTING_INVALID', `there is no development network in ${folder}`, {
    advice: 'Name the folder of one by --data, or read its env.sh first.',
  });
}

/** How many organisations the network has that is kept in a folder; undefined when there is none. @throws {SelvageError} `SETTING_INVALID` */
export function keptOrgs(folder: string): number | undefined {
  const file = join(folder, PLAN_FILE);
  return existsSync(file) ? readPlan(file).peers.length : undefined;
}

/** @throws {SelvageError} `SETTING_INVALID` */
function readPlan(file: string): DevPlan {
  const parsed = v.safeParse(planFile, readFileSync(file, 'utf8'));
  if (parsed.success) return parsed.output;
  throw new SelvageError('SETTING_INVALID', `${file} is no plan of a development network`, { advice: 'Choose another --data folder.' });
}

/** @throws {SelvageError} `SETTING_INVALID` without TLS */
function mutualTlsOf({ mutualTls = false }: DevOptions, tls: boolean): boolean {
  if (!mutualTls || tls) return mutualTls;
  throw new SelvageError('SETTING_INVALID', 'mutual TLS is asked for in a network without TLS', {
    advice: 'Leave out --mutual-tls, or make a network with TLS.',
  });
}

type Shape = Pick<DevPlan, 'tls' | 'lifecycle'> & { readonly channels: readonly string[]; readonly orgs: number };

const describe = ({ channels, orgs, tls, lifecycle }: Shape): string =>
  `channel${channels.length === 1 ? '' : 's'} ${channels.join(' and ')}, ${orgs} organisation${orgs === 1 ? '' : 's'}, TLS ${tls ? 'on' : 'off'}, lifecycle ${lifecycle}`;

async function newPlan(options: DevOptions): Promise<DevPlan> {
  const { channel = DEFAULTS.channel, orgs = DEFAULTS.orgs, tls = DEFAULTS.tls, lifecycle = DEFAULTS.lifecycle, block } = options;
  const { portBase = DEFAULTS.portBase, moreChannels = [] } = options;
  const [ordererPort = 0, adminPort = 0, ...peerPorts] = await portsFrom(portBase, orgs);
  const peers = Array.from({ length: orgs }, (_, at): DevPeerPlan => {
    const domain = `org${at + 1}.example.com`;
    const [port = 0, chaincodePort = 0] = peerPorts.slice(2 * at);
    return { org: `Org${at + 1}`, mspId: `Org${at + 1}MSP`, domain, host: `peer0.${domain}`, port, chaincodePort };
  });
  return {
    channel,
    ...(moreChannels.length > 0 && { moreChannels }),
    tls,
    ...(mutualTlsOf(options, tls) && { mutualTls: true }),
    block,
    lifecycle,
    orderer: { mspId: 'OrdererMSP', domain: 'example.com', host: 'orderer.example.com', port: ordererPort, adminPort },
    peers,
  };
}

function fixedPorts(base: number, orgs: number): number[] {
  const last = base + 2 + (orgs - 1) * ORG_STRIDE;
  if (last > 65_535)
    throw new SelvageError('SETTING_INVALID', `${orgs} organisations from port ${base} on need ports up to ${last}`, {
      advice: 'Choose a lower --port-base, or 0 for free ports.',
    });
  return [
    base,
    base + ADMIN_STRIDE,
    ...Array.from({ length: orgs }, (_, at) => [base + 1 + at * ORG_STRIDE, base + 2 + at * ORG_STRIDE]).flat(),
  ];
}
