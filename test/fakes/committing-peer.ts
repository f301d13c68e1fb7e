/** A peer's side of an ordering service: a channel with a real ledger, and the committer that follows the nodes of its configuration in order. */

import { JoinedChannel } from '../../src/channel/joined-channel.ts';
import { BlockValidator } from '../../src/committer/block-validator.ts';
import { ChannelCommitter } from '../../src/committer/channel-committer.ts';
import { vscc } from '../../src/committer/plugins/vscc.ts';
import { type LogFields, silent } from '../../src/common/log.ts';
import { unmeasured } from '../../src/common/metrics.ts';
import type { Scope } from '../../src/common/scope.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { OrdererSource, type OrdererSourceParts } from '../../src/node/orderer-source.ts';
import type { common } from '../../src/protos/messages.ts';
import { applyConfig, bundleFromBlock, ledgerFolder } from '../committer/recorded-network.ts';
import { signerOf } from './bft-network.ts';

/** Why a node was left. */
export interface Lost {
  readonly code: unknown;
  readonly error: unknown;
}

export interface FollowedChannel {
  /** Why nodes were left, in order. */
  readonly lost: readonly Lost[];
  /** Resolves when the block is committed. */
  committed(number: bigint): Promise<void>;
}

/** Starts to follow the channel, as a peer of `member`; the scope ends it. */
export async function followChannel(
  scope: Scope,
  {
    genesis,
    member,
    delivery,
  }: { readonly genesis: common.Block; readonly member: Organization; readonly delivery: OrdererSourceParts['delivery'] },
): Promise<FollowedChannel> {
  const folder = scope.use(await ledgerFolder());
  const bundle = bundleFromBlock(genesis);
  const ledger = await (await folder.open()).create(bundle.channelId, genesis);
  const channel = new JoinedChannel({ ledger, bundle });
  const lost: Lost[] = [];
  const warn = (message: string, { code, error }: LogFields = {}): void => {
    if (message === 'no blocks, trying again') lost.push({ code, error });
  };
  const tls = { key: member.nodes[0]?.tls.privateKey ?? '', cert: member.nodes[0]?.tls.certificate ?? '' };
  const parts = { channel, signer: signerOf(member), tls, overrides: new Map(), delivery, random: () => 0, log: silent };
  const committer = new ChannelCommitter({
    channel,
    source: new OrdererSource(parts),
    validator: new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig }),
    log: { ...silent, warn },
    metrics: unmeasured,
    pause: async () => undefined,
  });
  scope.use(committer).start();
  return { lost, committed: (number) => channel.feed.waitFor(number, AbortSignal.timeout(200_000)) };
}
