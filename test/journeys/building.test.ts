/** What `scripts/` makes of a checkout: here of small ones, with the real bundler, compiler's files aside. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..', '..');
const bundler = pathToFileURL(join(repository, 'scripts', 'bundle.mjs')).href;

let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'selvage-checkout-'));
  await write('package.json', '{"type":"module"}');
  await write('package-lock.json', '{}');
  await write('src/cli/main.ts', '');
  await cp(join(repository, 'bin'), join(checkout, 'bin'), { recursive: true });
});
afterEach(() => rm(checkout, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), text);
}

/** A command as the compiler leaves it, which loads `asked.js` when it is told to go on. */
async function compile(text: string): Promise<void> {
  await write(
    'dist/cli/main.js',
    "console.log('started');\nprocess.stdin.once('data', async () => console.log((await import('./asked.js')).text));\n",
  );
  await write('dist/cli/asked.js', `export const text = ${JSON.stringify(text)};\n`);
  for (const name of ['main', 'asked']) await write(`dist/cli/${name}.js.map`, '{"version":3,"sources":[],"names":[],"mappings":""}');
  await write('dist/cli/tsconfig.tsbuildinfo', text);
}

const bundleTimes = (times: number) =>
  run(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { ensureBundle } from ${JSON.stringify(bundler)};
     await Promise.all(Array.from({ length: ${times} }, () => ensureBundle(${JSON.stringify(checkout)})));`,
  ]);

/** Starts the command. @returns what it says when it is told to go on, and on stderr */
async function start() {
  const child = spawn(process.execPath, [join(checkout, 'bin', 'selvage.js')], { stdio: 'pipe' });
  const complaints: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(String(chunk)));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) throw new Error(`it did not start: ${complaints.join('')}`);
  return async () => {
    const closed = once(child, 'close');
    child.stdin.end('go on\n');
    const { value } = await lines.next();
    await closed;
    return { said: value, complaints: complaints.join('') };
  };
}

describe('Bundling', () => {
  it('takes nothing away from a command that runs', async () => {
    await compile('the first');
    await bundleTimes(1);
    const goOn = await start();
    await compile('the second one');
    await bundleTimes(1);
    expect(await goOn()).toEqual({ said: 'the first', complaints: '' });
    expect(await (await start())()).toEqual({ said: 'the second one', complaints: '' });
  });

  it('ends well when several do it at once', async () => {
    await compile('once');
    await Promise.all([bundleTimes(3), bundleTimes(3)]);
    expect(await (await start())()).toEqual({ said: 'once', complaints: '' });
    expect((await readdir(join(checkout, 'dist', 'bundle'))).filter((name) => name.startsWith('.making'))).toEqual([]);
  });

  it('leaves older builds out of the package', async () => {
    await write('package.json', '{"name":"small","version":"1.0.0","type":"module","files":["bin","dist/bundle"]}');
    for (const text of ['earlier', 'and now']) {
      await compile(text);
      await bundleTimes(1);
    }
    expect(await readdir(join(checkout, 'dist', 'bundle'))).toHaveLength(4); // two builds, what leads there, and the list for npm
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: checkout });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const folders = new Set(files.map(({ path }) => dirname(path)).filter((folder) => folder.startsWith('dist/bundle/')));
    expect(folders.size).toBe(1);
  });

  it('keeps the builds that something may run from, and no others', async () => {
    await compile('again');
    await bundleTimes(1);
    const [first = ''] = (await readdir(join(checkout, 'dist', 'bundle'))).filter((name) => /^[0-9a-f]+$/.test(name));
    const long = new Date(Date.now() - 3_600_000);
    await utimes(join(checkout, 'dist', 'bundle', first), long, long);
    for (let older = 0; older < 10; older += 1) await write(`dist/bundle/${older}/main.js`, '');
    await compile('and again');
    await bundleTimes(1);
    const builds = (await readdir(join(checkout, 'dist', 'bundle'))).filter((name) => /^[0-9a-f]+$/.test(name));
    expect(builds).toHaveLength(10);
    expect(builds).not.toContain(first);
  });
});

describe('The command in a checkout', () => {
  it('says when the compiler ran without the bundler', async () => {
    await compile('old');
    await bundleTimes(1);
    const { mtimeMs } = await stat(join(checkout, 'dist', 'bundle', 'main.js'));
    await utimes(join(checkout, 'dist', 'cli', 'tsconfig.tsbuildinfo'), new Date(), new Date(mtimeMs + 1000));
    const { said, complaints } = await (await start())();
    expect(said).toBe('old');
    expect(complaints).toMatch(/^selvage: .*node scripts\/ensure\.mjs.*\n$/);
  });
});

describe('Preparing a checkout', () => {
  it('installs what builds it, also where NODE_ENV says production', async () => {
    await cp(join(repository, 'scripts'), join(checkout, 'scripts'), { recursive: true });
    await write('tool/package.json', '{"name":"tool","version":"1.0.0"}');
    const root = { name: 'small', version: '1.0.0', devDependencies: { tool: 'file:tool' } };
    await write('package.json', JSON.stringify(root));
    const packages = { '': root, 'node_modules/tool': { resolved: 'tool', link: true, dev: true }, tool: { version: '1.0.0', dev: true } };
    await write('package-lock.json', JSON.stringify({ name: 'small', version: '1.0.0', lockfileVersion: 3, packages }));
    const options = { env: { ...process.env, NODE_ENV: 'production', npm_config_audit: 'false', npm_config_fund: 'false' } };
    await run(process.execPath, [join(checkout, 'scripts', 'ensure.mjs')], options).catch(() => undefined); // there is no compiler
    expect(await readdir(join(checkout, 'node_modules'))).toContain('tool');
  });
});
