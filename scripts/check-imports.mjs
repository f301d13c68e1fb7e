/**
 * Fails on an import that the layers forbid, on third-party code outside its home, on cycles, those of types and of imports on
 * demand included, and on files that the program never comes to: what only tests use is in test/.
 * The compiler's project references catch most forbidden imports already; this sees single files, packages and cycles.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const layers = JSON.parse(readFileSync(join(root, 'layers.json'), 'utf8'));

/** Third-party package to the one folder that may import it. */
const HOMES = {
  '@grpc/grpc-js': 'src/comm/',
  '@peculiar/x509': 'src/msp/',
  'reflect-metadata': 'src/msp/',
  commander: 'src/cli/',
  lmdb: 'src/ledger/kv/',
  protobufjs: 'src/protos/',
  'tar-stream': 'src/packages/',
  valibot: 'src/node/',
  yaml: 'src/node/',
};

/** Finer than layers: files of the first pattern may import from the second folder only what matches the third. */
const NARROW = [[/^src\/(?!protos\/)/, 'src/protos/gen/', /^$/, 'generated code is reached through src/protos/messages.ts']];

const IMPORT = /^(?:import|export)\b(?:[^;'"]*?\bfrom\s*)?\s*'([^']+)'/gm;
/** What is loaded when a command needs it. */
const LOADED = /\bimport\('([^']+)'\)/g;
const isTest = (file) => /\.(test|contract)\.ts$/.test(file) || file.startsWith('test/');

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .map((file) => `src/${file.replaceAll('\\', '/')}`);
const imports = new Map(sources.map((file) => [file, importsOf(file)]));

function importsOf(file) {
  return specifiersIn(file, IMPORT);
}

function specifiersIn(file, pattern) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(pattern)].map(([, to]) => (to.startsWith('.') ? normalize(join(dirname(file), to)).replaceAll('\\', '/') : to));
}

const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
const layerOf = (file) => file.split('/')[1];

function* problemsOf(file, to) {
  if (isTest(file)) return;
  if (to.startsWith('test/') || (to.startsWith('src/') && isTest(to))) yield 'product code never imports tests';
  if (!to.startsWith('src/')) {
    const home = HOMES[packageOf(to)];
    if (home !== undefined && !file.startsWith(home)) yield `only ${home} may import ${packageOf(to)}`;
    if (home === undefined && !to.startsWith('node:') && !to.startsWith('.') && !/^(\.\.\/|test\/|scripts\/)/.test(to))
      yield `${to} has no home in scripts/check-imports.mjs`;
    return;
  }
  const from = layerOf(file);
  const allowed = layers[from];
  if (allowed === undefined) yield `${from} is not in layers.json`;
  else if (layerOf(to) !== from && !allowed.some((room) => to.startsWith(`src/${room}/`))) yield `${from} may not import ${to}`;
  for (const [who, folder, only, why] of NARROW) {
    if (who.test(file) && to.startsWith(folder) && !only.test(to)) yield why;
  }
}

/** What a file imports, at once or on demand. */
const comesTo = (file) => [...(imports.get(file) ?? []), ...specifiersIn(file, LOADED)];

/** Cycles as lists of files; each is reported once. */
function cycles() {
  const found = [];
  const state = new Map();
  const path = [];
  const visit = (file) => {
    state.set(file, 'open');
    path.push(file);
    for (const to of comesTo(file)) {
      if (!imports.has(to) || to.startsWith('src/protos/gen/')) continue;
      if (state.get(to) === 'open') found.push([...path.slice(path.indexOf(to)), to]);
      else if (!state.has(to)) visit(to);
    }
    path.pop();
    state.set(file, 'done');
  };
  for (const file of sources) if (!state.has(file) && !file.startsWith('src/protos/gen/')) visit(file);
  return found;
}

/** Where execution comes in: the command, and the ledger as another thread or process opens it. */
const ENTRIES = ['src/cli/main.ts', 'src/ledger/view/open-view.ts'];

/** Files that neither an entry nor what it loads comes to. */
function unreached() {
  const reached = new Set();
  const reach = (file) => {
    if (reached.has(file) || !imports.has(file)) return;
    reached.add(file);
    for (const to of comesTo(file)) reach(to);
  };
  for (const entry of ENTRIES) reach(entry);
  return sources.filter((file) => !reached.has(file) && !isTest(file) && !file.startsWith('src/protos/gen/'));
}

/** Every problem as one line. */
export function checkImports() {
  const problems = [...imports].flatMap(([file, list]) =>
    list.flatMap((to) => [...problemsOf(file, to)].map((why) => `${file}: ${to}: ${why}`)),
  );
  return [
    ...problems,
    ...cycles().map((cycle) => `cycle: ${cycle.join(' → ')}`),
    ...unreached().map((file) => `${file}: nothing of the program uses it`),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkImports();
  for (const problem of problems) console.error(problem);
  console.log(`imports: ${sources.length} files, ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
