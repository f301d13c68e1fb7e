import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogLevels, openLog, parseLogSpec } from './logging.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-log-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What is in the file after `write` logged with that specification. */
async function logged(spec: string, write: (log: ReturnType<typeof openLog>['log'], levels: LogLevels) => void): Promise<unknown[]> {
  const destination = join(folder, 'made', 'node.log');
  const levels = new LogLevels(spec);
  {
    using opened = openLog({ levels, destination });
    write(opened.log, levels);
  }
  return (await readFile(destination, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const messages = (lines: readonly unknown[]) => lines.map((line) => (line as { msg: string }).msg);

describe('a logging specification', () => {
  it('names the level of everything', () => {
    expect(new LogLevels('').rankOf('x')).toBe(new LogLevels('info').rankOf('x'));
    expect(parseLogSpec('DEBUG').base).toBe('debug');
    expect(['notice', 'warning', 'critical', 'panic'].map((level) => parseLogSpec(level).base)).toEqual(['info', 'warn', 'error', 'fatal']);
  });

  it('names the levels of modules and of what is below them', () => {
    const levels = new LogLevels('chaincode=debug:ledger,msp=error:warning');
    const rank = (level: string) => new LogLevels(level).rankOf('');
    expect(levels.rankOf('chaincode')).toBe(rank('debug'));
    expect(levels.rankOf('chaincode.packages')).toBe(rank('debug'));
    expect(levels.rankOf('chaincodes')).toBe(rank('warning'));
    expect(levels.rankOf('msp')).toBe(rank('error'));
    expect(levels.rankOf('')).toBe(rank('warning'));
  });

  it('means one module alone by a dot at its end', () => {
    const levels = new LogLevels('chaincode.=debug:error');
    expect(levels.rankOf('chaincode')).not.toBe(levels.rankOf('other'));
    expect(levels.rankOf('chaincode.packages')).toBe(levels.rankOf('other'));
  });

  it.each([
    ['loud', "invalid logging specification 'loud': bad segment 'loud'"],
    ['a=debug:b=loud', "invalid logging specification 'a=debug:b=loud': bad segment 'b=loud'"],
    ['a=b=debug', "invalid logging specification 'a=b=debug': bad segment 'a=b=debug'"],
    ['=debug', "invalid logging specification '=debug': no logger specified in segment '=debug'"],
    ['a,,b=debug', "invalid logging specification 'a,,b=debug': bad logger name ''"],
    ['a b=debug', "invalid logging specification 'a b=debug': bad logger name 'a b'"],
  ])('%s is refused in the words of Fabric', (spec, message) => {
    expect(() => parseLogSpec(spec)).toThrow(expect.objectContaining({ code: 'SETTING_INVALID', message }));
  });
});

describe('a log', () => {
  it('writes what its level lets through, as JSON lines with fields', async () => {
    const lines = await logged('info', (log) => {
      log.debug('no');
      log.info('yes', { channel: 'c' });
      log.child({ module: 'msp', peer: 'p' }).warn('and', { cause: new Error('why') });
    });
    expect(lines).toMatchObject([
      { level: 30, msg: 'yes', channel: 'c', time: expect.stringMatching(/^\d{4}-.*Z$/) },
      { level: 40, msg: 'and', module: 'msp', peer: 'p', cause: { message: 'why' } },
    ]);
  });

  it('keeps to the level of each module', async () => {
    const lines = await logged('error:chaincode=debug', (log) => {
      log.warn('no');
      const chaincode = log.child({ module: 'chaincode' });
      chaincode.debug('chaincode');
      chaincode.child({ ccid: 'x' }).debug('its child');
      log.child({ module: 'ledger' }).info('no');
      log.child({ module: 'ledger' }).error('ledger');
    });
    expect(messages(lines)).toEqual(['chaincode', 'its child', 'ledger']);
  });

  it('follows another specification at once, and none that is wrong', async () => {
    const lines = await logged('error', (log, levels) => {
      const child = log.child({ module: 'chaincode' });
      child.info('no');
      levels.activate('chaincode=info:error');
      child.info('now');
      expect(() => levels.activate('loud')).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }));
      expect(levels.text).toBe('chaincode=info:error');
      child.info('still');
    });
    expect(messages(lines)).toEqual(['now', 'still']);
  });

  it('is continued, not replaced', async () => {
    await logged('info', (log) => log.info('first'));
    expect(messages(await logged('info', (log) => log.info('second')))).toEqual(['first', 'second']);
  });
});
