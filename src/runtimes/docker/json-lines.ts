import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { refused } from './engine-failure.ts';

interface Progress {
  readonly stream?: unknown;
  readonly status?: unknown;
  readonly id?: unknown;
  readonly error?: unknown;
  readonly errorDetail?: unknown;
  readonly progress?: unknown;
}

/**
 * Reads the progress of a build, pull or import, which Docker sends as JSON documents one after the other, to its end. Errors come
 * in it although the answer began with status 200.
 *
 * @throws {SelvageError} `DOCKER_REFUSED` or `DISK_FULL` with the error in the stream; the stream's own error when it breaks
 */
export async function readProgress(answer: Readable, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let failure: string | undefined;
  const take = (line: string): void => {
    const progress = parsed(line);
    failure ??= errorIn(progress);
    for (const text of textsIn(progress)) onLine(text);
  };
  for await (const chunk of answer) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') take(line);
  }
  if (rest.trim() !== '') take(rest);
  if (failure !== undefined) throw refused(failure);
}

function parsed(line: string): Progress {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return { stream: line };
  }
}

function errorIn({ error, errorDetail }: Progress): string | undefined {
  if (typeof error === 'string') return error;
  const detail = typeof errorDetail === 'object' && errorDetail !== null && 'message' in errorDetail ? errorDetail.message : undefined;
  return detail === undefined ? undefined : String(detail);
}

/** Progress bars are passed over: they are thousands of lines. */
function textsIn({ stream, status, id, progress }: Progress): readonly string[] {
  if (typeof stream === 'string') return stream.split('\n').filter((line) => line.trim() !== '');
  if (typeof status !== 'string' || typeof progress === 'string') return [];
  return [typeof id === 'string' ? `${id}: ${status}` : status];
}
