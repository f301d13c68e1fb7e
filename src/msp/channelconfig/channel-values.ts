import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import { type ApplicationConfig, readApplication, readConsortiums } from './application-values.ts';
import { Capabilities } from './capabilities.ts';
import type { OrdererConfig } from './channel-bundle.ts';
import { GroupValues } from './group-values.ts';
import { readOrderer } from './orderer-values.ts';
import type { MspValue } from './organization-values.ts';

/** Everything the values of a configuration say, checked. */
export interface ChannelValues {
  readonly capabilities: Capabilities;
  readonly addresses: readonly string[];
  readonly orderer: OrdererConfig | undefined;
  readonly application: ApplicationConfig | undefined;
  /** Whether this is a system channel. */
  readonly consortiums: boolean;
  /** MSPs of all organisations, in the order of the tree; an organisation in two places is there twice. */
  readonly msps: readonly MspValue[];
}

/**
 * Reads all values of a configuration tree.
 * @throws {SelvageError} `CONFIG_INVALID` for a value that is unknown, malformed or not allowed, and for an unknown capability
 * @see NewChannelConfig and preValidate in hyperledger/fabric v2.5, common/channelconfig/channel.go and bundle.go
 */
export function readChannel(group: common.ConfigGroup): ChannelValues {
  checkCapabilityOrder(group);
  const values = new GroupValues(group);
  const hashing = values.read('HashingAlgorithm', common.HashingAlgorithm).name;
  const { width } = values.read('BlockDataHashingStructure', common.BlockDataHashingStructure);
  const { addresses } = values.read('OrdererAddresses', common.OrdererAddresses);
  values.read('Consortium', common.Consortium);
  const capabilities = new Capabilities('Channel', values.read('Capabilities', common.Capabilities).capabilities.keys());
  values.refuseOthers();

  if (hashing !== 'SHA256' && hashing !== 'SHA3_256') throw refused(`Unknown hashing algorithm type: ${hashing}`);
  if (width !== 0xffffffff) throw refused('BlockDataHashStructure width only supported at MaxUint32 in this version');
  checkAddresses(addresses, capabilities);
  return { capabilities, addresses, ...readGroups(group, capabilities) };
}

function readGroups(
  group: common.ConfigGroup,
  capabilities: Capabilities,
): Pick<ChannelValues, 'orderer' | 'application' | 'consortiums' | 'msps'> {
  const unknown = [...group.groups.keys()].find((name) => !['Orderer', 'Application', 'Consortiums'].includes(name));
  if (unknown !== undefined) throw refused(`Disallowed channel group: ${unknown}`);
  const read = <T>(name: string, reader: (found: common.ConfigGroup) => T): T | undefined => {
    const found = group.groups.get(name);
    if (found === undefined) return undefined;
    try {
      return reader(found);
    } catch (cause) {
      if (!(cause instanceof SelvageError)) throw cause;
      throw new SelvageError('CONFIG_INVALID', `could not create channel ${name} sub-group config: ${cause.message}`, { cause });
    }
  };
  const orderer = read('Orderer', (found) => readOrderer(found, capabilities));
  const application = read('Application', readApplication);
  const consortiums = read('Consortiums', readConsortiums);
  return {
    orderer: orderer?.config,
    application: application?.config,
    consortiums: consortiums !== undefined,
    msps: [...(orderer?.msps ?? []), ...(application?.msps ?? []), ...(consortiums ?? [])],
  };
}

/** Orderers must know of capabilities before anybody uses them. */
function checkCapabilityOrder(group: common.ConfigGroup): void {
  const orderer = group.groups.get('Orderer');
  if (orderer === undefined || orderer.values.has('Capabilities')) return;
  if (group.values.has('Capabilities')) throw refused('cannot enable channel capabilities without orderer support first');
  if (group.groups.get('Application')?.values.has('Capabilities')) {
    throw refused('cannot enable application capabilities without orderer support first');
  }
}

function checkAddresses(addresses: readonly string[], capabilities: Capabilities): void {
  if (!capabilities.has('V1_4_2') && addresses.length === 0) throw refused('Must set some OrdererAddresses');
  if (capabilities.has('V3_0') && addresses.length > 0)
    throw refused('global OrdererAddresses are not allowed with V3_0 capability, use org specific addresses only');
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
