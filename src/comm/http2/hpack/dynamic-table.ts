import type { Field } from './static-table.ts';

/** What a field counts beside its name and value (RFC 7541, section 4.1). */
export const FIELD_OVERHEAD = 32;

export const sizeOf = ([name, value]: Field): number => name.length + value.length + FIELD_OVERHEAD;

/** The fields that the other side asked us to remember, newest first, bounded in bytes. */
export class DynamicTable {
  /** Oldest first; those before `#first` are gone. */
  #fields: Field[] = [];
  #first = 0;
  #size = 0;
  #capacity: number;
  /** Counts every change: what was decoded with another generation may mean something else now. */
  generation = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#fields.length - this.#first;
  }

  /** @param index 0 is the newest */
  at(index: number): Field | undefined {
    return index < this.length ? this.#fields[this.#fields.length - 1 - index] : undefined;
  }

  insert(field: Field): void {
    this.generation += 1;
    const size = sizeOf(field);
    this.#evictTo(this.#capacity - size);
    if (size > this.#capacity) return; // it empties the table and does not get in
    this.#fields.push(field);
    this.#size += size;
  }

  resize(capacity: number): void {
    this.generation += 1;
    this.#capacity = capacity;
    this.#evictTo(capacity);
  }

  #evictTo(size: number): void {
    while (this.#size > size && this.#first < this.#fields.length) {
      this.#size -= sizeOf(this.#fields[this.#first] as Field);
      this.#first += 1;
    }
    if (this.#first > 64 && this.#first * 2 > this.#fields.length) {
      this.#fields = this.#fields.slice(this.#first);
      this.#first = 0;
    }
  }
}
