/** Builds in the sandbox: real tools, with their caches and settings, and nothing else of the user's home. */
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packFolder } from '../../packages/archive/pack.ts';
import type { BuildSpec } from '../../packages/launch-spec.ts';
import { allPlatforms } from '../../packages/platforms/platforms.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import { findIsolation } from './isolation.ts';
import { ProcessRuntime } from './process-runtime.ts';

const never = new AbortController().signal;
const { active } = await findIsolation({ host: process.env, limits: {}, sandbox: 'auto' });
const sandbox = active['sandbox']?.startsWith('bwrap') === true;
const go = await findTool('go', process.env, ['/usr/local/go/bin']);
const here = (is: boolean, otherwise: string): string => (is ? '' : ` (skipped: ${otherwise})`);

let directory: string;
let home: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-sandboxed-'));
  home = join(directory, 'home');
  await mkdir(home);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function build(platform: string, files: Readonly<Record<string, string>>, sandboxBuilds = true): Promise<readonly string[]> {
  const sources = await mkdtemp(join(directory, 'sources-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(sources, path)), { recursive: true });
    await writeFile(join(sources, path), content);
  }
  const host = { PATH: `${process.env['PATH']}:/usr/local/go/bin`, HOME: home, GOFLAGS: '-mod=mod' };
  await using runtime = new ProcessRuntime({
    directory: join(directory, 'runtime'),
    platforms: allPlatforms({ host }),
    host,
    sandbox: 'required',
    sandboxBuilds,
  });
  const lines: string[] = [];
  const codePackage = await packFolder(sources, { skip: () => false });
  const output: BuildSpec['output'] = ({ stream, text }) => void lines.push(`${stream} ${text}`);
  await runtime.build({ ccid: 'cc:1', name: 'cc', version: '1', platform, codePackage, path: 'cc', output }, { signal: never });
  return lines;
}

const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

describe.skipIf(!sandbox)(`a build in the sandbox${here(sandbox, active['sandbox'] ?? '')}`, () => {
  it('sees the settings of its tools and not the rest of the home, and writes only where it should', async () => {
    await writeFile(join(home, '.npmrc'), 'init-author-name=someone\n');
    await writeFile(join(home, 'secret'), 'of the peer');
    const install = `
      const fs = require('fs');
      const seen = [process.env.HOME + '/secret', process.env.HOME + '/.npmrc', '/etc/shadow', '/root'].map((path) => { try { return fs.statSync(path).isFile() ? fs.readFileSync(path, 'utf8') : fs.readdirSync(path).length; } catch (e) { return e.code; } });
      const wrote = [process.env.HOME + '/escaped', process.env.HOME + '/.npmrc', '/usr/escaped'].map((path) => { try { fs.writeFileSync(path, 'x'); return 'written'; } catch (e) { return e.code; } });
      fs.writeFileSync(process.env.HOME + '/.npm/kept', 'in the cache');
      fs.writeFileSync('result.json', JSON.stringify({ seen, wrote }));
      console.log(JSON.stringify({ seen, wrote }));`;
    const scripts = { start: 'node index.js', install: 'node install.js' };
    const lines = await build('node', {
      'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts }),
      'install.js': install,
      'index.js': '',
    });
    const printed = lines.find((line) => line.startsWith('build {')) ?? '{}';
    const { seen, wrote } = JSON.parse(printed.slice('build '.length));
    expect(seen[0]).toBe('ENOENT');
    expect(seen[1]).toBe('init-author-name=someone\n');
    expect(seen.slice(2)).not.toContain('of the peer');
    expect(wrote.slice(1)).toEqual(['EROFS', 'EROFS']);
    expect(await there(join(home, 'escaped'))).toBe(false);
    expect(await readFile(join(home, '.npmrc'), 'utf8')).toBe('init-author-name=someone\n');
    expect(await readFile(join(home, '.npm', 'kept'), 'utf8')).toBe('in the cache');
    expect(lines[0]).toBe('peer build started: installing the dependencies');
    expect(lines.at(-1)).toMatch(/^peer build finished after \d+\.\d s$/);
  });

  it('can be left out of it', async () => {
    const scripts = { start: 'node index.js', install: 'touch "$HOME/escaped"' };
    await build('node', { 'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts }), 'index.js': '' }, false);
    expect(await there(join(home, 'escaped'))).toBe(true);
  });

  it.skipIf(go === undefined)(`fills the caches of Go${here(go !== undefined, 'there is no Go')}`, async () => {
    await build('golang', { 'go.mod': 'module cc\n\ngo 1.20\n', 'main.go': 'package main\n\nfunc main() { println("hello") }\n' });
    expect(await there(join(home, '.cache', 'go-build', 'trim.txt'))).toBe(true);
    expect(await there(join(home, 'go', 'pkg', 'mod'))).toBe(true);
  });
});
