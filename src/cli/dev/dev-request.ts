/** What `selvage dev` was asked for, with everything judged that can be before anything starts. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { checkChannelId } from '../../msp/channelconfig/ids.ts';
import { DEFAULTS, type DevOptions, keptOrgs, type Lifecycle } from '../../node/dev/dev-plan.ts';
import type { DevUserSpec } from '../../node/dev/dev-users.ts';
import type { Terminal } from '../terminal.ts';
import type { DevFlags } from './dev-flags.ts';
import { type RequestedChaincode, requestedChaincodes } from './requested-chaincodes.ts';
import { usersOf } from './users-flag.ts';

export interface DevRequest {
  readonly network: DevOptions;
  readonly chaincodes: readonly RequestedChaincode[];
  readonly users: readonly DevUserSpec[];
  readonly replicas: number;
  /** Where the network is kept; undefined for one that goes away. */
  readonly data: string | undefined;
  readonly inspect: boolean;
  readonly richQueries: boolean;
  readonly watch: boolean;
  readonly once: boolean;
}

/** @throws {SelvageError} `SETTING_INVALID` naming the flag; `CHAINCODE_PACKAGE_INVALID` */
export async function devRequest(paths: readonly string[], flags: DevFlags, terminal: Terminal): Promise<DevRequest> {
  const data = flags.data === undefined ? undefined : resolve(terminal.cwd, flags.data);
  if (data !== undefined && existsSync(data) && !statSync(data).isDirectory())
    throw wrong('--data', data, 'Name a folder, or one that is to be made.');
  if (flags.once && flags.watch) throw contradiction('--once', '--watch', 'Leave one of them out.');
  if (flags.mutualTls && flags.tls === false) throw contradiction('--mutual-tls', '--no-tls', 'Leave one of them out.');
  const lifecycle = lifecycleFlag(flags.lifecycle);
  const [orgs, portBase, replicas] = [
    wholeNumber('--orgs', flags.orgs, 1, 20),
    wholeNumber('--port-base', flags.portBase, 0, 65_535),
    wholeNumber('--replicas', flags.replicas, 1, 64),
  ];
  const [channel, ...moreChannels] = checkedChannels(flags.channel);
  const users = usersOf(flags.user ?? []);
  const block = blockMode(flags.block);
  const chaincodes = await requestedChaincodes(paths, flags, terminal);
  if (chaincodes.length === 0) refuseWithoutChaincode(flags);
  const members = orgsFor(chaincodes, orgs, data);
  if (data === undefined || !existsSync(data)) checkMembers(users, members);
  const network = { channel, ...(channel !== undefined && { moreChannels }), tls: flags.tls, mutualTls: flags.mutualTls, portBase, block };
  return {
    network: { ...network, orgs: members, lifecycle: lifecycleFor(chaincodes, lifecycle) },
    chaincodes,
    users,
    replicas: replicas ?? 1,
    data,
    inspect: flags.inspect === true,
    richQueries: flags.richQueries !== false,
    watch: flags.once !== true && (flags.watch ?? terminal.interactive),
    once: flags.once === true,
  };
}

/** Flags that say something about a chaincode. */
function refuseWithoutChaincode({ name, policy, ctor, collectionsConfig, inspect, replicas, watch }: DevFlags): void {
  const given = Object.entries({
    '--name': name,
    '--policy': policy,
    '--ctor': ctor,
    '--collections-config': collectionsConfig,
    '--inspect': inspect,
    '--replicas': replicas,
    '--watch': watch || undefined,
  }).find(([, value]) => value !== undefined)?.[0];
  if (given !== undefined)
    throw new SelvageError('SETTING_INVALID', `${given} is about a chaincode, and there is none here`, {
      advice: 'Name the folder of your chaincode: selvage dev FOLDER.',
    });
}

