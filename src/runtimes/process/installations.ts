import { constants } from 'node:fs';
import { access, lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { isSystem, type ProgramLink } from './sandbox.ts';

/** Files that a program needs, wherever it is installed; nothing that only lies beside them. */
export interface ProgramFiles {
  readonly reads: readonly string[];
  /** Links that are made as they are: what they lead to decides how a script finds its own files. */
  readonly links: readonly ProgramLink[];
}

/** Of one folder; the command line of the sandbox has no room for any number. */
const MOST_PROGRAMS = 1_000;
const NPM_COMMANDS = ['npm', 'npx', 'corepack'] as const;
/** Below the folder above `bin`. */
const NODE_PARTS = ['lib/node_modules/npm', 'lib/node_modules/corepack', 'include/node', 'share/nodejs', 'libexec/lib/node_modules/npm'];
/** What tells that a folder above `bin` is an installation of one tool and of nothing else: a JDK, Go, Maven, Gradle. */
const INSTALLATIONS: readonly (readonly string[])[] = [
  ['release', 'lib/modules'],
  ['VERSION', 'src/runtime'],
  ['boot', 'conf/settings.xml'],
  ['init.d', 'lib/plugins'],
];

/** What Node needs, with its npm: its own files of the folder that it is installed in, which may be somebody's home. */
export async function nodeFiles(file: string): Promise<ProgramFiles> {
  const places = await namesOf(file);
  const parts = places.flatMap((place) => NODE_PARTS.map((part) => join(dirname(place), '..', part)));
  const libraries = await Promise.all(places.map((place) => sharedLibraries(join(dirname(place), '..', 'lib'))));
  const commands = await Promise.all(places.flatMap((place) => NPM_COMMANDS.map((name) => linkOrFile(join(dirname(place), name)))));
  return {
    reads: [...places, ...parts, ...libraries.flat(), ...commands.flatMap(({ reads }) => reads)],
    links: commands.flatMap(({ links }) => links),
  };
}

/** What another program needs: the tool's whole installation where it is one, else the program's file alone. */
export async function programFiles(file: string): Promise<readonly string[]> {
  if (!isAbsolute(file)) return [];
  const places = await namesOf(file);
  const roots = await Promise.all(places.map((place) => installation(dirname(place))));
  return [...places, ...roots.flat()];
}

/** What a folder of `PATH` has to offer: its programs, not what else lies there. */
export async function pathFiles(folder: string): Promise<readonly string[]> {
  if (isSystem(folder)) return [];
  const whole = await installation(folder);
  if (whole.length > 0) return whole;
  const names = (await readdir(folder).catch(() => [])).slice(0, MOST_PROGRAMS);
  const files = await Promise.all(names.map((name) => executable(join(folder, name))));
  return files.flat();
}

async function installation(bin: string): Promise<readonly string[]> {
  const root = join(bin, '..');
  for (const marks of INSTALLATIONS) if ((await Promise.all(marks.map((mark) => exists(join(root, mark))))).every(Boolean)) return [root];
  return [];
}

/** The name that it was called by, and where it really is. */
const namesOf = async (file: string): Promise<readonly string[]> => [...new Set([file, await realpath(file).catch(() => file)])];

const sharedLibraries = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => /^lib.*\.so(?:\.|$)/.test(name)).map((name) => join(folder, name));

async function linkOrFile(path: string): Promise<ProgramFiles> {
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined) return { reads: [], links: [{ path, target }] };
  return { reads: (await exists(path)) ? [path] : [], links: [] };
}

async function executable(path: string): Promise<readonly string[]> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() === true) {
    const real = await realpath(path).catch(() => path);
    const isFile = (await lstat(real).catch(() => undefined))?.isFile() === true;
    return isFile && (await runs(real)) ? [path] : [];
  }
  return found?.isFile() === true && (await runs(path)) ? [path] : [];
}

const runs = (path: string): Promise<boolean> => allows(path, constants.X_OK);
const exists = (path: string): Promise<boolean> => allows(path, constants.F_OK);
const allows = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );
