import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../common/clock.ts';
import { silent } from '../../common/log.ts';
import { OutputFolder, type OutputFolderParts } from './output-folder.ts';
import { formatRecord, parseRecord } from './output-record.ts';
import { chaincodesWithOutput, type ReadOutputOptions, readOutput } from './read-output.ts';

const never = new AbortController().signal;
let directory: string;
let seconds = 0;
const clock: Clock = { now: () => new Date(Date.UTC(2026, 0, 1) + 1000 * seconds++) };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-output-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const folder = (parts: Partial<OutputFolderParts> = {}) => new OutputFolder({ directory, clock, ...parts });

async function texts(name: string, options: Partial<ReadOutputOptions> = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of readOutput(directory, name, { follow: false, signal: never, ...options })) found.push(text);
  return found;
}

describe('a record', () => {
  it.each([
    [{ stream: 'stdout', text: 'hello  world ' }],
    [{ stream: 'stderr', text: '', channelId: 'ch-1', txId: 'ab12' }],
    [{ stream: 'stdout', text: '2026 stdout - - looks like one', txId: 'ab12' }],
  ])('%j is read as it was written', (line) => {
    const record = { time: '2026-01-01T00:00:00.000Z', ...line };
    expect(parseRecord(formatRecord(record).slice(0, -1))).toEqual(record);
  });

  it('is one line of text', () => {
    expect(formatRecord({ time: '2026-01-01T00:00:00.000Z', stream: 'stdout', text: 'a\rb' })).toBe(
      '2026-01-01T00:00:00.000Z stdout - - ab\n',
    );
  });
});

