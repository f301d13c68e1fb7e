import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unpackArchive } from '../../archive/unpack.ts';
import { NodePlatform } from './node-platform.ts';
import { parseRegistry, shownRegistry } from './npm-registry.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-node-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function unpacked(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(directory, 'unpacked-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, 'src', path)), { recursive: true });
    await writeFile(join(folder, 'src', path), content);
  }
  return folder;
}

const manifest = (more: object = {}) => JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node .' }, ...more });
const withDep = manifest({ dependencies: { dep: '1.0.0' } });
const steps = async (files: Readonly<Record<string, string>>, platform = new NodePlatform()) =>
  (await platform.hostPlan(await unpacked(files), { path: '', codePackage: Buffer.from(JSON.stringify(files)) })).steps;
const install = async (files: Readonly<Record<string, string>>, platform = new NodePlatform()) => (await steps(files, platform))[0];

describe('planning an install', () => {
  it('uses the lock file when there is one', async () => {
    expect((await install({ 'package.json': withDep }))?.command.args.slice(1)).toEqual(expect.arrayContaining(['install', '--omit=dev']));
    expect((await install({ 'package.json': withDep, 'package-lock.json': '{}' }))?.command.args.slice(1)).toEqual(
      expect.arrayContaining(['ci', '--omit=dev']),
    );
  });

  it('is not needed without dependencies or with vendored ones', async () => {
    expect(await install({ 'package.json': manifest() })).toBeUndefined();
    expect(await install({ 'package.json': manifest({ devDependencies: { dep: '1' } }) })).toBeUndefined();
    expect(await install({ 'package.json': withDep, 'node_modules/dep/index.js': '' })).toBeUndefined();
  });

  it('depends on the dependencies, not on the code', async () => {
    const plan = await install({ 'package.json': withDep, 'package-lock.json': '{}', 'a.js': '1' });
    expect(plan?.needs).toEqual(['package.json', 'package-lock.json']);
    expect((await install({ 'package.json': withDep, 'package-lock.json': '{}', 'a.js': '2' }))?.key).toBe(plan?.key);
    expect((await install({ 'package.json': withDep, 'package-lock.json': '{ }', 'a.js': '1' }))?.key).not.toBe(plan?.key);
    expect((await install({ 'package.json': withDep, 'a.js': '1' }))?.key).not.toBe(plan?.key);
    const other = new NodePlatform({ registry: 'http://r/' });
    expect((await install({ 'package.json': withDep, 'package-lock.json': '{}' }, other))?.key).not.toBe(plan?.key);
  });

  it('takes the whole package where scripts or local dependencies need it', async () => {
    for (const files of [
      { 'package.json': manifest({ scripts: { start: 'x', prepare: 'tsc' } }) },
      { 'package.json': manifest({ dependencies: { dep: 'file:./dep' } }) },
      { 'package.json': manifest({ workspaces: ['a'] }) },
      { 'package.json': manifest(), 'binding.gyp': '{}' },
      { 'package.json': withDep, 'package-lock.json': '{"packages":{"node_modules/dep":{"resolved": "dep","link": true}}}' },
    ]) {
      const plan = await install(files);
      expect(plan?.needs, JSON.stringify(files)).toBe('everything');
      expect((await install({ ...files, 'a.js': 'changed' }))?.key).not.toBe(plan?.key);
    }
  });

  it('passes the registry as npm’s own variable', async () => {
    expect((await install({ 'package.json': withDep }, new NodePlatform({ registry: 'http://r/' })))?.command.env).toEqual({
      npm_config_registry: 'http://r/',
    });
    expect((await install({ 'package.json': withDep }))?.command.env).toEqual({});
    expect((await install({ 'package.json': withDep }, new NodePlatform({ registry: 'http://u:p@r/' })))?.from).toBe('http://r/');
  });

  it('refuses a package.json that is none', async () => {
    await expect(install({ 'package.json': '{\n"name": "a"\n"main": "b" }' })).rejects.toThrow(
      `package.json is not a valid JSON: invalid character '"' after object key:value pair (line 3, column 1)`,
    );
    await expect(install({ 'a.js': '' })).rejects.toThrow('no package.json found at the root of the chaincode package');
  });
});

