/** Counts what a piece of work does, for tests that it grows with its input and no faster. Time says little on a busy machine. */

export interface Work {
  /** Bytes that were copied into arrays of bytes. */
  readonly copied: number;
  /** Elements that were taken out of arrays one by one, as a spread does. */
  readonly visited: number;
}

/** What `work` does until its promise settles; nothing else may run meanwhile. */
export async function countedWork(work: () => unknown): Promise<Work> {
  let copied = 0;
  let visited = 0;
  const { set } = Uint8Array.prototype;
  const { concat } = Buffer;
  const iterate = Array.prototype[Symbol.iterator];
  Uint8Array.prototype.set = function (this: Uint8Array, source: ArrayLike<number>, offset?: number) {
    copied += source.length;
    set.call(this, source, offset);
  };
  Buffer.concat = ((...args: Parameters<typeof concat>) => {
    const joined = concat.apply(Buffer, args);
    copied += joined.length;
    return joined;
  }) as typeof concat;
  // biome-ignore lint/suspicious/noExplicitAny: stands in for the iterator of arrays of every kind
  Array.prototype[Symbol.iterator] = function (this: any[]) {
    visited += this.length;
    return iterate.call(this);
  };
  try {
    await work();
  } finally {
    Uint8Array.prototype.set = set;
    Buffer.concat = concat;
    Array.prototype[Symbol.iterator] = iterate;
  }
  return { copied, visited };
}
