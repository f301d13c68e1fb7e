/** What callers make a server hold in memory before it knows who they are, counted and bounded. */

export interface BudgetLimits {
  /** Bytes that the calls of one connection may hold together. */
  readonly perConnection: number;
  /** Bytes that all calls of the server may hold together. */
  readonly total: number;
}

/** What one piece of a message costs beside its bytes: a caller may send it byte by byte. */
const PER_PIECE = 200;

/** What a message costs beside its bytes that waits for its reader: an empty one is five bytes of a stream, and an object in memory. */
export const PER_MESSAGE = 200;

interface Connection {
  readonly calls: Set<Holding>;
  held: number;
}

/**
 * Counts what the calls of a server hold. Where they hold too much together, the one that holds most ends: large requests drive each
 * other out, and small ones do not notice.
 */
export class ByteBudget {
  readonly #limits: BudgetLimits;
  readonly #connections = new Map<object, Connection>();
  #held = 0;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /**
   * Counts a call from here on; dispose it when the call is over.
   * @param connection whose call it is
   * @param evict ends the call; what it held no longer counts when this is called
   * @param most bytes of messages that this call may hold
   */
  open(connection: object, evict: () => void, most = Number.POSITIVE_INFINITY): Holding {
    const of = this.#connections.get(connection) ?? { calls: new Set(), held: 0 };
    this.#connections.set(connection, of);
    const holding = new Holding({
      evict,
      most,
      changed: (by) => this.#change(of, by),
      closed: () => {
        of.calls.delete(holding);
        if (of.calls.size === 0) this.#connections.delete(connection);
      },
    });
    of.calls.add(holding);
    return holding;
  }

  #change(of: Connection, by: number): void {
    of.held += by;
    this.#held += by;
    if (by <= 0) return;
    while (of.held > this.#limits.perConnection) largest([of])?.evict();
    while (this.#held > this.#limits.total) largest(this.#connections.values())?.evict();
  }
}

/** The call that holds most; of equals the newest. */
function largest(connections: Iterable<Connection>): Holding | undefined {
  let found: Holding | undefined;
  for (const { calls } of connections) for (const call of calls) if (found === undefined || call.held >= found.held) found = call;
  return found;
}

interface HoldingParts {
  readonly most: number;
  readonly evict: () => void;
  readonly changed: (by: number) => void;
  readonly closed: () => void;
}

/** What one call holds. */
export class Holding implements Disposable {
  readonly #parts: HoldingParts;
  #most: number;
  #held = 0;
  /** Bytes of messages among what is held, what their pieces cost, and how many wait for their reader. */
  #message = 0;
  #pieces = 0;
  #waiting = 0;
  #over = false;

  constructor(parts: HoldingParts) {
    this.#parts = parts;
    this.#most = parts.most;
  }

  get held(): number {
    return this.#held;
  }

  /** From now on it may hold that many bytes of messages. */
  allow(most: number): void {
    this.#most = most;
  }

  /** Something that stays as long as the call does. */
  keep(bytes: number): void {
    this.#add(bytes);
  }

  /** A piece of a message has come. */
  received(bytes: number): void {
    this.#message += bytes;
    this.#pieces += PER_PIECE;
    this.#add(bytes + PER_PIECE);
    this.#check();
  }

  /** A message is complete and waits for its reader, who says when it is {@link consumed}. */
  waits(): void {
    this.#waiting += 1;
    this.#add(PER_MESSAGE);
    this.#check();
  }

  /** A message of so many bytes is no longer looked at; what its pieces cost goes with it. */
  consumed(bytes: number): void {
    const share = this.#message === 0 ? 0 : Math.min(1, bytes / this.#message);
    const pieces = Math.floor(this.#pieces * share);
    const waited = this.#waiting > 0 ? PER_MESSAGE : 0;
    this.#pieces -= pieces;
    this.#message -= Math.min(bytes, this.#message);
    if (waited > 0) this.#waiting -= 1;
    this.#add(-Math.min(this.#held, bytes + pieces + waited));
  }

  /** One message may be as large as all that may be held; it is many that cost more than their bytes. */
  #check(): void {
    if (this.#message + Math.max(0, this.#waiting - 1) * PER_MESSAGE > this.#most) this.evict();
  }

  /** Ends the call, and stops counting. */
  evict(): void {
    if (this.#over) return;
    this[Symbol.dispose]();
    this.#parts.evict();
  }

  #add(bytes: number): void {
    if (this.#over) return;
    this.#held += bytes;
    this.#parts.changed(bytes);
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.changed(-this.#held);
    this.#parts.closed();
  }
}
