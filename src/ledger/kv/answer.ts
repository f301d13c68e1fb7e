import type { MaybePromise } from '../../common/maybe.ts';

/** `use` applied to an answer: at once where it is here, else when it comes. */
export function answered<T, U>(answer: MaybePromise<T>, use: (value: T) => U): MaybePromise<U> {
  return answer instanceof Promise ? answer.then(use) : use(answer);
}
