/** Observations of one name that are kept until they are sent. */
const MOST = 1_000;

/** Single observations, as StatsD wants them; of very many each second, fourth, eighth, which the line then says. */
export class Timings {
  #kept: number[] = [];
  #stride = 1;
  #seen = 0;

  observe(value: number): void {
    if (this.#seen++ % this.#stride !== 0) return;
    this.#kept.push(value);
    if (this.#kept.length < MOST) return;
    this.#kept = this.#kept.filter((_, at) => at % 2 === 0);
    this.#stride *= 2;
  }

  /** What was observed since the last time. `rate` is the part of it that is here, 1 for all. */
  take(): { readonly values: readonly number[]; readonly rate: number } {
    const taken = { values: this.#kept, rate: 1 / this.#stride };
    this.#kept = [];
    this.#stride = 1;
    this.#seen = 0;
    return taken;
  }
}
