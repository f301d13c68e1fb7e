import type { Readable } from 'node:stream';
import { LineSplitter } from '../../common/line-splitter.ts';
import { refused } from './engine-failure.ts';

/** In characters; the engine puts so much of a build's output into one document at most, and far less usually. */
const MAX_DOCUMENT = 1024 * 1024;

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
  let failure: string | undefined;
  const documents = new LineSplitter(
    (line) => {
      if (line.trim() === '') return;
      const progress = parsed(line);
      failure ??= errorIn(progress);
      for (const text of textsIn(progress)) onLine(text);
    },
    { maxLine: MAX_DOCUMENT },
  );
  for await (const chunk of answer) documents.push(chunk);
  documents.end();
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
