import { messageOf, SelvageError } from '../../common/errors.ts';

/** What the system says when there is no room: disk, quota, or the limit on the size of a file. */
const FULL = /ENOSPC|EFBIG|EDQUOT|No space left|File too large|quota exceeded|MDB_MAP_FULL/i;

/** A failed write as what can be done about it: `DISK_FULL` where room helps, else `LEDGER_UNAVAILABLE`. */
export function diskFailure(cause: unknown, what: string): SelvageError {
  const code = FULL.test(`${codeOf(cause)} ${messageOf(cause)}`) ? 'DISK_FULL' : 'LEDGER_UNAVAILABLE';
  const advice =
    code === 'DISK_FULL'
      ? 'Make room on the disk of the ledger; the next block is tried again.'
      : 'Look at the disk of the ledger: it may be full or damaged.';
  return new SelvageError(code, `${what}: ${messageOf(cause)}`, { cause, advice });
}

const codeOf = (thrown: unknown): string => (thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '');
