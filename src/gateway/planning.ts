import { messageOf, SelvageError } from '../common/errors.ts';
import { shuffled } from '../common/shuffled.ts';
import type { EndorsementPlan, EndorsementPlanner } from '../discovery/endorsement-plan.ts';
import type { ChannelMember } from '../gossip/peers.ts';
import type { protos } from '../protos/messages.ts';
import { inOrder } from './directory.ts';
import type { Endorser } from './endorser.ts';
import { Plan } from './plan.ts';
import type { ProposedTransaction } from './proposed-transaction.ts';

export interface PlanningParts {
  readonly planner: EndorsementPlanner;
  /** Undefined for a member that nobody can reach from here. */
  endorserOf(member: ChannelMember, channelId: string): Endorser | undefined;
}

/**
 * Plans by the policies that a transaction concerns.
 * @see endorsementPlan in hyperledger/fabric v3.1, internal/pkg/gateway/registry.go
 */
export class Planning {
  readonly #parts: PlanningParts;

  constructor(parts: PlanningParts) {
    this.#parts = parts;
  }

  /** For a call that reads and writes in its own namespace alone. @throws {SelvageError} `ENDORSERS_MISSING` */
  plain({ channelId, chaincode }: ProposedTransaction): Promise<Plan> {
    return this.#plan(channelId, { chaincodes: [{ name: chaincode }] }, undefined);
  }

  /**
   * With transient data only members of the collections are asked, whatever the transaction read: others shall not see it.
   * @param first who has endorsed already; layouts with its group are tried first
   * @throws {SelvageError} `ENDORSERS_MISSING`
   */
  async for({ channelId, hasTransientData }: ProposedTransaction, interest: protos.ChaincodeInterestInit, first: Endorser): Promise<Plan> {
    const { shielded, collections } = hasTransientData ? shield(interest) : { shielded: interest, collections: [] };
    try {
      return await this.#plan(channelId, shielded, first);
    } catch (thrown) {
      if (collections.length === 0 || !(await this.#works(channelId, interest, first))) throw thrown;
      const text =
        'requires endorsement from organisation(s) that are not in the distribution policy of the private data collection(s): ' +
        `[${collections.join(' ')}]; retry specifying trusted endorsing organizations to protect transient data`;
      throw new SelvageError('ENDORSERS_MISSING', text, { cause: thrown });
    }
  }

  #works(channelId: string, interest: protos.ChaincodeInterestInit, first: Endorser): Promise<boolean> {
    return this.#plan(channelId, interest, first).then(
      () => true,
      () => false,
    );
  }

  async #plan(channelId: string, interest: protos.ChaincodeInterestInit, first: Endorser | undefined): Promise<Plan> {
    const found = await this.#found(channelId, interest);
    const unreachable: string[] = [];
    const groups = new Map<string, readonly Endorser[]>();
    for (const [group, members] of found.groups) {
      const endorsers = inOrder(members).flatMap((member) => {
        const endorser = this.#parts.endorserOf(member, channelId);
        if (endorser === undefined) unreachable.push(member.endpoint);
        return endorser ?? [];
      });
      groups.set(group, endorsers);
    }
    const layouts = inTurn(found.layouts, groups, first);
    if (layouts.length > 0) return new Plan({ groups, layouts });
    throw new SelvageError(
      'ENDORSERS_MISSING',
      `failed to select a set of endorsers that satisfy the endorsement policy due to unavailability of peers: [${unreachable.join(' ')}]`,
    );
  }

  async #found(channelId: string, interest: protos.ChaincodeInterestInit): Promise<EndorsementPlan> {
    try {
      return await this.#parts.planner.plan(channelId, interest);
    } catch (cause) {
      const text = `no combination of peers can be derived which satisfy the endorsement policy: ${messageOf(cause)}`;
      throw new SelvageError('ENDORSERS_MISSING', text, { cause });
    }
  }
}

/** The layouts that there are peers for, in any order, but first those with a group of that endorser. */
function inTurn(
  layouts: EndorsementPlan['layouts'],
  groups: ReadonlyMap<string, readonly Endorser[]>,
  first: Endorser | undefined,
): EndorsementPlan['layouts'] {
  const preferred = [...groups].flatMap(([group, endorsers]) => (endorsers.some(({ id }) => id === first?.id) ? [group] : []));
  const possible = layouts.filter(
    (layout) => layout.size > 0 && [...layout].every(([group, count]) => (groups.get(group)?.length ?? 0) >= count),
  );
  const has = (layout: ReadonlyMap<string, number>): boolean => preferred.some((group) => layout.has(group));
  return [...shuffled(possible.filter(has)), ...shuffled(possible.filter((layout) => !has(layout)))];
}

/** The same interest as if every collection was read: its members alone can endorse that. Which collections that concerns. */
function shield({ chaincodes = [] }: protos.ChaincodeInterestInit) {
  const concerned = chaincodes.filter(({ noPrivateReads }) => noPrivateReads === true);
  return {
    shielded: { chaincodes: chaincodes.map((call) => ({ ...call, noPrivateReads: false })) },
    collections: concerned.flatMap(({ collectionNames = [] }) => collectionNames),
  };
}
