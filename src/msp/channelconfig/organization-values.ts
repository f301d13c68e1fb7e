import { SelvageError } from '../../common/errors.ts';
import { common, msp, protos } from '../../protos/messages.ts';
import type { ApplicationOrg, OrdererOrg } from './channel-bundle.ts';
import { GroupValues } from './group-values.ts';

/** An organisation's MSP definition as the configuration holds it. */
export interface MspValue {
  readonly mspId: string;
  readonly definition: msp.MSPConfig;
  /** PEM: authorities of its TLS certificates, roots first; an anonymous MSP has none. */
  readonly tlsRoots: readonly Uint8Array[];
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
  const { mspId, tlsRoots } = msp;
  return { org: { name, mspId, tlsRoots, anchorPeers: anchorPeers.map(({ host, port }) => ({ host, port })) }, msp };
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
  return { org: { name, mspId: msp.mspId, tlsRoots: msp.tlsRoots, endpoints: addresses }, msp };
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
  const { name: mspId, tlsRoots } = definition.type === IDEMIX ? idemixOf(definition) : fabricOf(definition);
  if (mspId === '') throw refused(`MSP for org ${org} has empty MSP ID`);
  return { mspId, definition, tlsRoots };
}

const idemixOf = ({ config }: msp.MSPConfig) => ({ name: msp.IdemixMSPConfig.decode(config).name, tlsRoots: [] });

function fabricOf({ config }: msp.MSPConfig) {
  const { name, tlsRootCerts, tlsIntermediateCerts } = msp.FabricMSPConfig.decode(config);
  return { name, tlsRoots: [...tlsRootCerts, ...tlsIntermediateCerts] };
}

function refuseSubGroups(kind: string, group: common.ConfigGroup): void {
  if (group.groups.size > 0) throw refused(`${kind} config does not allow sub-groups`);
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