describe('planning to compile', () => {
  const typescript = manifest({
    scripts: { start: 'node dist/index.js', build: 'tsc' },
    dependencies: { dep: '1.0.0' },
    devDependencies: { typescript: '5' },
  });
  const config = `{ // with a comment, and
    "compilerOptions": { "outDir": "./dist/", /* commas at the end */ }, }`;
  const sources = { 'package.json': typescript, 'tsconfig.json': config, 'src/index.ts': '' };

  it('installs what runs, and compiles with what is installed for that alone', async () => {
    const [runs, compiles, ...others] = await steps(sources);
    expect(others).toEqual([]);
    expect(runs?.command.args).toContain('--omit=dev');
    expect(runs).toMatchObject({ produces: 'node_modules', keeps: 'produced', needs: ['package.json'] });
    expect(compiles?.command.args.slice(1, 3)).toEqual(['run', 'build']);
    expect(compiles).toMatchObject({ produces: undefined, keeps: 'everything', needs: 'everything' });
    expect(compiles?.tools?.command.args).toContain('--include=dev');
    expect(compiles?.tools?.key).not.toBe(runs?.key);
  });

  it('compiles again when the sources change, and installs when the dependencies do', async () => {
    const [before, after] = [await steps(sources), await steps({ ...sources, 'src/index.ts': 'changed' })];
    expect(after[0]?.key).toBe(before[0]?.key);
    expect(after[1]?.tools?.key).toBe(before[1]?.tools?.key);
    expect(after[1]?.key).not.toBe(before[1]?.key);
  });

  it('does all at once where installing looks at the sources', async () => {
    const scripts = { start: 'node dist/index.js', build: 'tsc', postinstall: 'npm dedupe' };
    const [only, ...others] = await steps({ ...sources, 'package.json': manifest({ scripts, dependencies: { dep: '1' } }) });
    expect(others).toEqual([]);
    expect(only?.command.args.join(' ')).toMatch(/install --include=dev .* run build .* prune --omit=dev/);
  });

  it.each([
    ['brings what was compiled along', { ...sources, 'dist/index.js': '' }],
    ['has no build script', { ...sources, 'package.json': withDep }],
    ['has no tsconfig.json', { 'package.json': typescript, 'index.js': '' }],
    ['has a compiler that only looks', { ...sources, 'tsconfig.json': '{"compilerOptions":{"noEmit":true}}', 'index.js': '' }],
    ['brings its program along, wherever the compiler writes', { ...sources, 'tsconfig.json': '{}', 'dist/index.js': '' }],
  ])('leaves alone what %s', async (_what, files) => {
    expect((await steps(files)).map(({ work }) => work)).toEqual(['installing the dependencies']);
  });

  it('takes what was made in spite of what is never used, and nothing else', async () => {
    const [, compiles] = await steps(sources);
    const folder = join(await unpacked(sources), 'src');
    const unused = "src/index.ts(1,7): error TS6133: 'a' is declared but its value is never read.";
    const wrong = "src/index.ts(2,7): error TS2322: Type 'string' is not assignable to type 'number'.";
    expect(await compiles?.tolerates?.([unused], folder)).toBe(false); // nothing was made
    await mkdir(join(folder, 'dist'));
    expect(await compiles?.tolerates?.(['> tsc', unused], folder)).toBe(true);
    expect(await compiles?.tolerates?.([unused, wrong], folder)).toBe(false);
    expect(await compiles?.tolerates?.(['sh: tsc: not found'], folder)).toBe(false);
  });

  it('inherits where the compiler writes', async () => {
    const files = {
      ...sources,
      'tsconfig.json': '{"extends":"./config/base"}',
      'config/base.json': '{"compilerOptions":{"outDir":"../out"}}',
    };
    expect(await steps(files)).toHaveLength(2);
    expect(await steps({ ...files, 'out/index.js': '' })).toHaveLength(1);
  });

  it('uses the modules that a package brings along', async () => {
    const [only] = await steps({ ...sources, 'node_modules/typescript/package.json': '{}' });
    expect(only).toMatchObject({ work: 'compiling the sources', tools: undefined });
  });

  it('goes into the image, too', async () => {
    const packed = async (files: Readonly<Record<string, string>>) => {
      const platform = new NodePlatform();
      return platform.dockerBuild({ path: '', codePackage: await platform.pack(join(await unpacked(files), 'src')) });
    };
    expect((await packed(sources)).command).toMatch(/npm install --include=dev && npm run build && npm prune --omit=dev/);
    expect((await packed({ ...sources, 'dist/index.js': '' })).command).toMatch(/build\.sh; else .* npm install --production; fi/);
  });
});

