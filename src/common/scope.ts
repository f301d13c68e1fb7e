/** Something that can be released, at once or in time. */
export type Releasable = Disposable | AsyncDisposable;

/**
 * Collects what must be released and releases it newest first. Every release is tried; the first failure is thrown at the end.
 * Disposing twice is harmless.
 */
export class Scope implements AsyncDisposable {
  #releases: (() => unknown)[] = [];

  /** Owns `resource` from here on and returns it. */
  use<T extends Releasable>(resource: T): T {
    this.#releases.push(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()));
    return resource;
  }

  defer(release: () => unknown): void {
    this.#releases.push(release);
  }

  /** Hands everything collected so far to a new scope; this one then releases nothing. */
  move(): Scope {
    const moved = new Scope();
    moved.#releases = this.#releases;
    this.#releases = [];
    return moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const releases = this.#releases.reverse();
    this.#releases = [];
    let failure: { readonly error: unknown } | undefined;
    for (const release of releases) {
      try {
        await release();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}
