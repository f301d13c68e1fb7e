import { SelvageError } from '../../common/errors.ts';
import { common, protos } from '../../protos/messages.ts';
import { applicationCapabilities, Capabilities } from './capabilities.ts';
import type { ChannelBundle } from './channel-bundle.ts';
import { GroupValues } from './group-values.ts';
import { type MspValue, readApplicationOrg, readConsortiumOrg } from './organization-values.ts';

export type ApplicationConfig = NonNullable<ChannelBundle['application']>;

/** @see NewApplicationConfig in hyperledger/fabric v2.5, common/channelconfig/application.go */
export function readApplication(group: common.ConfigGroup): { readonly config: ApplicationConfig; readonly msps: readonly MspValue[] } {
  const values = new GroupValues(group);
  const capabilities = applicationCapabilities(
    new Capabilities('Application', values.read('Capabilities', common.Capabilities).capabilities.keys()),
  );
  const { acls } = values.read('ACLs', protos.ACLs);
  if (!capabilities.acls && values.has('ACLs')) {
    throw new SelvageError('CONFIG_INVALID', 'ACLs may not be specified without the required capability');
  }
  values.refuseOthers();
  const orgs = [...group.groups].map(([name, org]) => readApplicationOrg(name, org));
  return {
    config: {
      capabilities,
      orgs: orgs.map(({ org }) => org),
      acls: new Map([...acls].map(([resource, { policyRef }]) => [resource, policyRef])),
    },
    msps: orgs.map(({ msp }) => msp),
  };
}

/**
 * The MSPs of a system channel's consortia; what else consortia are for concerns no application channel.
 * @see NewConsortiumsConfig in hyperledger/fabric v2.5, common/channelconfig/consortiums.go
 */
export function readConsortiums(group: common.ConfigGroup): readonly MspValue[] {
  new GroupValues(group).refuseOthers();
  return [...group.groups.values()].flatMap((consortium) => {
    const values = new GroupValues(consortium);
    values.read('ChannelCreationPolicy', common.Policy);
    values.refuseOthers();
    return [...consortium.groups].map(([name, org]) => readConsortiumOrg(name, org));
  });
}
