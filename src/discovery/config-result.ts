import { splitAddress } from '../common/address.ts';
import { SelvageError } from '../common/errors.ts';
import { common, type discovery, msp } from '../protos/messages.ts';

const FABRIC = 0;

/**
 * The MSPs of all organisations of a channel, and where the ordering nodes of each orderer organisation are.
 * @throws {SelvageError} `CONFIG_INVALID` or `MALFORMED` for a configuration that says neither
 * @see Config in hyperledger/fabric v2.5, discovery/support/config/support.go
 */
export function configResult(config: common.Config): discovery.ConfigResultInit {
  const root = config.channelGroup;
  const orderers = groupsOf(root, 'Orderer');
  const msps = [...orderers.values(), ...groupsOf(root, 'Application').values()].flatMap((org) => mspOf(org) ?? []);
  return {
    msps: new Map(msps.toReversed().map((each) => [each.name, each])),
    orderers: endpoints(orderers, addressesOf(root, 'OrdererAddresses')),
  };
}

function groupsOf(root: common.ConfigGroup | undefined, name: string): ReadonlyMap<string, common.ConfigGroup> {
  const group = root?.groups.get(name);
  if (group !== undefined) return group.groups;
  throw new SelvageError('CONFIG_INVALID', `key Config.ChannelGroup.Groups[${name}] is missing`);
}

/** Undefined for an organisation of another kind: nothing of it is of use here. */
function mspOf(org: common.ConfigGroup): msp.FabricMSPConfig | undefined {
  const { type, config } = msp.MSPConfig.decode(org.values.get('MSP')?.value ?? new Uint8Array());
  return type === FABRIC ? msp.FabricMSPConfig.decode(config) : undefined;
}

const addressesOf = (group: common.ConfigGroup | undefined, key: string): readonly string[] =>
  common.OrdererAddresses.decode(group?.values.get(key)?.value ?? new Uint8Array()).addresses;

/** An organisation's own nodes; where no organisation names any, those of the whole channel for each. */
function endpoints(
  orderers: ReadonlyMap<string, common.ConfigGroup>,
  ofChannel: readonly string[],
): ReadonlyMap<string, discovery.EndpointsInit> {
  const own = new Map<string, readonly string[]>();
  for (const org of orderers.values()) {
    const mspId = mspOf(org)?.name;
    if (mspId !== undefined) own.set(mspId, addressesOf(org, 'Endpoints'));
  }
  const named = [...own.values()].some((addresses) => addresses.length > 0);
  return new Map([...own].map(([mspId, addresses]) => [mspId, { endpoint: named ? readable(addresses) : allReadable(ofChannel) }]));
}

/** An address that is none is left out. */
const readable = (addresses: readonly string[]): discovery.EndpointInit[] => addresses.flatMap((address) => splitAddress(address) ?? []);

function allReadable(addresses: readonly string[]): discovery.EndpointInit[] {
  return addresses.map((address) => {
    const parts = splitAddress(address);
    if (parts === undefined) throw new SelvageError('CONFIG_INVALID', `failed parsing orderer endpoint ${address}`);
    return parts;
  });
}
