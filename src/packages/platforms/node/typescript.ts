/** Chaincode whose JavaScript is made from other sources by its `build` script, as with TypeScript. */
import { posix } from 'node:path';
import type { PackageFiles } from '../package-files.ts';
import type { NodeManifest } from './node-manifest.ts';

const CONFIG = 'tsconfig.json';

/** What a package that is compiled says about where its JavaScript goes. */
export interface Compilation {
  /** The folder that `tsconfig.json` names, relative to the package; undefined when JavaScript goes beside the sources. */
  readonly output: string | undefined;
}

/** Undefined for a package without `tsconfig.json` and `build` script, and where the compiler only looks at JavaScript. */
export async function compilationIn(files: PackageFiles, { scripts }: NodeManifest): Promise<Compilation | undefined> {
  if (scripts['build'] === undefined) return undefined;
  const options = await compilerOptions(files, CONFIG);
  if (options === undefined || options['noEmit'] === true || options['emitDeclarationOnly'] === true) return undefined;
  return { output: folderOf(options['outDir']) };
}

/**
 * Whether the sources must be compiled before they can run: the package does not bring its JavaScript along. Packages that do run as
 * they are, as on a Go peer, which compiles nothing.
 * @see build.sh of the image fabric-nodeenv in hyperledger/fabric-chaincode-node
 */
export async function mustBeCompiled(files: PackageFiles, manifest: NodeManifest): Promise<boolean> {
  const compilation = await compilationIn(files, manifest);
  if (compilation === undefined) return false;
  if (compilation.output !== undefined) return !(await files.has(compilation.output));
  for (const program of programsOf(manifest)) if (await files.has(program)) return false;
  return true;
}

/**
 * Whether a file, or a folder, is what the compiler made of sources beside it, by its path relative to the package. With it left out,
 * the package has nothing older than its sources.
 */
export function isCompiled(path: string, { output }: Compilation, exists: (path: string) => boolean): boolean {
  if (output !== undefined) return path === output || path.startsWith(`${output}/`);
  const [, source, kind] = /^(.*)\.(d\.[cm]?ts|[cm]?js)(?:\.map)?$/.exec(path) ?? [];
  if (source === undefined || kind === undefined) return false;
  const flavour = /[cm](?=[jt]s$)/.exec(kind)?.[0] ?? '';
  return exists(`${source}.${flavour}ts`) || (flavour === '' && exists(`${source}.tsx`));
}

/** Of the compiler: something is declared and never used. What is made of it runs all the same, and Fabric's samples have such code. */
const UNUSED = /\berror TS(?:6133|6138|6192|6196|6198|6199|6205)\b/;
const DIAGNOSTIC = /\berror TS\d+\b/;

/** Whether a failed build has nothing to say but that something is never used, and left its JavaScript. */
export async function isOnlyUnused(output: readonly string[], files: PackageFiles, manifest: NodeManifest): Promise<boolean> {
  const diagnostics = output.filter((line) => DIAGNOSTIC.test(line));
  if (diagnostics.length === 0 || !diagnostics.every((line) => UNUSED.test(line))) return false;
  return !(await mustBeCompiled(files, manifest));
}

/** What may be started: `main`, and the JavaScript files that the start script names. */
function programsOf({ main, scripts }: NodeManifest): readonly string[] {
  const named = [...(scripts['start'] ?? '').matchAll(/(?:^|\s)(?:\.\/)?([\w./-]+\.[cm]?js)(?=\s|$)/g)].map(([, file = '']) => file);
  const entry = posix.normalize(main === '' ? 'index.js' : main);
  return [...named, entry, `${entry}.js`, posix.join(entry, 'index.js')].filter((path) => path !== '.');
}

/** Inside the package, or undefined. */
function folderOf(outDir: unknown): string | undefined {
  if (typeof outDir !== 'string') return undefined;
  const folder = posix.normalize(outDir.replaceAll('\\', '/')).replace(/\/$/, '');
  return folder === '.' || folder === '..' || folder.startsWith('../') || folder.startsWith('/') ? undefined : folder;
}

type Fields = Readonly<Record<string, unknown>>;

/** Deeper than anybody inherits settings. */
const MAX_DEPTH = 8;

/** With what is inherited from files of the package; what packages of npm set is of no interest here. Undefined without the file. */
async function compilerOptions(files: PackageFiles, path: string, depth = 0): Promise<Fields | undefined> {
  const text = depth > MAX_DEPTH ? undefined : await files.read(path);
  const config = text === undefined ? undefined : parsed(text);
  if (config === undefined) return undefined;
  const base = posix.dirname(path);
  let options: Fields = {};
  for (const parent of [config['extends']].flat()) {
    if (typeof parent !== 'string' || !/^\.{1,2}\//.test(parent)) continue;
    const file = posix.join(base, parent.endsWith('.json') ? parent : `${parent}.json`);
    options = { ...options, ...(await compilerOptions(files, file, depth + 1)) };
  }
  const own = config['compilerOptions'];
  if (typeof own !== 'object' || own === null) return options;
  const { outDir, ...others }: Fields = { ...own };
  return { ...options, ...others, ...(typeof outDir === 'string' && { outDir: posix.join(base, outDir.replaceAll('\\', '/')) }) };
}

/** JSON with comments and commas at the end of lists, as the compiler reads it. Undefined for what is not even that: it will say so. */
function parsed(text: string): Fields | undefined {
  const plain = text
    .replace(/^\uFEFF/, '')
    .replaceAll(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_whole, literal: string | undefined) => literal ?? ' ')
    .replaceAll(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_whole, literal: string | undefined) => literal ?? '');
  try {
    const value: unknown = JSON.parse(plain);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
