import { parseDuration } from '../common/duration.ts';
import { SelvageError } from '../common/errors.ts';

/** A flag like `30s`, in milliseconds. @throws {SelvageError} `SETTING_INVALID` */
export function durationFlag(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new SelvageError('SETTING_INVALID', `${text} is no duration`, {
      advice: 'Write a number with a unit, like 30s, 500ms or 1m30s.',
    });
  return ms;
}
