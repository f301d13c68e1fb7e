import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/**
 * Writes a program that the test runs at once. The system runs none that somebody can write to (ETXTBSY), and what this process wrote
 * is still open to a child that another thread just forked: so somebody else writes it.
 */
export async function writeProgram(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const writing = promisify(execFile)('/bin/sh', ['-c', 'cat > "$0" && chmod 755 "$0"', path]);
  writing.child.stdin?.end(text);
  await writing;
}

/** The same of a file that there is. */
export async function copyProgram(from: string, to: string): Promise<void> {
  await promisify(execFile)('/bin/cp', ['-L', from, to]);
}
