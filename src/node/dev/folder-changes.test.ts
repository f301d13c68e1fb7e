import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileChanges, folderChanges } from './folder-changes.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-watch-'));
  await mkdir(join(folder, 'lib'));
  await mkdir(join(folder, 'node_modules', 'dep'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The changes, already being watched: the first `next` has begun. */
function watched(signal: AbortSignal) {
  const changes = folderChanges(folder, { signal, quietMs: 20 });
  return { changes, first: changes.next() };
}

const told = { done: false, value: undefined };

describe('a watched folder', () => {
  const over = () => new AbortController();

  it('tells of a change, also below and in folders that are new', async () => {
    const { changes, first } = watched(over().signal);
    await writeFile(join(folder, 'index.js'), '1');
    expect(await first).toEqual(told);
    for (const path of ['lib/a.js', 'new/b.js', 'new/deep/c.js']) {
      const next = changes.next();
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), '1');
      expect(await next).toEqual(told);
    }
    await changes.return(undefined);
  });

  it('tells of a change that came while nobody listened', async () => {
    const { changes, first } = watched(over().signal);
    await writeFile(join(folder, 'a'), '1');
    await first;
    await writeFile(join(folder, 'b'), '1');
    expect(await changes.next()).toEqual(told);
    await changes.return(undefined);
  });

  it('goes on when a folder is replaced', async () => {
    const { changes, first } = watched(over().signal);
    await rm(join(folder, 'lib'), { recursive: true });
    await mkdir(join(folder, 'lib'));
    expect(await first).toEqual(told);
    const next = changes.next();
    await writeFile(join(folder, 'lib', 'a'), '1');
    expect(await next).toEqual(told);
    await changes.return(undefined);
  });

  it.each([
    ['itself', () => folder],
    ['with the folder above it', () => join(folder, '..')],
  ])('goes on when it was moved away %s and back', async (_, moved) => {
    folder = join(folder, 'above', 'chaincode');
    await mkdir(join(folder, 'lib'), { recursive: true });
    const { changes, first } = watched(over().signal);
    const [from, aside] = [moved(), join(folder, '..', '..', 'aside')];
    await writeFile(join(folder, 'a'), '1');
    expect(await first).toEqual(told);
    const left = changes.next();
    await rename(from, aside);
    await writeFile(join(aside, 'seen from outside'), ''); // a folder above tells nobody below that it moves
    if (from === folder) expect(await left).toEqual(told);
    const back = from === folder ? changes.next() : left;
    await rename(aside, from);
    await writeFile(join(folder, 'a'), '2');
    expect(await back).toEqual(told);
    const next = changes.next();
    await writeFile(join(folder, 'lib', 'b'), '1');
    expect(await next).toEqual(told);
    await changes.return(undefined);
  });

  it('goes on when it and all above it were removed and made anew', async () => {
    const root = folder;
    folder = join(folder, 'above', 'chaincode');
    await mkdir(folder, { recursive: true });
    const { changes, first } = watched(over().signal);
    await rm(join(root, 'above'), { recursive: true });
    expect(await first).toEqual(told);
    const back = changes.next();
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'a'), '1');
    expect(await back).toEqual(told);
    await changes.return(undefined);
  });

  it('ends with the signal, whatever happened among the dependencies', async () => {
    const leaving = over();
    const { first } = watched(leaving.signal);
    await writeFile(join(folder, 'node_modules', 'dep', 'index.js'), '1');
    await mkdir(join(folder, '.git'));
    await rm(join(folder, 'node_modules'), { recursive: true });
    leaving.abort();
    expect(await first).toEqual({ done: true, value: undefined });
  });

  it('says nothing after the signal', async () => {
    expect(await watched(AbortSignal.abort()).first).toEqual({ done: true, value: undefined });
  });
});

describe('a watched file', () => {
  let file: string;
  beforeEach(async () => {
    file = join(folder, 'package.tar.gz');
    await writeFile(file, '1');
  });

  it.each([
    ['written to', () => writeFile(file, '2')],
    ['replaced', () => writeFile(`${file}.new`, '2').then(() => rename(`${file}.new`, file))],
    ['removed and made anew', () => rm(file).then(() => writeFile(file, '2'))],
  ])('tells when it is %s', async (_, change) => {
    const changes = fileChanges(file, { signal: new AbortController().signal, quietMs: 1 });
    const first = changes.next();
    await change();
    expect(await first).toEqual(told);
    await changes.return(undefined);
  });

  it('says nothing of what changes beside it', async () => {
    const leaving = new AbortController();
    const changes = fileChanges(file, { signal: leaving.signal, quietMs: 1 });
    const own = changes.next().then(() => 'own');
    const others = watched(new AbortController().signal);
    await writeFile(join(folder, 'other'), '1');
    expect(await Promise.race([own, others.first.then(() => 'other')])).toBe('other');
    leaving.abort();
    await own;
    await others.changes.return(undefined);
  });
});
