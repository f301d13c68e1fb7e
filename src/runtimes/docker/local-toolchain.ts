import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { access, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { SelvageError } from '../../common/errors.ts';
import type { TarEntry } from '../../packages/archive/tar-writer.ts';

const run = promisify(execFile);

/** What a shell script, npm and their children expect to find. */
const PROGRAMS =
  'sh cp mv rm mkdir rmdir ls cat ln chmod chown touch env uname pwd dirname basename sed grep head tail tr cut sort wc date id true false sleep find tar gzip';
const OPTIONAL = new Set(['tar', 'gzip', 'find', 'id', 'chown']);
const TRUST = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'] as const;

/** A root file system in the making: path without leading `/` to its entry. */
export type RootFiles = Map<string, TarEntry>;

/** A small Linux of this machine's own shell, tools and libraries. @throws {SelvageError} `NOT_FOUND` when this machine has no such */
export async function smallSystem(path: string): Promise<RootFiles> {
  if (process.platform !== 'linux') {
    throw new SelvageError('NOT_FOUND', 'images can be made of the programs of this machine on Linux only', {
      advice: 'Use --from IMAGE with a Linux image that has the language and a shell, for example node:20-slim.',
    });
  }
  const files: RootFiles = new Map();
  const found = await Promise.all(PROGRAMS.split(' ').map(async (name) => ({ name, place: await findProgram(name, path) })));
  for (const { name, place } of found) {
    if (place !== undefined) await addProgram(files, `${name === 'env' ? 'usr/bin' : 'bin'}/${name}`, place);
    else if (!OPTIONAL.has(name)) throw missing(name);
  }
  for (const place of TRUST) if (await exists(place)) await addFile(files, 'etc/ssl/certs/ca-certificates.crt', place);
  addText(files, 'etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
  addText(files, 'etc/group', 'root:x:0:\nnogroup:x:65534:\n');
  addText(files, 'etc/nsswitch.conf', 'hosts: files dns\n');
  for (const name of ['root', 'var', 'var/tmp', 'usr/local/src', 'chaincode', 'chaincode/input', 'chaincode/output'])
    addFolder(files, name);
  addFolder(files, 'tmp', 0o1777);
  return files;
}

/** A program with the libraries it loads. */
export async function addProgram(files: RootFiles, name: string, place: string): Promise<void> {
  await addFile(files, name, place, 0o755);
  await addLibraries(files, place);
}

/** The libraries that a program or library loads, except those from `inside`. */
export async function addLibraries(files: RootFiles, place: string, inside?: string): Promise<void> {
  for (const library of await librariesOf(place)) {
    if (files.has(library.slice(1)) || (inside !== undefined && isWithin(library, inside))) continue;
    await addFile(files, library.slice(1), library, 0o755);
  }
}

/** A folder of this machine, whole. Links inside stay links; what a link leads to outside is taken in its place. */
export async function addTree(
  files: RootFiles,
  name: string,
  folder: string,
  skip: (path: string) => boolean = () => false,
  root: string = folder,
): Promise<void> {
  addFolder(files, name);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const from = join(folder, entry.name);
    const to = `${name}/${entry.name}`;
    if (skip(to)) continue;
    if (entry.isSymbolicLink()) await addTarget(files, to, from, skip, root);
    else if (entry.isDirectory()) await addTree(files, to, from, skip, root);
    else if (entry.isFile()) await addFile(files, to, from);
  }
}

async function addTarget(files: RootFiles, name: string, link: string, skip: (path: string) => boolean, root: string): Promise<void> {
  const target = await realpath(link).catch(() => undefined);
  if (target === undefined) return; // it leads nowhere
  if (isWithin(target, await realpath(root))) files.set(name, { name, linkTo: await readlink(link) });
  else if ((await stat(target)).isDirectory()) await addTree(files, name, target, skip);
  else await addFile(files, name, target);
}

const isWithin = (path: string, folder: string): boolean => !relative(folder, path).startsWith('..');

export function addText(files: RootFiles, name: string, text: string, mode = 0o644): void {
  addFolder(files, dirname(name));
  files.set(name, { name, mode, content: Buffer.from(text) });
}

export function addLink(files: RootFiles, name: string, linkTo: string): void {
  addFolder(files, dirname(name));
  files.set(name, { name, linkTo });
}

export function addFolder(files: RootFiles, name: string, mode = 0o755): void {
  if (name === '.' || files.has(name)) return;
  addFolder(files, dirname(name));
  files.set(name, { name: `${name}/`, mode, folder: true });
}

async function addFile(files: RootFiles, name: string, place: string, mode?: number): Promise<void> {
  const { size, mode: own } = await stat(place);
  addFolder(files, dirname(name));
  files.set(name, { name, mode: mode ?? own & 0o777, size, open: () => createReadStream(place) });
}

/** By `ldd`, which exists wherever programs are linked dynamically; a static program or a script has none. */
async function librariesOf(program: string): Promise<readonly string[]> {
  if (!(await isElf(program))) return [];
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  return stdout.split('\n').flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

async function isElf(path: string): Promise<boolean> {
  const content = createReadStream(path, { end: 3 });
  for await (const chunk of content) return Buffer.isBuffer(chunk) && chunk.toString('latin1') === '\x7fELF';
  return false;
}

/** The real file behind a program on the search path. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of [...path.split(delimiter), '/usr/local/bin', '/usr/bin', '/bin', '/usr/local/go/bin']) {
    const place = join(folder, name);
    if (folder !== '' && (await isProgram(place))) return realpath(place);
  }
  return undefined;
}

export const isProgram = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile() && (found.mode & 0o111) !== 0,
    () => false,
  );

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

export const missing = (program: string): SelvageError =>
  new SelvageError('NOT_FOUND', `this machine has no ${program}, which the image needs`, {
    advice: `Install ${program}, or use --from IMAGE with a local image that has the language and a shell.`,
  });
