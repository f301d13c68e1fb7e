/** Looking for chaincode below a folder that is none itself, like one with a sample in several languages. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Files by which chaincode is told from other programs: they name a shim. */
const SHIMS: readonly (readonly [file: string, shim: RegExp])[] = [
  ['package.json', /"fabric-(shim|contract-api)"/],
  ['go.mod', /fabric-(chaincode-go|contract-api-go)\b/],
  ['pom.xml', /fabric-chaincode-shim/],
  ['build.gradle', /fabric-chaincode-shim/],
  ['build.gradle.kts', /fabric-chaincode-shim/],
];

const DEPTH = 3;
/** So many are worth reading. */
const MOST = 40;

/** One line for each, relative to where the command was started; undefined when there is none. */
export function listed(folder: string, cwd: string): string | undefined {
  const found = [...chaincodesBelow(folder, DEPTH)];
  if (found.length === 0) return undefined;
  const lines = found.slice(0, MOST).map((path) => `  ${relative(cwd, path) || '.'}`);
  return [...lines, ...(found.length > MOST ? [`  and ${found.length - MOST} more`] : [])].join('\n');
}

function* chaincodesBelow(folder: string, depth: number): Generator<string> {
  for (const name of foldersIn(folder)) {
    const path = join(folder, name);
    if (usesShim(path)) yield path;
    else if (depth > 1) yield* chaincodesBelow(path, depth - 1);
  }
}

const usesShim = (folder: string): boolean =>
  SHIMS.some(([file, shim]) => isFile(join(folder, file)) && shim.test(readFileSync(join(folder, file), 'utf8')));

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** In the order of their names, without those that hold no sources; none of a folder that cannot be read. */
function foldersIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}
