import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogLevels, parseLogSpec } from './log-levels.ts';
import { openLog } from './logging.ts';

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
    await using opened = openLog({ levels, destination });
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
      { level: 'info', msg: 'yes', channel: 'c', time: expect.stringMatching(/^\d{4}-.*Z$/) },
      { level: 'warn', msg: 'and', module: 'msp', peer: 'p', cause: { message: 'why' } },
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

  it('has each key once, the nearest value of it, and none of its own replaced', async () => {
    const destination = join(folder, 'once.log');
    {
      await using opened = openLog({ levels: new LogLevels('info'), destination });
      const log = opened.log.child({ module: 'ledger', channel: 'outer' }).child({ module: 'ledger.kv' });
      log.info('hello', { channel: 'inner', level: 'no', time: 'no', msg: 'no' });
    }
    const text = await readFile(destination, 'utf8');
    expect([...text.matchAll(/"(\w+)":/g)].map(([, key]) => key)).toEqual(['level', 'time', 'module', 'channel', 'msg']);
    expect(JSON.parse(text)).toMatchObject({ level: 'info', module: 'ledger.kv', channel: 'inner', msg: 'hello' });
  });

  it('cuts what is too long and says by how much', async () => {
    const [line] = await logged('info', (log) => {
      const cause = new Error('x'.repeat(8 * 1024 * 1024), { cause: new Error('why') });
      const values = {
        channel: '\u{1F9F5}'.repeat(4 * 1024 * 1024),
        bytes: new Uint8Array(1000),
        cause,
        list: Array.from({ length: 1000 }, () => 'y'),
      };
      log.info('z'.repeat(10_000), {
        ...values,
        ...Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`more${at}`, 'w'.repeat(5_000)])),
      });
    });
    const text = JSON.stringify(line);
    expect(text.length).toBeLessThan(40_000);
    expect(line).toMatchObject({
      channel: expect.stringMatching(/^(\u{1F9F5})+… \(\d+ more characters\)$/u),
      bytes: '1000 bytes',
      cause: {
        type: 'Error',
        message: expect.stringContaining(`… (${8 * 1024 * 1024 - 2_000} more characters)`),
        cause: { message: 'why' },
      },
      list: expect.arrayContaining(['… (950 more)']),
      msg: expect.stringContaining('… (8000 more characters)'),
    });
  });

  it('takes values of every kind, and those that refer to themselves', async () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    const [line] = await logged('info', (log) =>
      log.info('kinds', {
        big: 10n,
        nothing: null,
        absent: undefined,
        number: Number.NaN,
        map: new Map([['a', 1]]),
        loop,
        symbol: Symbol('s'),
      }),
    );
    expect(line).toMatchObject({ big: '10', nothing: null, number: 'NaN', map: { a: 1 }, symbol: 'Symbol(s)' });
    expect(line).not.toHaveProperty('absent');
  });

  it('keeps a file and the one before it, however much is written', async () => {
    const destination = join(folder, 'rotated.log');
    for (let run = 0; run < 2; run += 1) {
      await using opened = openLog({ levels: new LogLevels('info'), destination, maxBytes: 10_000 });
      for (let line = 0; line < 300; line += 1) opened.log.info('hello', { run, line });
    }
    expect((await readdir(folder)).sort()).toEqual(['rotated.log', 'rotated.log.1']);
    const sizes = await Promise.all(['rotated.log', 'rotated.log.1'].map(async (name) => (await stat(join(folder, name))).size));
    for (const size of sizes) expect(size).toBeLessThanOrEqual(10_000);
    const last = (await readFile(destination, 'utf8')).trimEnd().split('\n').at(-1);
    expect(JSON.parse(last ?? '')).toMatchObject({ run: 1, line: 299 });
  });

  it('is written in full when the process ends at once, and takes what comes after its end without a word', async () => {
    const destination = join(folder, 'flushed.log');
    const opened = openLog({ levels: new LogLevels('info'), destination });
    opened.log.info('first');
    opened.flush();
    expect(await readFile(destination, 'utf8')).toContain('"msg":"first"');
    await opened[Symbol.asyncDispose]();
    opened.log.error('too late');
    expect(await readFile(destination, 'utf8')).not.toContain('too late');
  });
});
