import { equalBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { type common, msp } from '../../protos/messages.ts';
import type { SignatureVerifier } from '../identities/signature-verifier.ts';
import { MspManager, mspFromConfig } from '../msp-manager.ts';
import { mspVersionOf } from '../msp-version.ts';
import { applicationPolicy } from '../policies/application-policy.ts';
import type { FabricDialect } from '../policies/dialect.ts';
import { PolicyTree } from '../policies/policy-tree.ts';
import { signaturePolicy } from '../policies/signature-policy.ts';
import type { ChannelBundle, OrdererEndpoint, OrdererOrg } from './channel-bundle.ts';
import { readChannel } from './channel-values.ts';
import { channelIdOfBlock, configEnvelopeOfBlock } from './config-block.ts';
import { flatten } from './config-tree.ts';
import { checkConfigEnvelope } from './config-update.ts';
import { checkChannelId } from './ids.ts';
import type { MspValue } from './organization-values.ts';
import { checkSuccession } from './succession.ts';

export interface BundleParts {
  /** Checks the signatures of all identities; one for the whole peer. */
  readonly verifier: SignatureVerifier;
  /** Whose words policies refuse with; 2.x where it is left out. */
  readonly dialect?: FabricDialect;
}

/**
 * Reads a configuration: values, MSPs and policies. The bundle keeps `config` and the bytes it is a view of.
 * @throws {SelvageError} `CONFIG_INVALID` when anything in it is unknown or wrong; an unknown capability is named
 * @see NewBundle in hyperledger/fabric v2.5, common/channelconfig/bundle.go
 */
export function bundleFromConfig(channelId: string, config: common.Config, parts: BundleParts): ChannelBundle {
  const group = config.channelGroup;
  if (group === undefined) throw refused('config must contain a channel group');
  checkId(channelId);
  flatten(group); // for the names: a configuration with a bad one could never be updated
  const values = within('initializing channelconfig failed', () => readChannel(group));
  const msps = within('initializing channelconfig failed', () => mspsOf(values.msps, values.capabilities.level, parts));
  const policies = within('initializing policymanager failed', () => new PolicyTree({ group, deserializer: msps, ...dialectOf(parts) }));
  const { orderer, application, addresses, capabilities } = values;
  return {
    channelId,
    config,
    sequence: config.sequence,
    msps,
    policies,
    channelCapabilityLevel: capabilities.level,
    application,
    orderer,
    ordererEndpoints: endpointsOf(addresses, orderer?.orgs ?? []),
    signaturePolicy: (envelope) => signaturePolicy(envelope, msps),
    applicationPolicy: (policy) => applicationPolicy(policy, { deserializer: msps, policies }),
    asSignaturePolicy: (policy) => applicationPolicy(policy, { deserializer: msps, policies }).asSignaturePolicy(),
  };
}

/**
 * Reads the configuration a block carries. Nothing is verified: a block that is joined is trusted, others are checked before.
 * @throws {SelvageError} `CONFIG_INVALID`
 */
export const bundleFromBlock = (block: common.Block, parts: BundleParts): ChannelBundle =>
  bundleFromConfig(channelIdOfBlock(block), configEnvelopeOfBlock(block).config, parts);

/**
 * The bundle after a CONFIG transaction of the next sequence: its update must be authorised by the current configuration, must
 * give exactly the configuration it comes with, and that must be allowed to follow.
 * @throws {SelvageError} `CONFIG_INVALID`
 * @see ProcessConfigTx in hyperledger/fabric v2.5, core/peer/configtx_processor.go; Update in core/peer/channel.go
 */
export async function validateConfigEnvelope(
  current: ChannelBundle,
  envelope: common.ConfigEnvelope,
  parts: BundleParts,
): Promise<ChannelBundle> {
  return bundleAfter(current, await checkConfigEnvelope(current, envelope), parts);
}

/**
 * The bundle of a configuration that may follow the current one; who asked for it is not looked at here.
 * @throws {SelvageError} `CONFIG_INVALID`
 */
export function bundleAfter(current: ChannelBundle, config: common.Config, parts: BundleParts): ChannelBundle {
  const next = bundleFromConfig(current.channelId, config, parts);
  checkSuccession(current, next);
  return next;
}

/** @see Update in hyperledger/fabric v2.5, internal/pkg/peer/orderers/connection.go */
export function endpointsOf(addresses: readonly string[], orgs: readonly OrdererOrg[]): readonly OrdererEndpoint[] {
  const own = orgs.flatMap(({ endpoints, tlsRoots }) => endpoints.map((address) => ({ address, tlsRoots })));
  if (own.length > 0) return own;
  const tlsRoots = orgs.flatMap((org) => org.tlsRoots);
  return addresses.map((address) => ({ address, tlsRoots }));
}

const dialectOf = ({ dialect }: BundleParts) => (dialect === undefined ? {} : { dialect });

function mspsOf(values: readonly MspValue[], channelLevel: string, { verifier }: BundleParts): MspManager {
  const version = mspVersionOf(channelLevel);
  return new MspManager(distinct(values).map(({ definition }) => mspFromConfig({ config: definition, version, verifier })));
}

/** An organisation may stand in several groups, but always with the same MSP. */
function distinct(values: readonly MspValue[]): readonly MspValue[] {
  const byId = new Map<string, MspValue>();
  for (const value of values) {
    const known = byId.get(value.mspId);
    if (known === undefined) byId.set(value.mspId, value);
    else if (!sameDefinition(known, value)) throw refused(`attempted to define two different versions of MSP: ${value.mspId}`);
  }
  return [...byId.values()];
}

function sameDefinition({ definition: a }: MspValue, { definition: b }: MspValue): boolean {
  const canonical = ({ config }: msp.MSPConfig): Uint8Array => msp.FabricMSPConfig.encode(msp.FabricMSPConfig.decode(config));
  return a.type === b.type && (equalBytes(a.config, b.config) || equalBytes(canonical(a), canonical(b)));
}

function checkId(channelId: string): void {
  within('bad channel ID', () => checkChannelId(channelId));
}

function within<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof SelvageError)) throw cause;
    const { advice } = cause;
    throw new SelvageError('CONFIG_INVALID', `${what}: ${cause.message}`, { cause, details: cause.details, ...(advice && { advice }) });
  }
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
