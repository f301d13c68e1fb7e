import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { originalStack } from '../../src/cli/original-stack.ts';
import { version } from '../../src/node/version.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..', '..');
const bundle = join(repository, 'dist', 'bundle');

/** The folder of the build that `bin/selvage.js` runs. */
async function buildInForce(): Promise<string> {
  const build = /[0-9a-f]{16}/.exec(await readFile(join(bundle, 'main.js'), 'utf8'))?.[0];
  return join(bundle, build ?? '(none)');
}

/** Where a text stands in the bundle, as a stack names it. */
async function placeOf(text: string): Promise<string> {
  const build = await buildInForce();
  for (const name of (await readdir(build)).filter((file) => file.endsWith('.js'))) {
    const lines = (await readFile(join(build, name), 'utf8')).split('\n');
    const line = lines.findIndex((each) => each.includes(text));
    if (line >= 0) return `${pathToFileURL(join(build, name)).href}:${line + 1}:${(lines[line]?.indexOf(text) ?? 0) + 1}`;
  }
  throw new Error(`nothing in the bundle has ${text}`);
}

/** The same in a source, counted from 1. */
async function lineIn(source: string, text: string): Promise<number> {
  return (await readFile(join(repository, source), 'utf8')).split('\n').findIndex((line) => line.includes(text)) + 1;
}

describe('The bundled command', () => {
  it('has stacks that lead to the sources', async () => {
    const text = 'nobody reads the output'; // src/cli/main.ts
    const stack = `Error: gone\n    at WriteStream.<anonymous> (${await placeOf(text)})\n    at node:events:1:1\n    at ${await placeOf('JSON.parse(readFileSync(join(ROOT')}`;
    const [, first, second, third] = originalStack(stack).split('\n');
    expect(first).toMatch(
      new RegExp(`^    at WriteStream\\.<anonymous> \\(src/cli/main\\.ts:${await lineIn('src/cli/main.ts', text)}:\\d+\\)$`),
    );
    expect(second).toBe('    at node:events:1:1');
    const line = await lineIn('src/node/version.ts', 'JSON.parse(readFileSync(join(ROOT');
    expect(third).toMatch(new RegExp(`^    at src/node/version\\.ts:${line}:\\d+$`));
  });

  it('leaves places alone of which it knows no more', () => {
    const stack = 'Error: x\n    at f (file:///nowhere/at/all.js:1:2)';
    expect(originalStack(stack)).toBe(stack);
  });

  it('works from the package that npm makes, which has no sources', async () => {
    const scope = await mkdtemp(join(tmpdir(), 'selvage-packed-'));
    try {
      await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', scope], { cwd: repository });
      await run('tar', ['-xzf', `selvage-${version}.tgz`], { cwd: scope });
      const unpacked = join(scope, 'package');
      expect((await readdir(unpacked)).sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'package.json']);
      expect((await readdir(join(unpacked, 'dist', 'bundle'))).sort()).toEqual([basename(await buildInForce()), 'main.js']);
      await symlink(join(repository, 'node_modules'), join(unpacked, 'node_modules'));
      const selvage = (...args: string[]) => run(process.execPath, [join(unpacked, 'bin', 'selvage.js'), ...args], { cwd: scope });
      expect((await selvage('--version')).stdout.trim()).toBe(version);
      const sample = join(repository, 'chaincodes', 'asset-node');
      await selvage('lifecycle', 'chaincode', 'package', 'out.tar.gz', '--path', sample, '--lang', 'node', '--label', 'asset');
      expect((await run('tar', ['-tzf', 'out.tar.gz'], { cwd: scope })).stdout).toContain('code.tar.gz');
    } finally {
      await rm(scope, { recursive: true, force: true });
    }
  });
});
