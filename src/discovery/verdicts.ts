import { sha256 } from '../common/bytes.ts';
import type { SignedData, Verdict } from '../msp/policies/policy.ts';

export interface VerdictLimits {
  /** The most requests that are remembered; none where it is 0. */
  readonly most: number;
  /** The share that stays when there are too many. */
  readonly retained: number;
}

/**
 * Verdicts over signed requests that were seen before: clients send the same request again and again. They are remembered beside what
 * judged them, so those of a configuration are gone with it.
 * @see authCache in hyperledger/fabric v2.5, discovery/authcache.go
 */
export class Verdicts {
  readonly #limits: VerdictLimits;
  readonly #byJudge = new WeakMap<object, Map<string, Verdict>>();

  constructor(limits: VerdictLimits) {
    this.#limits = limits;
  }

  /** @param judge stands for the rules: another one knows of no verdict yet */
  async of(judge: object, signed: SignedData, evaluate: () => Promise<Verdict>): Promise<Verdict> {
    if (this.#limits.most === 0) return evaluate();
    const verdicts = this.#byJudge.get(judge) ?? new Map<string, Verdict>();
    this.#byJudge.set(judge, verdicts);
    const key = keyOf(signed);
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = await evaluate();
    this.#makeRoom(verdicts);
    verdicts.set(key, verdict);
    return verdict;
  }

  /** What was put in first goes first. */
  #makeRoom(verdicts: Map<string, Verdict>): void {
    const { most, retained } = this.#limits;
    if (verdicts.size < most) return;
    let gone = Math.max(1, most - Math.floor(retained * most));
    for (const key of verdicts.keys()) {
      if (gone === 0) return;
      verdicts.delete(key);
      gone -= 1;
    }
  }
}

/** Hashes of the parts side by side: what is one part's end can be no other's beginning. */
const keyOf = ({ data, identity, signature }: SignedData): string =>
  Buffer.concat([sha256(data), sha256(identity), sha256(signature)]).toString('base64');
