import { SelvageError } from '../common/errors.ts';
import type { ChannelMember } from '../gossip/peers.ts';
import type { ChannelMsps } from '../msp/channelconfig/channel-bundle.ts';
import type { Identity } from '../msp/identity.ts';
import type { PolicyBudget } from '../msp/policies/policy-budget.ts';
import { writtenKey } from '../msp/policies/principal.ts';
import type { common } from '../protos/messages.ts';

/** What it costs to ask one peer whether it is what a principal asks for, at most: somebody's certificate has to be read. */
const ASKING = 1_000;

export interface PeersByPrincipalParts {
  readonly msps: ChannelMsps;
  readonly budget: PolicyBudget;
}

/** Which of some peers are what a principal asks for, each asked once. */
export class PeersByPrincipal {
  readonly #peers: readonly { readonly peer: ChannelMember; readonly identity: Identity }[];
  readonly #budget: PolicyBudget;
  readonly #found = new Map<string, readonly ChannelMember[]>();

  /** A peer whose identity is none on this channel is nothing that anybody asks for. */
  constructor(peers: readonly ChannelMember[], { msps, budget }: PeersByPrincipalParts) {
    this.#budget = budget;
    this.#peers = peers.flatMap((peer) => {
      const identity = identityOf(peer, msps);
      return identity === undefined ? [] : [{ peer, identity }];
    });
  }

  /** @throws {SelvageError} `MALFORMED` when too many principals were asked for */
  of(principal: common.MSPPrincipal): readonly ChannelMember[] {
    const key = writtenKey(principal);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    this.#budget.spend(ASKING * (this.#peers.length + 1));
    const found = this.#peers.flatMap(({ peer, identity }) => (identity.dissatisfaction(principal) === undefined ? [peer] : []));
    this.#found.set(key, found);
    return found;
  }

  /** Those that are, for each list, one of its principals. */
  members(lists: readonly (readonly common.MSPPrincipal[])[]): readonly ChannelMember[] {
    const allowed = lists.map((principals) => new Set(principals.flatMap((principal) => this.of(principal))));
    return this.#peers.flatMap(({ peer }) => (allowed.every((some) => some.has(peer)) ? [peer] : []));
  }
}

function identityOf({ identity }: ChannelMember, msps: ChannelMsps): Identity | undefined {
  try {
    return msps.deserialize(identity);
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'IDENTITY_INVALID') return undefined;
    throw thrown;
  }
}
