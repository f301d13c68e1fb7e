import type { Looking } from '../../explain/look-back.ts';
import type { Terminal } from '../terminal.ts';

/** So many blocks are read between two words about it. */
const TOLD_EVERY = 5_000n;

/** How far to look, telling of it where it takes long. */
export function looking(most: number, { signal, say }: Pick<Terminal, 'signal' | 'say'>): Looking {
  let told: bigint | undefined;
  return {
    signal,
    most,
    progress: (reached, lowest) => {
      told ??= reached;
      if (told - reached < TOLD_EVERY) return;
      told = reached;
      say(`Reading blocks backwards: at ${reached}, at most down to ${lowest}.`);
    },
  };
}
