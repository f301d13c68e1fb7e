import type { ChannelMember } from '../gossip/peers.ts';
import { writtenKey } from '../msp/policies/principal.ts';
import type { common } from '../protos/messages.ts';
import type { EndorsementPlan } from './endorsement-plan.ts';
import { noPlan } from './no-plan.ts';
import type { PeersByPrincipal } from './peers-by-principal.ts';

/** How many peers of which group. */
type Layout = ReadonlyMap<string, number>;

/**
 * A group for each principal, a layout for each set that there are enough peers for.
 * @param ready whether a peer has the chaincodes: only those that have are in the groups
 * @throws {SelvageError} `NO_ENDORSEMENT_PLAN` with Fabric's texts
 * @see computeEndorsementResponse in hyperledger/fabric v2.5, discovery/endorsement/endorsement.go
 */
export function planFor(
  sets: readonly (readonly common.MSPPrincipal[])[],
  peers: PeersByPrincipal,
  ready: (peer: ChannelMember) => boolean,
): EndorsementPlan {
  const { layouts, principals } = named(sets);
  const alive = new Map([...principals].map(([group, principal]) => [group, peers.of(principal)]));
  const possible = layouts.filter((layout) => isFilled(layout, alive));
  if (possible.length === 0) throw noPlan('no peer combination can satisfy the endorsement policy');
  const groups = new Map<string, readonly ChannelMember[]>();
  for (const group of new Set(possible.flatMap((layout) => [...layout.keys()]))) {
    const endorsers = (alive.get(group) ?? []).filter(ready);
    if (endorsers.length > 0) groups.set(group, endorsers);
  }
  const filled = possible.filter((layout) => isFilled(layout, groups));
  if (filled.length === 0) throw noPlan('required chaincodes are not installed on sufficient peers');
  return { groups, layouts: filled };
}

interface Named {
  readonly layouts: readonly Layout[];
  readonly principals: ReadonlyMap<string, common.MSPPrincipal>;
}

/** Groups are named G0, G1, … as their principals occur: clients learn nothing of these. */
function named(sets: readonly (readonly common.MSPPrincipal[])[]): Named {
  const names = new Map<string, string>();
  const principals = new Map<string, common.MSPPrincipal>();
  const groupOf = (principal: common.MSPPrincipal): string => {
    const key = writtenKey(principal);
    const group = names.get(key) ?? `G${names.size}`;
    names.set(key, group);
    principals.set(group, principal);
    return group;
  };
  const layouts = sets.map((set) => {
    const layout = new Map<string, number>();
    for (const principal of set) layout.set(groupOf(principal), (layout.get(groupOf(principal)) ?? 0) + 1);
    return layout;
  });
  return { layouts, principals };
}

const isFilled = (layout: Layout, groups: ReadonlyMap<string, readonly ChannelMember[]>): boolean =>
  [...layout].every(([group, wanted]) => (groups.get(group)?.length ?? 0) >= wanted);
