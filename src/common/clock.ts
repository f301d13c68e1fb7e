/** What time it is. A part, so that tests and a deterministic development mode can set it. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