/** A kept network knows by itself how many organisations it has. */
function checkMembers(users: readonly DevUserSpec[], orgs: number): void {
  const names = Array.from({ length: orgs }, (_, at) => `org${at + 1}`);
  const stranger = users.find(({ org }) => !names.includes(org.toLowerCase()));
  if (stranger === undefined) return;
  throw new SelvageError('SETTING_INVALID', `--user ${stranger.name}@${stranger.org}: this network has ${mspIds(orgs)}`, {
    advice: 'Name one of them, like @org1, or ask for more organisations by --orgs.',
  });
}

/** As many as asked for, as kept, or as the collections name. */
function orgsFor(chaincodes: readonly RequestedChaincode[], asked: number | undefined, data: string | undefined): number {
  const kept = data === undefined ? undefined : keptOrgs(data);
  const given = asked ?? kept;
  const named = Math.max(DEFAULTS.orgs, ...chaincodes.flatMap(({ collections }) => collections?.members.map(numberOf) ?? []));
  const orgs = given ?? Math.min(named, MOST_ORGS);
  for (const { collections } of chaincodes) {
    const strangers = collections?.members.filter((mspId) => numberOf(mspId) > orgs) ?? [];
    if (collections === undefined || strangers.length === 0) continue;
    throw new SelvageError(
      'SETTING_INVALID',
      `${collections.file} names ${strangers.join(' and ')}, and this network has ${mspIds(orgs)}`,
      {
        advice: `${moreOrgs(named, asked === undefined && kept !== undefined)}, or leave the file aside with --no-collections-config.`,
      },
    );
  }
  return orgs;
}

const MOST_ORGS = 20;

/** 2 for `Org2MSP`; more than there can be for a name of another kind. */
const numberOf = (mspId: string): number => Number(/^Org([1-9]\d?)MSP$/.exec(mspId)?.[1] ?? MOST_ORGS + 1);

const mspIds = (orgs: number): string => (orgs === 1 ? 'Org1MSP' : `Org1MSP to Org${orgs}MSP`);

function moreOrgs(named: number, kept: boolean): string {
  if (named > MOST_ORGS) return 'Name organisations in it as they are called here';
  return kept ? `Choose another --data folder and --orgs ${named}` : `Give --orgs ${named}`;
}

/** Undefined where neither the flag nor a chaincode says. */
function lifecycleFor(chaincodes: readonly RequestedChaincode[], wanted: Lifecycle | undefined): Lifecycle | undefined {
  const packaged = chaincodes.flatMap(({ source }) => ('packageFile' in source ? [source.packageFile] : []));
  if (packaged.length === 0) return wanted;
  if (wanted === 1)
    throw new SelvageError('SETTING_INVALID', `${packaged[0]} is a package of the 2.x lifecycle`, {
      advice: 'Leave out --lifecycle 1, or name the folder with the sources.',
    });
  return 2;
}

function checkedChannels(channels: readonly string[] = []): readonly string[] {
  channels.forEach((channel, at) => {
    if (channels.indexOf(channel) < at) throw wrong('--channel', channel, 'Name each channel once.');
    try {
      checkChannelId(channel);
    } catch (cause) {
      throw new SelvageError('SETTING_INVALID', `--channel ${channel}: ${messageOf(cause)}`, {
        cause,
        advice: 'Write small letters, digits, dots and dashes, a letter first.',
      });
    }
  });
  return channels;
}

function lifecycleFlag(text: string | undefined): Lifecycle | undefined {
  if (text === undefined) return undefined;
  if (text === '1') return 1;
  if (text === '2') return 2;
  throw wrong('--lifecycle', text, 'Write 1 or 2.');
}

function blockMode(text: string): 'instant' | 'fabric' {
  if (text === 'instant' || text === 'fabric') return text;
  throw wrong('--block', text, 'Write instant or fabric.');
}

function wholeNumber(flag: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw wrong(flag, text, `Write a whole number from ${least} to ${most}.`);
}

const wrong = (flag: string, value: string, advice: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `${flag} ${value} is not possible`, { advice });

const contradiction = (one: string, other: string, advice: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `${one} and ${other} contradict each other`, { advice });