describe('kept output', () => {
  it('is found by name over versions and launches, in their order', async () => {
    const outputs = folder();
    for (const [ccid, text] of [
      ['cc:1', 'first'],
      ['cc:2', 'second'],
      ['cc:1', 'third'],
      ['cc-other:1', 'of another'],
    ] as const) {
      await using launch = await outputs.open(ccid);
      launch.line({ stream: 'stdout', text });
    }
    expect(await texts('cc')).toEqual(['first', 'second', 'third']);
    expect(await texts('cc:1')).toEqual(['first', 'third']);
    expect(await chaincodesWithOutput(directory, 'cc')).toEqual(['cc:1', 'cc:2']);
    expect(await texts('nothing')).toEqual([]);
  });

  it('is read as it was printed, wherever the reads of its file end', async () => {
    const printed = Array.from({ length: 40 }, (_, at) => `${'x'.repeat(at % 3)}${'€'.repeat(4_000)}`);
    {
      await using launch = await folder().open('cc:1');
      for (const text of printed) launch.line({ stream: 'stdout', text });
    }
    expect(await texts('cc')).toEqual(printed);
  });

  it('can be narrowed to a transaction', async () => {
    await using launch = await folder().open('cc:1');
    launch.line({ stream: 'stdout', text: 'before' });
    launch.line({ stream: 'stdout', text: 'in it', channelId: 'ch', txId: 'abcd1234' });
    launch.line({ stream: 'stdout', text: 'in another', channelId: 'ch', txId: 'ef' });
    await launch[Symbol.asyncDispose]();
    expect(await texts('cc', { txId: 'abcd' })).toEqual(['in it']);
  });

  it('does not outgrow its two files, and loses the oldest', async () => {
    await using launch = await folder({ maxBytes: 1000 }).open('cc:1');
    for (let at = 0; at < 100; at += 1) {
      launch.line({ stream: 'stdout', text: `line ${at}` });
      await new Promise(setImmediate);
    }
    await launch[Symbol.asyncDispose]();
    const [ccid = ''] = await readdir(directory);
    const files = await readdir(join(directory, ccid));
    expect(files).toHaveLength(2);
    const lines = await Promise.all(
      files.map(async (file) => (await readFile(join(directory, ccid, file), 'utf8')).split('\n').length - 1),
    );
    for (const file of files) expect((await readFile(join(directory, ccid, file))).length).toBeLessThanOrEqual(1000);
    const kept = await texts('cc');
    expect(kept.at(-1)).toBe('line 99');
    expect(kept).toHaveLength(lines.reduce((sum, each) => sum + each, 0));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => `line ${100 - kept.length + at}`));
  });

  it('of the newest launches only', async () => {
    const outputs = folder({ maxLaunches: 2 });
    for (const text of ['a', 'b', 'c', 'd']) {
      await using launch = await outputs.open('cc:1');
      launch.line({ stream: 'stdout', text });
    }
    expect(await texts('cc')).toEqual(['c', 'd']);
  });

  it('of replicas that run side by side is in the order of time and names each', async () => {
    const outputs = folder({ maxLaunches: 1 });
    await using first = await outputs.open('cc:1', 1);
    await using second = await outputs.open('cc:1', 2);
    for (const [launch, text] of [
      [second, 'a'],
      [first, 'b'],
      [second, 'c'],
      [first, 'd'],
    ] as const)
      launch.line({ stream: 'stdout', text });
    await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
    const seen: string[] = [];
    for await (const { text, replica } of readOutput(directory, 'cc', { follow: false, signal: never })) seen.push(`${replica} ${text}`);
    expect(seen).toEqual(['2 a', '1 b', '2 c', '1 d']);
    await using again = await outputs.open('cc:1', 2);
    again.line({ stream: 'stdout', text: 'e' });
    await again[Symbol.asyncDispose]();
    expect(await texts('cc')).toEqual(['b', 'd', 'e']);
  });

  it('of the chaincodes only that were launched last', async () => {
    const outputs = folder({ maxChaincodes: 2 });
    for (const ccid of ['cc:2', 'cc:10', 'cc:1', 'cc:10']) {
      await using launch = await outputs.open(ccid);
      launch.line({ stream: 'stdout', text: ccid });
    }
    expect([...(await chaincodesWithOutput(directory, 'cc'))].sort()).toEqual(['cc:1', 'cc:10']);
  });

  it('says how much is missing when the disk is too slow', async () => {
    await using launch = await folder().open('cc:1');
    const large = 'x'.repeat(1024 * 1024);
    for (let at = 0; at < 10; at += 1) launch.line({ stream: 'stdout', text: large });
    await launch[Symbol.asyncDispose]();
    const kept = await texts('cc');
    expect(kept.filter((text) => text === large).length).toBeGreaterThan(0);
    expect(kept.at(-1)).toMatch(/^\d+ lines are missing here/);
  });

  it('that cannot be kept disturbs nobody', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const warnings: string[] = [];
    await using launch = await folder({ directory: file, log: { ...silent, warn: (message) => void warnings.push(message) } }).open('cc:1');
    launch.line({ stream: 'stdout', text: 'lost' });
    await launch[Symbol.asyncDispose]();
    expect(warnings).toEqual(['chaincode output is not kept', 'chaincode output is not kept any more']);
  });
});

describe('following', () => {
  it('goes on with new lines and new launches, also over a rotation, until nobody wants more', async () => {
    const gone = new AbortController();
    const outputs = folder({ maxBytes: 300 }); // one rotation while the lines of a burst are written
    const first = await outputs.open('cc:1');
    first.line({ stream: 'stdout', text: 'line 0' });
    const seen: string[] = [];
    for await (const { text } of readOutput(directory, 'cc', { follow: true, signal: gone.signal })) {
      seen.push(text);
      if (seen.length === 1) for (let at = 1; at < 7; at += 1) first.line({ stream: 'stdout', text: `line ${at}` });
      if (seen.length === 7) {
        await first[Symbol.asyncDispose]();
        const second = await outputs.open('cc:2');
        second.line({ stream: 'stdout', text: 'of the next' });
        await second[Symbol.asyncDispose]();
      }
      if (text === 'of the next') gone.abort();
    }
    expect(seen).toEqual([...Array.from({ length: 7 }, (_, at) => `line ${at}`), 'of the next']);
  });
});
