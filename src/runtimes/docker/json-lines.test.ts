import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readProgress } from './json-lines.ts';

const read = async (...chunks: readonly string[]): Promise<readonly string[]> => {
  const lines: string[] = [];
  await readProgress(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), (line) => lines.push(line));
  return lines;
};

describe('progress of the engine', () => {
  it('is told line by line, wherever it was cut', async () => {
    const all =
      '{"stream":"Step 1/2 : FROM a\\n"}\r\n{"stream":" ---\\u003e 1\\nümlaut\\n"}\n{"status":"Pulling","id":"x"}\n{"status":"Downloading","id":"x","progress":"[=> ]"}\n{"aux":{"ID":"sha256:1"}}';
    const expected = ['Step 1/2 : FROM a', ' ---> 1', 'ümlaut', 'x: Pulling'];
    expect(await read(all)).toEqual(expected);
    const bytes = Buffer.from(all);
    const lines: string[] = [];
    const one = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    await readProgress(Readable.from(one), (line) => lines.push(line));
    expect(lines).toEqual(expected);
  });

  it('is read to its end although an error came first', async () => {
    const lines: string[] = [];
    const chunks = ['{"errorDetail":{"message":"detail"},"error":"it failed"}\n', '{"stream":"after"}\n'];
    await expect(readProgress(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), (line) => lines.push(line))).rejects.toMatchObject({
      code: 'DOCKER_REFUSED',
      message: 'it failed',
    });
    expect(lines).toEqual(['after']);
  });

  it('with an error in its last line, which has no end, is an error', async () => {
    await expect(read('{"stream":"a"}\n{"errorDetail":{"message":"only the detail"}}')).rejects.toThrow('only the detail');
  });

  it('knows a full disk', async () => {
    await expect(read('{"error":"ADD failed: write /x: no space left on device"}')).rejects.toMatchObject({
      code: 'DISK_FULL',
      advice: expect.stringContaining('docker system df'),
    });
  });
});
