import { type Logger, silent } from '../common/log.ts';
import type { Terminal } from './terminal.ts';

/** A log for work that a command does itself: its warnings are said, the rest is not. */
export const saying = (say: Terminal['say']): Logger => ({
  ...silent,
  warn: (message, fields = {}) =>
    say(
      `${message} (${Object.entries(fields)
        .map(([name, value]) => `${name}: ${String(value)}`)
        .join(', ')})`,
    ),
});
