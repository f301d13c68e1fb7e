import { equalBytes } from '../common/bytes.ts';
import { shortDifference } from '../explain/short-difference.ts';
import type { protos } from '../protos/messages.ts';
import type { Endorser } from './endorser.ts';
import { type EndpointFailure, failed } from './failures.ts';

interface Layout {
  /** Group to how many more endorsements of it are wanted. */
  readonly wanted: Map<string, number>;
  readonly endorsements: protos.EndorsementInit[];
}

export interface PlanParts {
  /** By group, in the order to ask. A peer is in several where it is what several principals ask for, as peer and as member. */
  readonly groups: ReadonlyMap<string, readonly Endorser[]>;
  /** In the order to try. */
  readonly layouts: readonly ReadonlyMap<string, number>[];
}

/** What a transaction is made of. */
export interface Endorsed {
  /** `ProposalResponsePayload` bytes. */
  readonly payload: Uint8Array;
  readonly endorsements: readonly protos.EndorsementInit[];
}

/**
 * Which endorsers are asked, whose endorsements are there, and which sets of them would do. An endorsement counts in every layout
 * that wants a group of its endorser, once in each, so that the next layout goes on with what the one before has.
 * @see plan in hyperledger/fabric v3.1, internal/pkg/gateway/endorsement.go, which knows each endorser in one group
 */
export class Plan {
  readonly failures: EndpointFailure[] = [];
  /** By group, who was not asked yet. */
  readonly #waiting: Map<string, readonly Endorser[]>;
  /** By endorser, for which group it was asked. */
  readonly #askedFor = new Map<string, string>();
  readonly #groupsOf: ReadonlyMap<string, readonly string[]>;
  #layouts: readonly Layout[];
  #first: { readonly payload: Uint8Array; readonly endorser: Endorser } | undefined;
  #done: Layout | undefined;

  constructor({ groups, layouts }: PlanParts) {
    this.#waiting = new Map(groups);
    this.#groupsOf = groupsOf(groups);
    this.#layouts = layouts.map((layout) => ({ wanted: new Map(layout), endorsements: [] }));
  }

  /** What was asked for; undefined as long as no layout is complete. */
  get endorsed(): Endorsed | undefined {
    if (this.#done === undefined || this.#first === undefined) return undefined;
    return { payload: this.#first.payload, endorsements: withoutRepeats(this.#done.endorsements) };
  }

  /** Whom to ask for the first layout that can still be filled; undefined when none can. */
  next(): readonly Endorser[] | undefined {
    while (this.#done === undefined) {
      const [layout, ...others] = this.#layouts;
      if (layout === undefined) return undefined;
      const asked = this.#choose(layout);
      if (asked !== undefined) return asked;
      this.#layouts = others;
    }
    return undefined;
  }

  /** The layout that was asked for last cannot be completed: some group of it has nobody left. */
  giveUpLayout(): void {
    this.#layouts = this.#layouts.slice(1);
  }

  /** Somebody else of the group that this one was asked for; undefined when it has nobody left. */
  replacementFor({ id }: Endorser): Endorser | undefined {
    const group = this.#askedFor.get(id);
    const [next] = this.#left(group);
    if (next !== undefined && group !== undefined) this.#take(next, group);
    return next;
  }

  /** Counts an endorsement. False for one that says something else than the first: then it is a failure. */
  accept(endorser: Endorser, { payload = NOTHING, endorsement }: protos.ProposalResponseInit): boolean {
    this.#take(endorser, this.#askedFor.get(endorser.id)); // one that was asked before there was this plan is not to be asked again
    this.#first ??= { payload, endorser };
    if (!equalBytes(this.#first.payload, payload)) {
      const { address, mspId } = endorser;
      this.failures.push({ address, mspId, message: mismatch(this.#first, payload) });
      return false;
    }
    for (const layout of this.#layouts) {
      const group = this.#countsFor(layout, endorser);
      const count = group === undefined ? undefined : layout.wanted.get(group);
      if (group === undefined || count === undefined) continue;
      if (endorsement !== undefined) layout.endorsements.push(endorsement);
      if (count > 1) layout.wanted.set(group, count - 1);
      else layout.wanted.delete(group);
      if (layout.wanted.size === 0) {
        this.#done = layout;
        return true;
      }
    }
    return true;
  }

  /** The client's failure when no layout is left. */
  notEnough() {
    return failed(
      'ENDORSEMENT_FAILED',
      'failed to collect enough transaction endorsements, see attached details for more info',
      this.failures,
    );
  }

  /** Whom a layout wants, those of small groups first: who is in several of its groups is asked for one. Undefined where some are missing. */
  #choose({ wanted }: Layout): readonly Endorser[] | undefined {
    const chosen = new Map<string, { readonly endorser: Endorser; readonly group: string }>();
    const bySize = [...wanted].sort(([one], [other]) => this.#left(one).length - this.#left(other).length);
    for (const [group, count] of bySize) {
      const free = this.#left(group).filter(({ id }) => !chosen.has(id));
      if (free.length < count) return undefined;
      for (const endorser of free.slice(0, count)) chosen.set(endorser.id, { endorser, group });
    }
    const asked = [...chosen.values()];
    for (const { endorser, group } of asked) this.#take(endorser, group);
    return asked.map(({ endorser }) => endorser);
  }

  /** The group that it was asked for; else, of its groups that the layout wants, the one with fewest others. */
  #countsFor({ wanted }: Layout, { id }: Endorser): string | undefined {
    const asked = this.#askedFor.get(id);
    if (asked !== undefined && wanted.has(asked)) return asked;
    const groups = (this.#groupsOf.get(id) ?? []).filter((group) => wanted.has(group));
    return groups.sort((one, other) => this.#left(one).length - this.#left(other).length)[0];
  }

  #take({ id }: Endorser, group: string | undefined): void {
    if (group !== undefined) this.#askedFor.set(id, group);
    for (const each of this.#groupsOf.get(id) ?? [])
      this.#waiting.set(
        each,
        this.#left(each).filter((other) => other.id !== id),
      );
  }

  readonly #left = (group: string | undefined): readonly Endorser[] => (group === undefined ? [] : (this.#waiting.get(group) ?? []));
}

function groupsOf(groups: PlanParts['groups']): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [group, endorsers] of groups) for (const { id } of endorsers) found.set(id, [...(found.get(id) ?? []), group]);
  return found;
}

const NOTHING = new Uint8Array(0);

function mismatch(first: { readonly payload: Uint8Array; readonly endorser: Endorser }, payload: Uint8Array): string {
  const difference = shortDifference(first.payload, payload);
  const { address, mspId } = first.endorser;
  return `ProposalResponsePayloads do not match${difference === '' ? '' : `: unlike at ${address} (${mspId}), ${difference}`}`;
}

/** One endorsement of each endorser, the first. */
function withoutRepeats(endorsements: readonly protos.EndorsementInit[]): readonly protos.EndorsementInit[] {
  const seen = new Set<string>();
  return endorsements.filter(({ endorser = NOTHING }) => {
    const key = Buffer.from(endorser.buffer, endorser.byteOffset, endorser.byteLength).toString('latin1');
    return !seen.has(key) && seen.add(key);
  });
}
