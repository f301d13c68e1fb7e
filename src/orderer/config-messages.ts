import type { Clock } from '../common/clock.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { ChannelBundle, OrdererConfig } from '../msp/channelconfig/channel-bundle.ts';
import { validateConfigUpdate } from '../msp/channelconfig/config-update.ts';
import type { Signer } from '../msp/identity.ts';
import { common } from '../protos/messages.ts';
import { type BroadcastAnswer, badRequest, refusalOf } from './filters.ts';

/** The configuration of a channel that has orderers, which is the only kind this folder serves. */
export type OrdererBundle = ChannelBundle & { readonly orderer: OrdererConfig };

export interface ConfigMessageParts {
  readonly bundle: OrdererBundle;
  /** Reads the next configuration and checks that it may follow the current one. */
  readonly nextBundle: (current: ChannelBundle, config: common.Config) => ChannelBundle;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly nonce: () => Uint8Array;
}

/** A configuration ready to be ordered, with the bundle it leads to. */
export interface ProcessedUpdate {
  readonly envelope: common.Envelope;
  readonly next: OrdererBundle;
}

/**
 * Turns a CONFIG_UPDATE into the CONFIG envelope that this orderer signs.
 * @see ProcessConfigUpdateMsg in hyperledger/fabric v2.5, orderer/common/msgprocessor/standardchannel.go
 */
export async function processConfigUpdate(update: common.Envelope, parts: ConfigMessageParts): Promise<ProcessedUpdate | BroadcastAnswer> {
  const initial = await refusalOf(update, parts);
  if (initial !== undefined) return prefixed('config update for existing channel did not pass initial checks', initial);
  const following = await applied(update, parts);
  if ('status' in following) return following;
  const envelope = await signedConfig(following.config, parts);
  const final = await refusalOf(envelope, parts);
  if (final !== undefined) return prefixed('config update for existing channel did not pass final checks', final);
  return { envelope, next: following.next };
}

async function applied(
  update: common.Envelope,
  { bundle, nextBundle }: ConfigMessageParts,
): Promise<{ readonly config: common.ConfigEnvelope; readonly next: OrdererBundle } | BroadcastAnswer> {
  const refused = (why: string): BroadcastAnswer =>
    badRequest(`error applying config update to existing channel '${bundle.channelId}': ${why}`);
  try {
    const envelope = await validateConfigUpdate(bundle, update);
    if (envelope.config === undefined) return refused('channelconfig Config cannot be nil');
    const next = nextBundle(bundle, envelope.config);
    return hasOrderer(next) ? { config: envelope, next } : refused('config does not contain orderer config');
  } catch (thrown) {
    if (!(thrown instanceof SelvageError) || thrown.code !== 'CONFIG_INVALID') throw thrown;
    return refused(messageOf(thrown));
  }
}

export const hasOrderer = (bundle: ChannelBundle): bundle is OrdererBundle => bundle.orderer !== undefined;

/** Header version 0 and no transaction id: nobody asks for a configuration by id. */
async function signedConfig(config: common.ConfigEnvelope, { bundle, clock, signer, nonce }: ConfigMessageParts): Promise<common.Envelope> {
  const channelHeader = common.ChannelHeader.encode({
    type: common.HeaderType.CONFIG,
    timestamp: { seconds: BigInt(Math.floor(clock.now().getTime() / 1_000)) },
    channelId: bundle.channelId,
  });
  const signatureHeader = common.SignatureHeader.encode({ creator: signer.serialized, nonce: nonce() });
  const payload = common.Payload.encode({ header: { channelHeader, signatureHeader }, data: common.ConfigEnvelope.encode(config) });
  return { payload, signature: await signer.sign(payload) };
}

const prefixed = (what: string, { status, info }: BroadcastAnswer): BroadcastAnswer => ({ status, info: `${what}: ${info}` });
