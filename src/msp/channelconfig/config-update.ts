import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import { unreadable } from '../../protos/unreadable.ts';
import { type PolicyManager, type SignedData, SignedParts } from '../policies/policy.ts';
import type { ChannelBundle } from './channel-bundle.ts';
import { contentOf } from './config-block.ts';
import type { ConfigElement, ConfigMap } from './config-tree.ts';
import { equalGroups, flatten, ROOT_GROUP, rebuild } from './config-tree.ts';
import { checkConfigId } from './ids.ts';

/**
 * The configuration that follows when the update's signers may make it: what goes into a CONFIG envelope.
 * @param update an envelope of type CONFIG_UPDATE, as its sender made it; it stays in the result
 * @throws {SelvageError} `CONFIG_INVALID` when it is malformed, stale or not authorised
 * @see ProposeConfigUpdate in hyperledger/fabric v2.5, common/configtx/validator.go
 */
export async function validateConfigUpdate(bundle: ChannelBundle, update: common.Envelope): Promise<common.ConfigEnvelope> {
  const envelope = within('error converting envelope to config update', () => updateEnvelopeOf(update));
  const channelGroup = await authorised(bundle, envelope).catch((cause: unknown) => {
    throw wrapped('error authorizing update', cause);
  });
  return { config: { sequence: bundle.sequence + 1n, channelGroup, type: 0 }, lastUpdate: update };
}

/**
 * Checks that a configuration envelope is what its own update makes of the current configuration.
 * @throws {SelvageError} `CONFIG_INVALID`
 * @see Validate in hyperledger/fabric v2.5, common/configtx/validator.go
 */
export async function checkConfigEnvelope(bundle: ChannelBundle, envelope: common.ConfigEnvelope): Promise<common.Config> {
  const { config, lastUpdate } = envelope;
  if (config === undefined) throw refused('config envelope has nil config');
  if (config.sequence !== bundle.sequence + 1n) {
    throw refused(`config currently at sequence ${bundle.sequence}, cannot validate config at sequence ${config.sequence}`);
  }
  if (lastUpdate === undefined) throw refused('config envelope has no last update');
  const channelGroup = await authorised(bundle, updateEnvelopeOf(lastUpdate));
  if (config.channelGroup === undefined || !equalGroups(channelGroup, config.channelGroup)) {
    throw refused('ConfigEnvelope LastUpdate did not produce the supplied config result');
  }
  return config;
}

const updateEnvelopeOf = (update: common.Envelope): common.ConfigUpdateEnvelope =>
  contentOf(update, common.HeaderType.CONFIG_UPDATE, common.ConfigUpdateEnvelope);

/** The channel group after the update. @see authorizeUpdate in hyperledger/fabric v2.5, common/configtx/update.go */
async function authorised(bundle: ChannelBundle, envelope: common.ConfigUpdateEnvelope): Promise<common.ConfigGroup> {
  const update = readable(() => common.ConfigUpdate.decode(envelope.configUpdate));
  if (update.channelId !== bundle.channelId) {
    throw refused(`ConfigUpdate for channel '${update.channelId}' but envelope for channel '${bundle.channelId}'`);
  }
  const current = flatten(bundle.config.channelGroup);
  const readSet = within('error mapping ReadSet', () => flatten(update.readSet));
  within('error validating ReadSet', () => checkReadSet(readSet, current));
  const writeSet = within('error mapping WriteSet', () => flatten(update.writeSet));
  const delta = deltaOf(readSet, writeSet);
  await checkDelta(delta, current, bundle.policies, signaturesOf(envelope)).catch((cause: unknown) => {
    throw wrapped('error validating DeltaSet', cause);
  });
  const next = new Map([...current, ...delta]);
  within('full config did not verify', () => checkComplete(writeSet, next));
  return within('could not turn configMap back to channelGroup', () => rebuild(next));
}

function checkReadSet(readSet: ConfigMap, current: ConfigMap): void {
  for (const [name, { item }] of readSet) {
    const existing = current.get(name);
    if (existing === undefined) throw refused(`existing config does not contain element for ${name} but was in the read set`);
    if (existing.item.version !== item.version) {
      throw refused(
        `proposed update requires that key ${name} be at version ${item.version}, but it is currently at version ${existing.item.version}`,
      );
    }
  }
}

/** What the write set changes: elements that were not read, or were read at another version. */
const deltaOf = (readSet: ConfigMap, writeSet: ConfigMap): ConfigMap =>
  new Map([...writeSet].filter(([name, { item }]) => readSet.get(name)?.item.version !== item.version));

async function checkDelta(delta: ConfigMap, current: ConfigMap, policies: PolicyManager, signed: readonly SignedData[]): Promise<void> {
  if (delta.size === 0) throw refused('delta set was empty -- update would have no effect');
  for (const [name, { item }] of delta) {
    within(`invalid mod_policy for element ${name}`, () => checkModPolicy(item.modPolicy));
    const existing = current.get(name);
    if (existing === undefined) {
      if (item.version !== 0n) throw refused(`attempted to set key ${name} to version ${item.version}, but key does not exist`);
      continue; // the new version of the group around it carries the authorisation
    }
    const { version, modPolicy } = existing.item;
    if (item.version !== version + 1n)
      throw refused(`attempt to set key ${name} to version ${item.version}, but key is at version ${version}`);
    const path = policyPath(existing);
    if (!policies.has(path)) throw refused(`unexpected missing policy ${modPolicy} for item ${name}`);
    const verdict = await policies.get(path).evaluate(signed);
    if (!verdict.ok) throw refused(`policy for ${name} not satisfied: ${verdict.reason}`);
  }
}

function checkModPolicy(modPolicy: string): void {
  if (modPolicy === '') throw refused('mod_policy not set');
  for (const [at, part] of modPolicy.replace(/^\//, '').split('/').entries())
    within(`path element at ${at} is invalid`, () => checkConfigId(part));
}

/** Where an element's modification policy is: a relative name is looked up in the group around it, a group's own in the group itself. */
function policyPath({ kind, path, key, item }: ConfigElement): string {
  if (item.modPolicy.startsWith('/')) return item.modPolicy;
  const group = kind === 'group' ? [...path, key] : path;
  return `/${[...(group.length === 0 ? [ROOT_GROUP] : group), item.modPolicy].join('/')}`;
}

/** Each signature covers its own header and the update. @see ConfigUpdateEnvelopeAsSignedData in hyperledger/fabric v2.5, protoutil/signeddata.go */
const signaturesOf = ({ configUpdate, signatures }: common.ConfigUpdateEnvelope): SignedData[] =>
  signatures.map(({ signatureHeader, signature }) => {
    const { creator: identity } = readable(() => common.SignatureHeader.decode(signatureHeader));
    return new SignedParts([signatureHeader, configUpdate], { identity, signature });
  });

function checkComplete(writeSet: ConfigMap, next: ConfigMap): void {
  for (const name of writeSet.keys())
    if (!next.has(name)) throw refused(`writeset contained key ${name} which did not appear in proposed config`);
}

function readable<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new SelvageError('CONFIG_INVALID', unreadable(cause), { cause });
  }
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);

/** What we refuse on purpose gets its context; what we did not foresee stays as it is. */
const wrapped = (what: string, cause: unknown): unknown =>
  cause instanceof SelvageError ? new SelvageError('CONFIG_INVALID', `${what}: ${cause.message}`, { cause }) : cause;

function within<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw wrapped(what, cause);
  }
}
