import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { findNpm } from '../../packages/platforms/node/npm.ts';
import { GO_SCRIPTS, JAVA_SCRIPTS, NODE_SCRIPTS } from './image-scripts.ts';
import {
  addFolder,
  addLibraries,
  addLink,
  addProgram,
  addText,
  addTree,
  exists,
  findProgram,
  isProgram,
  missing,
  type RootFiles,
  smallSystem,
} from './local-toolchain.ts';

/** What an image is for. Node has one image for both stages, so that native modules fit; so has Java, as with Fabric. */
export type ImagePurpose = 'node' | 'golang-builder' | 'golang-runtime' | 'java';

/** Where the programs of this machine are found. */
export interface LocalPrograms {
  /** The Node that goes into the image. */
  readonly nodePath: string;
  /** `PATH` */
  readonly path: string;
  /** `JAVA_HOME`: this JDK rather than the one on `PATH`. */
  readonly javaHome?: string | undefined;
}

/** The whole file system of an image. @throws {SelvageError} `NOT_FOUND` when this machine lacks a program */
export async function imageContents(purpose: ImagePurpose, programs: LocalPrograms): Promise<RootFiles> {
  const files = await smallSystem(programs.path);
  if (purpose === 'node') await addNode(files, programs);
  if (purpose === 'golang-builder') await addGo(files, programs);
  if (purpose === 'java') await addJava(files, programs);
  for (const [name, text] of scriptsFor(purpose)) addText(files, name, text, 0o755);
  return files;
}

export const scriptsFor = (purpose: ImagePurpose): typeof NODE_SCRIPTS =>
  ({ node: NODE_SCRIPTS, 'golang-builder': GO_SCRIPTS, 'golang-runtime': [], java: JAVA_SCRIPTS })[purpose];

async function addNode(files: RootFiles, { nodePath }: LocalPrograms): Promise<void> {
  await addProgram(files, 'usr/local/bin/node', nodePath);
  const npm = await findNpm(nodePath);
  await addTree(files, 'usr/local/lib/node_modules/npm', dirname(dirname(npm)), (path) => /\/(docs|man)$/.test(path));
  for (const name of ['npm', 'npx']) addLink(files, `usr/local/bin/${name}`, `../lib/node_modules/npm/bin/${name}-cli.js`);
}

async function addGo(files: RootFiles, { path }: LocalPrograms): Promise<void> {
  const go = await findProgram('go', path);
  if (go === undefined) throw missing('go');
  const root = dirname(dirname(go));
  if (!(await exists(join(root, 'src', 'runtime')))) throw missing('standard library of Go beside its go command');
  await addTree(files, 'usr/local/go', root, (name) => /^usr\/local\/go\/(test|doc|api|misc)$/.test(name));
  const gcc = await findProgram('gcc', path);
  if (gcc !== undefined) await addCompiler(files, gcc, path);
}

/** What a static program in C is linked from; names that this C library does not have are passed over. */
const LIBRARY_FILES =
  'crt1.o crti.o crtn.o Scrt1.o rcrt1.o gcrt1.o libc.a libc.so libc_nonshared.a libm.a libm-2.36.a libmvec.a libm.so libpthread.a libdl.a librt.a libutil.a libresolv.a libresolv.so libanl.a libgcc_s.so libgcc_s.so.1 libm.so.6 libmvec.so.1 libc.so.6';
/** Header files of other languages and of whole other programs. */
const OTHER_HEADERS = /^usr\/include\/(c\+\+|node|llvm[^/]*|python[^/]*|X11|GL|unicode|valgrind|tcl[^/]*|boost|qt\d*|php)$/;
/** The compiler's parts for other languages, and libraries for other checks. */
const OTHER_PARTS =
  /\/(cc1plus|cc1obj|lto1|lto-dump|f951|gnat1|d21|go1|plugin|install-tools|lib(asan|tsan|lsan|ubsan|stdc\+\+|gfortran|itm|hwasan)[^/]*)$/;

