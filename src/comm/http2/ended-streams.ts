/** So many are remembered; what is forgotten is treated with patience. */
const REMEMBERED = 256;

/**
 * Streams of which the other side has said that it sends nothing more, by an end or a reset. Frames of other closed streams were on their
 * way when we closed them, however many those are: they are passed over.
 * @see RFC 9113, section 5.1: an endpoint "MUST minimally process and then discard" what comes after its RST_STREAM
 */
export class EndedStreams {
  readonly #ended = new Set<number>();

  add(stream: number): void {
    this.#ended.add(stream);
    if (this.#ended.size > REMEMBERED) this.#ended.delete(this.#ended.values().next().value as number);
  }

  has(stream: number): boolean {
    return this.#ended.has(stream);
  }
}
