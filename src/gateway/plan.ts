import { equalBytes } from '../common/bytes.ts';
import type { protos } from '../protos/messages.ts';
import type { Endorser } from './endorser.ts';
import { type EndpointFailure, failed } from './failures.ts';
import { payloadDifference } from './payload-difference.ts';

interface Layout {
  /** Group to how many more endorsements of it are wanted. */
  readonly wanted: Map<string, number>;
  readonly endorsements: protos.EndorsementInit[];
}

export interface PlanParts {
  /** By group, in the order to ask; each endorser is in one group. */
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
 * that its group is in, so that the next layout goes on with what the one before has.
 * @see plan in hyperledger/fabric v3.1, internal/pkg/gateway/endorsement.go
 */
export class Plan {
  readonly failures: EndpointFailure[] = [];
  readonly #waiting: Map<string, Endorser[]>;
  readonly #groupOf: ReadonlyMap<string, string>;
  #layouts: readonly Layout[];
  #first: { readonly payload: Uint8Array; readonly endorser: Endorser } | undefined;
  #done: Layout | undefined;

  constructor({ groups, layouts }: PlanParts) {
    this.#waiting = new Map([...groups].map(([group, endorsers]) => [group, [...endorsers]]));
    this.#groupOf = new Map([...groups].flatMap(([group, endorsers]) => endorsers.map(({ id }) => [id, group] as const)));
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
      const wanted = [...layout.wanted];
      if (wanted.every(([group, count]) => count <= (this.#waiting.get(group)?.length ?? 0)))
        return wanted.flatMap(([group, count]) => this.#waiting.get(group)?.splice(0, count) ?? []);
      this.#layouts = others;
    }
    return undefined;
  }

  /** The layout that was asked for last cannot be completed: some group of it has nobody left. */
  giveUpLayout(): void {
    this.#layouts = this.#layouts.slice(1);
  }

  /** Somebody else of the same group; undefined when it has nobody left. */
  replacementFor({ id }: Endorser): Endorser | undefined {
    return this.#waiting.get(this.#groupOf.get(id) ?? '')?.shift();
  }

  /** Counts an endorsement. False for one that says something else than the first: then it is a failure. */
  accept(endorser: Endorser, { payload = NOTHING, endorsement }: protos.ProposalResponseInit): boolean {
    const group = this.#groupOf.get(endorser.id);
    this.#asked(endorser, group);
    this.#first ??= { payload, endorser };
    if (!equalBytes(this.#first.payload, payload)) {
      const { address, mspId } = endorser;
      this.failures.push({ address, mspId, message: mismatch(this.#first, payload) });
      return false;
    }
    for (const layout of this.#layouts) {
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

  /** One that was asked before there was this plan is not to be asked again. */
  #asked({ id }: Endorser, group: string | undefined): void {
    const waiting = group === undefined ? undefined : this.#waiting.get(group);
    const at = waiting?.findIndex((each) => each.id === id) ?? -1;
    if (at >= 0) waiting?.splice(at, 1);
  }
}

const NOTHING = new Uint8Array(0);

function mismatch(first: { readonly payload: Uint8Array; readonly endorser: Endorser }, payload: Uint8Array): string {
  const difference = payloadDifference(first.payload, payload);
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
