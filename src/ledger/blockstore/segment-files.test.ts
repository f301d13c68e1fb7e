import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { encodeRecord } from './block-record.ts';
import { SegmentFiles } from './segment-files.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-segments-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A record of about 130 bytes. */
const record = (number: number): Uint8Array =>
  encodeRecord({
    header: { number: BigInt(number), dataHash: utf8('data'), previousHash: utf8('previous') },
    data: { data: [new Uint8Array(100).fill(number)] },
    metadata: { metadata: [] },
  }).bytes;

async function all(files: SegmentFiles, from = { file: 0, offset: 0 }): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const { bytes } of files.records(from)) found.push(new Uint8Array(bytes));
  return found;
}

describe('segment files', () => {
  it('go on in a new file when one is full, and are read across files', async () => {
    const records = Array.from({ length: 10 }, (_, number) => record(number));
    {
      await using files = await SegmentFiles.open({ directory, segmentBytes: 300 });
      const places = [];
      for (const each of records) places.push(await files.append(each));
      expect(places.map(({ file }) => file)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
      for (const [at, place] of places.entries()) expect(new Uint8Array(await files.read(place))).toEqual(records[at]);
    }
    await using files = await SegmentFiles.open({ directory, segmentBytes: 300 });
    expect(await all(files)).toEqual(records);
    expect(await all(files, { file: 3, offset: 0 })).toEqual(records.slice(6));
  });

  it('give a record that is larger than a file a file of its own', async () => {
    await using files = await SegmentFiles.open({ directory, segmentBytes: 50 });
    expect(await files.append(record(0))).toMatchObject({ file: 0 });
    expect(await files.append(record(1))).toMatchObject({ file: 1 });
  });

  it('take records back, over the border of files too', async () => {
    await using files = await SegmentFiles.open({ directory, segmentBytes: 300 });
    const places = [];
    for (let number = 0; number < 5; number += 1) places.push(await files.append(record(number)));
    expect((await all(files)).length).toBe(5);
    await files.truncate(places[4] ?? files.end);
    expect(await readdir(directory)).toEqual(['blockfile_000000', 'blockfile_000001', 'blockfile_000002']);
    await files.truncate(places[1] ?? files.end);
    expect(await readdir(directory)).toEqual(['blockfile_000000']);
    await files.append(record(7));
    await files.append(record(8));
    expect(await all(files)).toEqual([record(0), record(7), record(8)]);
  });

  it('stop before a record that is cut off', async () => {
    const whole = record(1);
    for (const cut of [1, 2, 50, whole.length - 1]) {
      await writeFile(join(directory, 'blockfile_000000'), record(0));
      await appendFile(join(directory, 'blockfile_000000'), whole.subarray(0, cut));
      await using files = await SegmentFiles.open({ directory });
      expect(await all(files)).toEqual([record(0)]);
    }
  });

  it('read nothing by a length that lies', async () => {
    await writeFile(join(directory, 'blockfile_000000'), Buffer.from('ffffffffffffffffff01', 'hex'));
    await using files = await SegmentFiles.open({ directory });
    expect(await all(files)).toEqual([]);
    await expect(files.read({ file: 0, offset: 0, length: 2 ** 40, crc: 0 })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('refuse a hole: a file that is missing, or cut although others follow', async () => {
    await writeFile(join(directory, 'blockfile_000001'), record(0));
    await expect(SegmentFiles.open({ directory })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    await writeFile(join(directory, 'blockfile_000000'), record(0).subarray(0, 60));
    await using files = await SegmentFiles.open({ directory });
    await expect(all(files)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('are left alone after they are closed', async () => {
    const files = await SegmentFiles.open({ directory });
    await files.append(record(0));
    await files[Symbol.asyncDispose]();
    await expect(files.append(record(1))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect((await stat(join(directory, 'blockfile_000000'))).size).toBe(record(0).length);
  });
});
