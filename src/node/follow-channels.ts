import type { Announcement } from '../channel/block-feed.ts';
import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { validationCodeName } from '../client/submit.ts';
import { BlockValidator } from '../committer/block-validator.ts';
import { ChannelCommitter } from '../committer/channel-committer.ts';
import { vscc } from '../committer/plugins/vscc.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import { Serial } from '../common/serial.ts';
import { winnerPhrase } from '../explain/live.ts';
import type { InvalidReason } from '../ledger/ledger.ts';
import { validateConfigEnvelope } from '../msp/channelconfig/bundle.ts';
import type { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import type { LocalMsp } from '../msp/local-msp.ts';
import type { PrivateDataService } from '../privdata/private-data-service.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { OrdererSource } from './orderer-source.ts';
import type { EndpointOverride, TlsIdentity } from './orderers/orderer-rotation.ts';

/** A transaction that is on the ledger and changed nothing, and why. */
export interface InvalidTransaction extends InvalidReason {
  readonly channelId: string;
  readonly blockNumber: bigint;
  readonly codeName: string;
  /** The transaction that came before it, in a phrase; undefined where none is named. */
  readonly winner: string | undefined;
}

export interface FollowParts {
  readonly verifier: SignatureVerifier;
  readonly membership: LocalMsp;
  readonly config: PeerConfig;
  /** What is shown to orderers; undefined where they are reached without TLS. */
  readonly tls: TlsIdentity | undefined;
  readonly overrides: ReadonlyMap<string, EndpointOverride>;
  readonly privateData: Pick<PrivateDataService, 'follow'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Hears of every transaction that was ordered and then found invalid here. */
  readonly onInvalid?: ((transaction: InvalidTransaction) => void) | undefined;
}

/** Commits what is ordered, on every channel that is joined now or later. */
export function followChannels(channels: ChannelRegistry, parts: FollowParts): AsyncDisposable {
  const { verifier, membership, config, tls, overrides } = parts;
  const scope = new Scope();
  const validator = new BlockValidator({
    plugins: new Map([['vscc', vscc]]),
    applyConfig: (bundle, envelope) => validateConfigEnvelope(bundle, envelope, { verifier }),
  });
  const follow = (channel: JoinedChannel): void => {
    const log = parts.log.child({ module: 'committer', channel: channel.id });
    if (!channel.bundle().msps.mspIds.includes(config.localMspId))
      log.warn('this peer is of no organisation of the channel', { mspId: config.localMspId, members: channel.bundle().msps.mspIds });
    const { delivery } = config;
    const { connectMs, firstPauseMs, longestPauseMs, giveUpMs } = delivery;
    const source = new OrdererSource({ channel, signer: membership.signer, tls, overrides, connectMs, delivery, log });
    const winnerOf = (reason: InvalidReason) => winnerPhrase(reason, channel.ledger.blocks);
    if (parts.onInvalid !== undefined) scope.use(channel.feed.listen(tellInvalid(channel.id, parts.onInvalid, winnerOf)));
    const pauses = { firstPauseMs, longestPauseMs, giveUpMs };
    const privateData = parts.privateData.follow(channel);
    const told = { log, winnerOf, metrics: parts.metrics };
    scope.use(new ChannelCommitter({ channel, source, validator, privateData, ...told, ...pauses })).start();
  };
  for (const channel of channels.list()) follow(channel);
  scope.use(channels.onJoined(follow));
  return scope;
}

/** One after the other, in the order of the blocks. */
function tellInvalid(
  channelId: string,
  tell: NonNullable<FollowParts['onInvalid']>,
  winnerOf: (reason: InvalidReason) => Promise<string | undefined>,
): (announcement: Announcement) => void {
  const order = new Serial();
  return ({ block: { number: blockNumber }, reasons }) => {
    for (const reason of reasons)
      void order.run(async () => {
        const winner = await winnerOf(reason).catch(() => undefined); // the reason stands without it
        tell({ ...reason, channelId, blockNumber, codeName: validationCodeName(reason.code), winner });
      });
  };
}