/** GCC, its assembler and linker and the C library's development files, each where GCC looks for it. */
async function addCompiler(files: RootFiles, gcc: string, path: string): Promise<void> {
  await addProgram(files, 'usr/bin/gcc', gcc);
  addLink(files, 'usr/bin/cc', 'gcc');
  for (const name of ['as', 'ld', 'ar']) {
    const place = await findProgram(name, path);
    if (place === undefined) throw missing(`${name} beside gcc`);
    await addProgram(files, `usr/bin/${name}`, place);
  }
  const parts = dirname(await told(gcc, '-print-prog-name=cc1'));
  const base = dirname(await told(gcc, '-print-libgcc-file-name'));
  for (const folder of new Set([parts, base])) {
    await addTree(files, folder.slice(1), folder, (name) => OTHER_PARTS.test(name));
    for (const name of ['cc1', 'collect2']) if (await exists(join(folder, name))) await addLibraries(files, join(folder, name));
  }
  for (const name of LIBRARY_FILES.split(' ')) {
    const place = normalize(await told(gcc, `-print-file-name=${name}`));
    if (place.startsWith('/')) await addProgram(files, place.slice(1), place);
  }
  await addTree(files, 'usr/include', '/usr/include', (name) => OTHER_HEADERS.test(name));
}

const told = async (program: string, question: string): Promise<string> => (await promisify(execFile)(program, [question])).stdout.trim();

/** Of a JDK: what is for people, and what makes other JDKs. */
const BESIDE_JAVA = /^opt\/java\/(jmods|include|man|demo|docs|legal|sample|src\.zip|lib\/src\.zip)$/;
/** Parts of Java that draw on screens: their libraries would come along. */
const SCREENS = /lib(awt_xawt|jawt|splashscreen|atk-wrapper|jsound)\.so$/;

async function addJava(files: RootFiles, { path, javaHome }: LocalPrograms): Promise<void> {
  const own = javaHome === undefined || javaHome === '' ? undefined : join(javaHome, 'bin', 'javac');
  const javac = own !== undefined && (await isProgram(own)) ? await realpath(own) : await findProgram('javac', path);
  if (javac === undefined) throw missing('javac (a JDK)');
  const root = dirname(dirname(javac));
  await addTree(files, 'opt/java', root, (name) => BESIDE_JAVA.test(name) || SCREENS.test(name));
  for (const place of await binariesOf(root)) await addLibraries(files, place, root);
  addFolder(files, 'root/chaincode-java');
  const tools = await Promise.all(['mvn', 'gradle'].map((name) => findProgram(name, path)));
  for (const tool of tools) if (tool !== undefined) await addTool(files, tool);
  if (tools.every((tool) => tool === undefined)) throw missing('mvn or gradle');
  for (const name of ['expr', 'xargs']) {
    const place = await findProgram(name, path);
    if (place !== undefined) await addProgram(files, `usr/bin/${name}`, place); // their start scripts use it
  }
}

/** Maven or Gradle: a script in `bin`, the rest beside it. */
async function addTool(files: RootFiles, script: string): Promise<void> {
  const name = basename(script);
  const root = dirname(dirname(script));
  if (!(await exists(join(root, 'lib')))) throw missing(`the rest of ${name} beside ${script}`);
  await addTree(files, `opt/${name}`, root, (path) => /\/(man|docs|src|samples)$/.test(path));
  addLink(files, `usr/bin/${name}`, `../../opt/${name}/bin/${name}`);
}

async function binariesOf(root: string): Promise<readonly string[]> {
  const found = ['bin', 'lib', join('lib', 'server')].map(async (folder) =>
    (await readdir(join(root, folder)).catch(() => [])).map((name) => join(root, folder, name)),
  );
  return (await Promise.all(found)).flat().filter((place) => !SCREENS.test(place) && /\/bin\/[^/]+$|\.so$/.test(place));
}
