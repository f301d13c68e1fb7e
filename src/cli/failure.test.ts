import { mkdir, writeFile } from 'node:fs/promises';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { SelvageError } from '../common/errors.ts';
import { reportFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

function reported(thrown: unknown, terminal: Partial<Terminal> = {}) {
  const said: string[] = [];
  const all = { say: (line: string) => void said.push(line), signal: new AbortController().signal, ...terminal } as Terminal;
  return { code: reportFailure(thrown, all), said };
}

describe('a failure', () => {
  it('is a sentence and what to do', () => {
    expect(reported(new SelvageError('SETTING_INVALID', 'wrong', { advice: 'Mend it.' }))).toEqual({
      code: 2,
      said: ['Error: wrong', 'Mend it.'],
    });
    expect(reported(new SelvageError('PEER_UNREACHABLE', 'gone')).said).toEqual(['Error: gone', expect.stringContaining('Check that')]);
    expect(reported(new SelvageError('REFUSED_BY_PEER', 'no')).code).toBe(1);
  });

  it('says once what to do when its text has that already', () => {
    expect(reported(new SelvageError('REFUSED_BY_PEER', 'wrong\nMend it.', { advice: 'Mend it.' })).said).toEqual([
      'Error: wrong\nMend it.',
    ]);
  });

  it('that a text explains names the setting', () => {
    const env: Record<string, string> = { CORE_PEER_LOCALMSPID: 'Org7MSP', CORE_PEER_MSPCONFIGPATH: '/msp' };
    const advice = (code: 'REFUSED_BY_PEER' | 'DEADLINE_EXCEEDED', text: string) => reported(new SelvageError(code, text), { env }).said[1];
    expect(advice('REFUSED_BY_PEER', 'access denied: channel [] creator org [Org7MSP]')).toContain(
      'knows no MSP Org7MSP (CORE_PEER_LOCALMSPID)',
    );
    expect(advice('REFUSED_BY_PEER', 'access denied for [JoinChain][ch]: …')).toContain('of Org7MSP in /msp, is not allowed');
    expect(advice('DEADLINE_EXCEEDED', 'timed out waiting for txid on all peers')).toContain('--waitForEventTimeout');
    expect(advice('REFUSED_BY_PEER', 'no such function')).toBeUndefined();
    const failed = (text: string) => advice('REFUSED_BY_PEER', `endorsement failure during query. response: status:500 message:"${text}"`);
    expect(failed('GET_QUERY_RESULT failed: … Error:no_usable_index,  Status Code:400')).toContain('selvage query explain');
    expect(failed('classToPlain is not a function')).toContain('"overrides": {"class-transformer": "0.4.0"}');
    env['FABRIC_CFG_PATH'] = '/nonexistent';
    expect(advice('REFUSED_BY_PEER', 'access denied for [JoinChain][ch]: …')).toBeUndefined();
  });

  it('names the log where there is one', () => {
    expect(reported(new SelvageError('REFUSED_BY_PEER', 'no'), { logFile: '/x.log' }).said).toEqual(['Error: no', 'Log: /x.log']);
  });

  it('that nobody foresaw shows where it came from', () => {
    const { said, code } = reported(new TypeError('x is not a function'));
    expect(code).toBe(1);
    expect(said[0]).toMatch(/internal error: TypeError: x is not a function\n {4}at /);
  });

  it('of the system says what it refused, and is no defect', async () => {
    const refusedBy = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    const folder = await refusedBy(mkdir('/proc/selvage'));
    const file = await refusedBy(writeFile('/proc', 'x'));
    for (const [thrown, path] of [
      [folder, '/proc/selvage'],
      [file, '/proc'],
    ] as const) {
      const { said, code } = reported(new Error('somewhere inside', { cause: thrown }));
      expect(code).toBe(1);
      expect(said[0]).toMatch(new RegExp(`^Error: cannot [a-z ]+ ${path}: [a-z -]+ \\(E[A-Z]+\\)$`));
      expect(said.join('\n')).not.toMatch(/defect|internal error| {4}at /);
    }
    const resolver = Object.assign(new Error('getaddrinfo ENODATA nowhere'), { code: 'ENODATA', errno: -61, syscall: 'getaddrinfo' });
    expect(reported(resolver).said).toEqual(['Error: the system says: getaddrinfo ENODATA nowhere']);
    const gone = Object.assign(new Error('ENOENT'), { code: 'ENOENT', errno: -2, syscall: 'uv_cwd' });
    expect(reported(gone).said[0]).toBe('Error: the folder that this command was started in is not there any more');
    const readOnly = Object.assign(new Error('EROFS'), { code: 'EROFS', syscall: 'mkdir', path: '/data/ledgers' });
    expect(reported(readOnly).said).toEqual([
      'Error: cannot make the folder /data/ledgers: the file system is read-only (EROFS)',
      'Name a place on a file system that can be written to, or mount this one so.',
    ]);
  });

  it('after Ctrl-C is no failure to talk about', () => {
    expect(reported(new Error('whatever'), { signal: AbortSignal.abort() })).toEqual({ code: 130, said: [] });
  });

  it('of the command line was told already', () => {
    expect(reported(new CommanderError(1, 'x', 'unknown option'))).toEqual({ code: 2, said: [] });
    expect(reported(new CommanderError(0, 'x', 'help'))).toEqual({ code: 0, said: [] });
  });
});
