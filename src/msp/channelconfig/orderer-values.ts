import { SelvageError } from '../../common/errors.ts';
import { common, msp, orderer } from '../../protos/messages.ts';
import { Capabilities } from './capabilities.ts';
import type { OrdererConfig, OrdererOrg } from './channel-bundle.ts';
import { goDurationMs } from './go-duration.ts';
import { GroupValues } from './group-values.ts';
import { type MspValue, readOrdererOrg } from './organization-values.ts';

/** @see NewOrdererConfig in hyperledger/fabric v3.1, common/channelconfig/orderer.go */
export function readOrderer(
  group: common.ConfigGroup,
  channel: Capabilities,
): { readonly config: OrdererConfig; readonly msps: readonly MspValue[] } {
  const values = new GroupValues(group);
  const consensus = values.read('ConsensusType', orderer.ConsensusType);
  const batchSize = values.read('BatchSize', orderer.BatchSize);
  const { timeout } = values.read('BatchTimeout', orderer.BatchTimeout);
  values.read('ChannelRestrictions', orderer.ChannelRestrictions);
  const { brokers } = values.read('KafkaBrokers', orderer.KafkaBrokers);
  const capabilities = new Capabilities('Orderer', values.read('Capabilities', common.Capabilities).capabilities.keys());
  const { consenterMapping } = values.read('Orderers', common.Orderers);
  values.refuseOthers();

  checkBatchSize(batchSize);
  for (const broker of brokers) if (!isBroker(broker)) throw refused(`Invalid broker entry: ${broker}`);
  const perOrgEndpoints = channel.has('V1_4_2');
  const orgs = [...group.groups].map(([name, org]) => readOrdererOrg(name, org, { perOrgEndpoints }));
  if (channel.has('V3_0')) checkEndpoints(orgs.map(({ org }) => org));
  return {
    config: {
      consensusType: consensus.type,
      batchSize,
      batchTimeoutMs: batchTimeoutMs(timeout),
      capabilityLevel: capabilities.level,
      expirationCheck: capabilities.has('V1_1'),
      maintenance: capabilities.has('V1_4_2') && consensus.state === orderer.ConsensusType_State.STATE_MAINTENANCE,
      orgs: orgs.map(({ org }) => org),
      consenters: consenterMapping.map(({ id, mspId, identity }) => ({
        id,
        identity: msp.SerializedIdentity.encode({ mspid: mspId, idBytes: identity }),
      })),
    },
    msps: orgs.map(({ msp }) => msp),
  };
}

/** @see validateAllOrgsHaveEndpoints in hyperledger/fabric v3.1, common/channelconfig/orderer.go */
function checkEndpoints(orgs: readonly OrdererOrg[]): void {
  const missing = orgs.filter(({ endpoints }) => endpoints.length === 0).map(({ name }) => name);
  if (missing.length > 0) throw refused(`some orderer organizations endpoints are empty: [${missing.join(' ')}]`);
}

function checkBatchSize({ maxMessageCount, absoluteMaxBytes, preferredMaxBytes }: orderer.BatchSize): void {
  const zero = (what: string): SelvageError => refused(`Attempted to set the batch size ${what} to an invalid value: 0`);
  if (maxMessageCount === 0) throw zero('max message count');
  if (absoluteMaxBytes === 0) throw zero('absolute max bytes');
  if (preferredMaxBytes === 0) throw zero('preferred max bytes');
  if (preferredMaxBytes > absoluteMaxBytes) {
    throw refused(
      `Attempted to set the batch size preferred max bytes (${preferredMaxBytes}) greater than the absolute max bytes (${absoluteMaxBytes}).`,
    );
  }
}

function batchTimeoutMs(timeout: string): number {
  const ms = goDurationMs(timeout);
  if (ms === undefined) throw refused(`Attempted to set the batch timeout to a invalid value: time: invalid duration "${timeout}"`);
  if (ms <= 0) throw refused(`Attempted to set the batch timeout to a non-positive value: ${timeout}`);
  return ms;
}

/** `host:port`, by Fabric's rough rule. */
function isBroker(broker: string): boolean {
  const [host, port, ...more] = broker.split(':');
  return (
    more.length === 0 &&
    /^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9])$/.test(host ?? '') &&
    /^\d{1,5}$/.test(port ?? '') &&
    Number(port) <= 0xffff
  );
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
