/** Builds in the sandbox: real tools, with their caches and settings, and nothing else of the user's home. */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packFolder } from '../../packages/archive/pack.ts';
import type { BuildSpec } from '../../packages/launch-spec.ts';
import { allPlatforms } from '../../packages/platforms/platforms.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import { buildReach } from './build-reach.ts';
import { findIsolation } from './isolation.ts';
import { forgetWrites } from './private-caches.ts';
import { ProcessRuntime, type ProcessRuntimeParts } from './process-runtime.ts';

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

type Settings = Partial<Pick<ProcessRuntimeParts, 'sandboxBuilds' | 'shareBuildCaches' | 'hidden'>>;

async function build(platform: string, files: Readonly<Record<string, string>>, settings: Settings = {}): Promise<readonly string[]> {
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
    ...settings,
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
    expect(await there(join(home, '.npm', 'kept'))).toBe(false);
    expect(lines[0]).toBe('peer build started: installing the dependencies');
    expect(lines.at(-1)).toMatch(/^peer build finished after \d+\.\d s$/);
  });

  it('can be left out of it', async () => {
    const scripts = { start: 'node index.js', install: 'touch "$HOME/escaped"' };
    const files = { 'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts }), 'index.js': '' };
    await build('node', files, { sandboxBuilds: false });
    expect(await there(join(home, 'escaped'))).toBe(true);
  });

  it('reads the caches of its tools, and what it writes there goes with it', async () => {
    await mkdir(join(home, '.npm', '_cacache'), { recursive: true });
    await writeFile(join(home, '.npm', '_cacache', 'trusted'), 'as it was');
    const install =
      'cat "$HOME/.npm/_cacache/trusted"; echo poisoned > "$HOME/.npm/_cacache/trusted"; cat "$HOME/.npm/_cacache/trusted"; rm -r "$HOME/.npm/_cacache"; test ! -e "$HOME/.npm/_cacache" && echo removed';
    const files = {
      'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js', install } }),
      'index.js': '',
    };
    const lines = (await build('node', files)).join('\n');
    expect(lines).toMatch(/as it was.*poisoned.*removed/s);
    expect(await readFile(join(home, '.npm', '_cacache', 'trusted'), 'utf8')).toBe('as it was');
    expect(await readdir(join(directory, 'runtime', 'unfinished'))).toEqual([]);
  });

  it('may be let to fill them', async () => {
    const install = 'mkdir -p "$HOME/.npm"; echo new > "$HOME/.npm/added"';
    const files = {
      'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js', install } }),
      'index.js': '',
    };
    await build('node', files, { shareBuildCaches: true });
    expect(await there(join(home, '.npm', 'added'))).toBe(true);
  });

  it.each([
    ['golang', ['go/pkg/mod', '.cache/go-build']],
    ['java', ['.m2/repository', '.gradle']],
  ])('of %s writes to none of its caches either', async (platform, caches) => {
    const env = { HOME: home, PATH: '/usr/bin:/bin', MAVEN_OPTS: `-Duser.home=${home}`, GRADLE_USER_HOME: join(home, '.gradle') };
    const folder = join(directory, 'build');
    await mkdir(folder);
    for (const cache of caches) {
      await mkdir(join(home, cache), { recursive: true });
      await writeFile(join(home, cache, 'trusted'), 'as it was');
    }
    const isolation = await findIsolation({ host: process.env, limits: {}, sandbox: 'required', buildFolder: folder });
    const script = caches.map(
      (cache) => `cat ${home}/${cache}/trusted && echo poisoned > ${home}/${cache}/trusted && touch ${home}/${cache}/new`,
    );
    const command = { file: '/bin/sh', args: ['-c', script.join(' && ')], env: {} };
    const { file, args } = await isolation.confine(command, await buildReach(command, { platform, env, folder }));
    expect((await promisify(execFile)(file, args, { env })).stdout).toBe('as it was'.repeat(caches.length));
    for (const cache of caches) {
      expect(await readFile(join(home, cache, 'trusted'), 'utf8')).toBe('as it was');
      expect(await readdir(join(home, cache))).toEqual(['trusted']);
    }
    await forgetWrites(folder);
  });

  it.skipIf(go === undefined)(`fills the caches of Go where it may${here(go !== undefined, 'there is no Go')}`, async () => {
    const files = { 'go.mod': 'module cc\n\ngo 1.20\n', 'main.go': 'package main\n\nfunc main() { println("hello") }\n' };
    await build('golang', files, { shareBuildCaches: true });
    expect(await there(join(home, '.cache', 'go-build', 'trim.txt'))).toBe(true);
    expect(await there(join(home, 'go', 'pkg', 'mod'))).toBe(true);
  });
});
