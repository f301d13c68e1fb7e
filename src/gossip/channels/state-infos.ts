import type { StateInfo } from './state-info.ts';

/** Bytes that the state infos of one organisation may have together, in one channel: two thousand peers with hundreds of chaincodes each. */
const MOST_OF_ORGANIZATION = 16 * 1024 * 1024;

interface Kept {
  readonly info: StateInfo;
  readonly mspId: string;
}

/** What peers said last of one channel, by their pki ids in hexadecimal. An organisation may have as many peers as it likes, and no more room for it. */
export class StateInfos {
  readonly #most: number;
  readonly #kept = new Map<string, Kept>();
  readonly #bytes = new Map<string, number>();

  constructor(most = MOST_OF_ORGANIZATION) {
    this.#most = most;
  }

  get size(): number {
    return this.#kept.size;
  }

  get(key: string): StateInfo | undefined {
    return this.#kept.get(key)?.info;
  }

  list(): readonly StateInfo[] {
    return [...this.#kept.values()].map(({ info }) => info);
  }

  /** Takes the place of what the peer said before. @returns false where its organisation has no room for it: then nothing changes */
  set(info: StateInfo, mspId: string): boolean {
    const before = this.#kept.get(info.key);
    const freed = before?.mspId === mspId ? sizeOf(before.info) : 0;
    if ((this.#bytes.get(mspId) ?? 0) - freed + sizeOf(info) > this.#most) return false;
    this.delete(info.key);
    this.#kept.set(info.key, { info, mspId });
    this.#change(mspId, sizeOf(info));
    return true;
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined) return false;
    this.#kept.delete(key);
    this.#change(kept.mspId, -sizeOf(kept.info));
    return true;
  }

  #change(mspId: string, by: number): void {
    const bytes = (this.#bytes.get(mspId) ?? 0) + by;
    if (bytes > 0) this.#bytes.set(mspId, bytes);
    else this.#bytes.delete(mspId);
  }
}

const sizeOf = ({ received }: StateInfo): number => received.envelope.length;
