/**
 * Joins what was compiled, and the packages that come as JavaScript alone, into dist/bundle/: a start reads some dozen files, not 800.
 * What is loaded on demand stays apart. Nothing is renamed or squeezed, so that stack traces can be read, and source maps lead to src/.
 *
 * Each build has a folder of its own that never changes, and dist/bundle/main.js leads to the one in force. So a command that runs goes on
 * to find the files that it was started from.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const checkout = join(dirname(self), '..');

/** What tells where to go on: of all files in dist/bundle/ these two are written anew, each at once. */
const POINTER = 'main.js';
const NOT_PACKED = '.npmignore';

/** Builds that stay: that in force, and those before it, from which something may run. */
const KEPT = 10;

/** Stay packages: native code beside them, what is loaded in rare cases, and what has to be there once for all who load it. */
const PACKAGES = ['lmdb', '@grpc/grpc-js', '@peculiar/x509', 'reflect-metadata'];

/**
 * Bundles unless the bundle stands for the very files that are there; afterwards it does, also when others bundle at the same time.
 * @param root the checkout
 */
export async function ensureBundle(root = checkout) {
  const bundle = join(root, 'dist', 'bundle');
  mkdirSync(bundle, { recursive: true });
  for (let wanted = stampOf(root); !inForce(bundle, wanted); wanted = stampOf(root)) {
    if (existsSync(join(bundle, wanted)) || (await make(root, bundle, wanted))) putInForce(bundle, wanted);
  }
  touch(join(bundle, POINTER)); // what was compiled later is not bundled, and bin/selvage.js says so
}

const pointer = (build) => `import './${build}/${POINTER}';\n`;

function inForce(bundle, build) {
  const file = join(bundle, POINTER);
  return existsSync(join(bundle, build)) && existsSync(file) && readFileSync(file, 'utf8') === pointer(build);
}

function putInForce(bundle, build) {
  touch(join(bundle, build));
  replace(
    join(bundle, NOT_PACKED),
    clear(bundle, build)
      .map((name) => `${name}\n`)
      .join(''),
  );
  replace(join(bundle, POINTER), pointer(build));
}

/** Makes the folder of a build. @returns false when something was compiled meanwhile, so that nobody knows what would be in there */
async function make(root, bundle, wanted) {
  const { rolldown } = await import('rolldown'); // 0.1 s, and a package that is not there before the first install
  const made = mkdtempSync(join(bundle, '.making-')); // as deep as its place in the end
  try {
    const build = await rolldown({
      input: join(root, 'dist', 'cli', 'main.js'),
      platform: 'node',
      external: PACKAGES,
      plugins: [asCompiled(join(root, 'dist'), made)],
      onLog: refuse,
    });
    try {
      await build.write({ dir: made, sourcemap: true, entryFileNames: POINTER, chunkFileNames: '[name].js' });
    } finally {
      await build.close();
    }
    if (wanted !== stampOf(root)) return false;
    publish(made, join(bundle, wanted));
    return true;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** Gives a folder its name, unless another process gave that to an equal one. */
function publish(made, named) {
  try {
    renameSync(made, named);
  } catch (thrown) {
    if (!existsSync(named)) throw thrown;
  }
}

/** Removes what is older than the builds that stay. @returns the names of what stays beside the build in force */
function clear(bundle, wanted) {
  const others = readdirSync(bundle)
    .filter((name) => name !== wanted && name !== POINTER && name !== NOT_PACKED)
    .map((name) => ({ name, since: statSync(join(bundle, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((one, other) => other.since - one.since);
  for (const { name } of others.splice(KEPT - 1)) rmSync(join(bundle, name), { recursive: true, force: true });
  return others.map(({ name }) => name);
}

/** Readers find the old content or the new. */
function replace(file, content) {
  const written = `${file}.${randomUUID()}`;
  writeFileSync(written, content);
  renameSync(written, file);
}

function touch(path) {
  const now = new Date();
  utimesSync(path, now, now);
}

/** Hands over the compiler's source maps, and lets each module know its place as if it had stayed there. */
const asCompiled = (compiled, folder) => ({
  name: 'as-compiled',
  load(id) {
    if (!id.startsWith(compiled + sep)) return undefined;
    const place = `new URL(${JSON.stringify(relative(folder, id).replaceAll('\\', '/'))}, import.meta.url).href`;
    const code = readFileSync(id, 'utf8').replaceAll('import.meta.url', place);
    return { code, map: readFileSync(`${id}.map`, 'utf8') };
  },
});

/** A warning means that the bundle may do something else than the modules do. */
function refuse(level, log) {
  if (level === 'warn') throw new Error(`bundling: ${log.message}`);
}

/** Names a build by what goes into it. */
function stampOf(root) {
  const hash = createHash('sha256');
  for (const input of [join(root, 'package-lock.json'), self]) hash.update(readFileSync(input));
  for (const file of compiledFiles(root)) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

function compiledFiles(root) {
  const compiled = join(root, 'dist');
  return readdirSync(join(root, 'src'))
    .flatMap((room) => readdirSync(join(compiled, room), { recursive: true, encoding: 'utf8' }).map((file) => join(compiled, room, file)))
    .filter((file) => file.endsWith('.js'))
    .sort();
}
