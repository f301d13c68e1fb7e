/**
 * Joins what was compiled, and the packages that come as JavaScript alone, into dist/bundle/: a start reads some dozen files, not 800.
 * What is loaded on demand stays apart. Nothing is renamed or squeezed, so that stack traces can be read, and source maps lead to src/.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const compiled = join(root, 'dist');
const bundle = join(compiled, 'bundle');
const STAMP = '.bundled';

/** Stay packages: native code beside them, what is loaded in rare cases, and what has to be there once for all who load it. */
const PACKAGES = ['lmdb', '@grpc/grpc-js', '@peculiar/x509', 'reflect-metadata'];

/** Bundles unless the bundle stands for the very files that are there. */
export async function ensureBundle() {
  const wanted = stampOf(compiledFiles());
  const stamp = join(bundle, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { rolldown } = await import('rolldown'); // 0.1 s, and a package that is not there before the first install
  const made = `${bundle}.${process.pid}`;
  const build = await rolldown({
    input: join(compiled, 'cli', 'main.js'),
    platform: 'node',
    external: PACKAGES,
    plugins: [asCompiled],
    onLog: refuse,
  });
  try {
    await build.write({ dir: made, sourcemap: true, entryFileNames: 'main.js', chunkFileNames: '[name].js' });
  } finally {
    await build.close();
  }
  writeFileSync(join(made, STAMP), wanted);
  rmSync(bundle, { recursive: true, force: true });
  renameSync(made, bundle);
}

/** Hands over the compiler's source maps, and lets each module know its place as if it had stayed there. */
const asCompiled = {
  name: 'as-compiled',
  load(id) {
    if (!id.startsWith(compiled + sep)) return undefined;
    const place = `new URL(${JSON.stringify(relative(bundle, id).replaceAll('\\', '/'))}, import.meta.url).href`;
    const code = readFileSync(id, 'utf8').replaceAll('import.meta.url', place);
    return { code, map: readFileSync(`${id}.map`, 'utf8') };
  },
};

/** A warning means that the bundle may do something else than the modules do. */
function refuse(level, log) {
  if (level === 'warn') throw new Error(`bundling: ${log.message}`);
}

function compiledFiles() {
  const rooms = readdirSync(join(root, 'src'));
  return rooms
    .flatMap((room) => readdirSync(join(compiled, room), { recursive: true, encoding: 'utf8' }).map((file) => join(compiled, room, file)))
    .filter((file) => file.endsWith('.js'))
    .sort();
}

function stampOf(files) {
  const hash = createHash('sha256');
  for (const input of ['package-lock.json', 'scripts/bundle.mjs']) hash.update(readFileSync(join(root, input)));
  for (const file of files) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}
