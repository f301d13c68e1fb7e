/** Writes bits as deflate does: the lowest first. */
export class BitWriter {
  readonly #bytes: number[];
  #held = 0;
  #count = 0;

  constructor(begin: readonly number[]) {
    this.#bytes = [...begin];
  }

  /** At most 16 bits of a value. */
  put(value: number, bits: number): void {
    this.#held |= value << this.#count;
    this.#count += bits;
    while (this.#count >= 8) {
      this.#bytes.push(this.#held & 0xff);
      this.#held >>>= 8;
      this.#count -= 8;
    }
  }

  align(): void {
    if (this.#count > 0) this.#bytes.push(this.#held & 0xff);
    this.#held = 0;
    this.#count = 0;
  }

  putBytes(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#bytes.push(byte);
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
