import { SelvageError } from '../../common/errors.ts';
import { common, msp, protos } from '../../protos/messages.ts';
import type { ApplicationOrg } from './channel-bundle.ts';
import { GroupValues } from './group-values.ts';

/** An organisation's MSP definition as the configuration holds it. */
export interface MspValue {
  readonly mspId: string;
  readonly definition: msp.MSPConfig;
}

/** What was read of an organisation, and its MSP. */
export interface WithMsp<T> {
  readonly org: T;
  readonly msp: MspValue;
}

/** @see NewApplicationOrgConfig in hyperledger/fabric v2.5, common/channelconfig/applicationorg.go */
export function readApplicationOrg(name: string, group: common.ConfigGroup): WithMsp<ApplicationOrg> {
  refuseSubGroups('ApplicationOrg', group);
  const values = new GroupValues(group);
  const msp = readMsp(name, values);
  const { anchorPeers } = values.read('AnchorPeers', protos.AnchorPeers);
  values.refuseOthers();
  return { org: { name, mspId: msp.mspId, anchorPeers: anchorPeers.map(({ host, port }) => ({ host, port })) }, msp };
}

export interface OrdererOrg {
  readonly name: string;
  readonly mspId: string;
  readonly endpoints: readonly string[];
}

/** @see NewOrdererOrgConfig in hyperledger/fabric v2.5, common/channelconfig/orderer.go */
export function readOrdererOrg(
  name: string,
  group: common.ConfigGroup,
  { perOrgEndpoints }: { readonly perOrgEndpoints: boolean },
): WithMsp<OrdererOrg> {
  refuseSubGroups('OrdererOrg', group);
  const values = new GroupValues(group);
  if (!perOrgEndpoints && values.has('Endpoints')) {
    throw refused(`Orderer Org ${name} cannot contain endpoints value until V1_4_2+ capabilities have been enabled`);
  }
  const msp = readMsp(name, values);
  const { addresses } = values.read('Endpoints', common.OrdererAddresses);
  values.refuseOthers();
  return { org: { name, mspId: msp.mspId, endpoints: addresses }, msp };
}

/** An organisation of a consortium, which only the orderers' system channel has. */
export function readConsortiumOrg(name: string, group: common.ConfigGroup): MspValue {
  refuseSubGroups('Org', group);
  const values = new GroupValues(group);
  const msp = readMsp(name, values);
  values.refuseOthers();
  return msp;
}

const IDEMIX = 1;

function readMsp(org: string, values: GroupValues): MspValue {
  const definition = values.read('MSP', msp.MSPConfig);
  const codec = definition.type === IDEMIX ? msp.IdemixMSPConfig : msp.FabricMSPConfig;
  const mspId = codec.decode(definition.config).name;
  if (mspId === '') throw refused(`MSP for org ${org} has empty MSP ID`);
  return { mspId, definition };
}

function refuseSubGroups(kind: string, group: common.ConfigGroup): void {
  if (group.groups.size > 0) throw refused(`${kind} config does not allow sub-groups`);
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
