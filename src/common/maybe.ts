/** An answer now or a promise of it. Callers `await`; who has the answer at hand does not pay for a promise. */
export type MaybePromise<T> = T | Promise<T>;
