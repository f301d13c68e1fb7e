import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commitSha, version } from './version.ts';

describe('the version', () => {
  it('says what it was built from, in a checkout as in a worktree of one', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
    expect(commitSha).toMatch(/^[0-9a-f]{9}$/);
    expect(head.startsWith(commitSha ?? 'none')).toBe(true);
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
  });
});
