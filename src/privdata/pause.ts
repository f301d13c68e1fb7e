import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; rejects when the signal aborts. */
export async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}