describe('packing node chaincode', () => {
  const packedFiles = async (files: Readonly<Record<string, string>>, sourcesOnly: boolean): Promise<readonly string[]> => {
    const packed = await new NodePlatform().pack(join(await unpacked(files), 'src'), { sourcesOnly });
    const out = await mkdtemp(join(directory, 'out-'));
    await unpackArchive(packed, out);
    const entries = await readdir(join(out, 'src'), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 5))
      .sort();
  };

  it('leaves out what was compiled when the sources alone are wanted', async () => {
    const built = { 'package.json': manifest({ scripts: { start: 'node .', build: 'tsc' } }), 'lib/a.ts': '', 'lib/b.js': '' };
    const intoFolder = { ...built, 'tsconfig.json': '{"compilerOptions":{"outDir":"dist"}}', 'dist/a.js': '', 'dist/a.js.map': '' };
    expect(await packedFiles(intoFolder, false)).toContain('dist/a.js');
    expect(await packedFiles(intoFolder, true)).toEqual(['lib/a.ts', 'lib/b.js', 'package.json', 'tsconfig.json']);
    const inPlace = { ...built, 'tsconfig.json': '{}', 'lib/a.js': '', 'lib/a.d.ts': '', 'lib/a.js.map': '' };
    expect(await packedFiles(inPlace, false)).toContain('lib/a.js');
    expect(await packedFiles(inPlace, true)).toEqual(['lib/a.ts', 'lib/b.js', 'package.json', 'tsconfig.json']);
    expect(await packedFiles({ ...inPlace, 'package.json': manifest() }, true)).toContain('lib/a.js');
  });

  it('leaves out installed modules and git', async () => {
    const sources = join(
      await unpacked({
        'package.json': '{}',
        'a.js': '',
        'node_modules/x/i.js': '',
        '.git/HEAD': '',
        '.gitignore': '',
        'lib/node_modules/y.js': '',
      }),
      'src',
    );
    await unpackArchive(await new NodePlatform().pack(sources), join(directory, 'out'));
    const files = (await readdir(join(directory, 'out', 'src'), { recursive: true })).sort();
    expect(files).toEqual(['.gitignore', 'a.js', 'package.json']);
  });

  it('needs a folder', async () => {
    await expect(new NodePlatform().pack(join(directory, 'absent'))).rejects.toThrow(
      `path to chaincode does not exist: ${join(directory, 'absent')}`,
    );
  });
});

describe('NODE_REGISTRY', () => {
  it('is an absolute http or https URL, or nothing', () => {
    expect(parseRegistry(undefined)).toBeUndefined();
    expect(parseRegistry('')).toBeUndefined();
    expect(parseRegistry('https://user:secret@r.example/npm')).toBe('https://user:secret@r.example/npm');
    for (const bad of ['r.example', '/npm', 'file:///npm', 'http:r', 'http:///x', 'https://', "http://r/'; rm -rf /; '\n"]) {
      expect(() => parseRegistry(bad), bad).toThrow('NODE_REGISTRY is not an absolute http or https URL');
    }
  });

  it('is shown without credentials', () => {
    expect(shownRegistry('https://user:secret@r.example:8443/npm/?token=x')).toBe('https://r.example:8443/npm/');
  });
});
