import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string; readonly gitHead?: string };

/** Selvage's version, from package.json. */
export const { version } = manifest;

/**
 * What this version was built from, as `git rev-parse --short` says it: npm notes it in a published package, and a checkout knows it.
 * Undefined where neither does.
 */
export const commitSha: string | undefined = (manifest.gitHead ?? headOf(ROOT))?.slice(0, 9);

function headOf(root: string): string | undefined {
  try {
    const folder = gitFolderOf(root);
    const head = readFileSync(join(folder, 'HEAD'), 'utf8').trim();
    const reference = /^ref: (.+)$/.exec(head)?.[1];
    return reference === undefined ? head : commitOf(reference, folder);
  } catch {
    return undefined;
  }
}

/** A worktree has a file that names the folder. */
function gitFolderOf(root: string): string {
  const path = join(root, '.git');
  try {
    const named = /^gitdir: (.+)$/m.exec(readFileSync(path, 'utf8'))?.[1];
    return named === undefined ? path : resolve(root, named);
  } catch {
    return path;
  }
}

/** A branch lies in a file of its own or among the packed ones, in a worktree in the folder of the repository. */
function commitOf(reference: string, folder: string): string | undefined {
  for (const place of [folder, join(folder, '../..')]) {
    const own = readIfThere(join(place, reference))?.trim();
    if (own !== undefined) return own;
    const packed = readIfThere(join(place, 'packed-refs'))
      ?.split('\n')
      .find((line) => line.endsWith(` ${reference}`));
    if (packed !== undefined) return packed.split(' ')[0];
  }
  return undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
