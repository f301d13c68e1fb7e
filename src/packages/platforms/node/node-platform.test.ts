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
const install = async (files: Readonly<Record<string, string>>, platform = new NodePlatform()) =>
  (await platform.hostPlan(await unpacked(files), { path: '', codePackage: Buffer.from(JSON.stringify(files)) })).install;

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
    await expect(install({ 'package.json': '{' })).rejects.toThrow('package.json is not a valid JSON');
    await expect(install({ 'a.js': '' })).rejects.toThrow('no package.json found at the root of the chaincode package');
  });
});

describe('packing node chaincode', () => {
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
    expect(files).toEqual(['a.js', 'lib', 'lib/node_modules', 'lib/node_modules/y.js', 'package.json']);
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
