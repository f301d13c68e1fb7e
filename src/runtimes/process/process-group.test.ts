import { describe, expect, it } from 'vitest';
import { ProcessGroup } from './process-group.ts';

const start = (script: string): Promise<ProcessGroup> =>
  ProcessGroup.start({ file: '/bin/sh', args: ['-c', script], cwd: '/', env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' } });

describe.skipIf(process.platform !== 'linux')('the output of a process that ended', () => {
  it('is told to its last line, with an end or without', async () => {
    await using group = await start('echo first; echo second >&2; printf third');
    const { code, lastOutput } = await group.exited;
    expect(code).toBe(0);
    expect([...lastOutput].sort()).toEqual(['first', 'second', 'third']);
  });

  it('is told to its last line where somebody else holds it open', async () => {
    // In a session of its own and without the mark of the tree it is an outsider, by all that is looked at; `$()` waits until it is.
    const outsider = `$(setsid env -i /bin/sh -c 'echo $$; exec sleep 600 >&2' &)`;
    await using group = await start(`printf '%s\\nno end' "${outsider}" >&2; exit 3`);
    const { code, lastOutput } = await group.exited;
    const [pid, last] = lastOutput;
    process.kill(Number(pid), 'SIGKILL');
    expect(code).toBe(3);
    expect(last).toBe('no end');
  });
});
