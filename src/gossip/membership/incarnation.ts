import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { makeFolder, replaceDurably } from '../../common/durable-files.ts';
import { errnoOf } from '../../common/errors.ts';

const NANOSECONDS = 1_000_000n;

/** The time in nanoseconds, as gossip writes it. */
export const nanosecondsOf = (time: Date): bigint => BigInt(time.getTime()) * NANOSECONDS;

/**
 * The number of this run of the peer: its start in nanoseconds, or one more than that of the run before where the clock went back.
 * Others ignore a peer that comes back with a smaller one for as long as they remember the larger.
 * @param folder where the last number is kept
 */
export async function nextIncarnation(folder: string, clock: Clock): Promise<bigint> {
  await makeFolder(folder);
  const file = join(folder, 'incarnation');
  const now = nanosecondsOf(clock.now());
  const last = await lastIncarnation(file);
  const next = last >= now ? last + 1n : now;
  await replaceDurably(file, `${next}\n`);
  return next;
}

/** 0 where nothing was kept, or what was kept cannot be read as a number. */
async function lastIncarnation(file: string): Promise<bigint> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return 0n;
    throw thrown;
  }
}
