/** An answer now or a promise of it. Callers `await`; who has the answer at hand does not pay for a promise. */
export type MaybePromise<T> = T | Promise<T>;

/** The answer put through `use`, at once if it is there already. */
export const whenKnown = <T, R>(answer: MaybePromise<T>, use: (value: T) => MaybePromise<R>): MaybePromise<R> =>
  answer instanceof Promise ? answer.then(use) : use(answer);

/** All answers, at once if all are there. */
export const allKnown = <T>(answers: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> =>
  areKnown(answers) ? answers : Promise.all(answers);

const areKnown = <T>(answers: readonly MaybePromise<T>[]): answers is readonly T[] =>
  answers.every((answer) => !(answer instanceof Promise));

/** What `work` answers, now or later; what it throws, now or later, becomes what `change` makes of it. */
export function rethrown<T>(work: () => MaybePromise<T>, change: (thrown: unknown) => unknown): MaybePromise<T> {
  try {
    const answer = work();
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((thrown: unknown) => Promise.reject(change(thrown)));
  } catch (thrown) {
    throw change(thrown);
  }
}
