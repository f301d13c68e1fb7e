import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textOf } from '../../common/bytes.ts';
import { readArchive } from '../../packages/archive/archive.ts';
import { packageIdOf, parseLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { installPackage } from '../chaincode/packages.ts';
import type { Terminal } from '../terminal.ts';
import type { PackageFlags } from './lifecycle-flags.ts';
import { calculatePackageId, getInstalled, install, writePackage } from './packages.ts';

let folder: string;
let out: string[];
let said: string[];
let terminal: Terminal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-package-'));
  out = [];
  said = [];
  terminal = {
    out: (line) => void out.push(line),
    write: () => undefined,
    say: (line) => void said.push(line),
    env: {},
    cwd: folder,
    signal: new AbortController().signal,
    colours: false,
    interactive: false,
  };
});
afterEach(() => rm(folder, { recursive: true }));

const INDEX = 'META-INF/statedb/couchdb/indexes/byOwner.json';

async function sources(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, 'cc', path, '..'), { recursive: true });
    await writeFile(join(folder, 'cc', path), content);
  }
  return 'cc';
}

const packed = async (flags: PackageFlags) => {
  await writePackage('x.tar.gz', { label: 'basic_1.0', ...flags }, terminal);
  return readFile(join(folder, 'x.tar.gz'));
};

async function namesIn(codePackage: Uint8Array): Promise<readonly string[]> {
  const names: string[] = [];
  await readArchive(codePackage, ({ name }) => {
    names.push(name);
    return undefined;
  });
  return names;
}

const CONNECTION = '{"address":"{{.peername}}_basic:9999","dial_timeout":"10s","tls_required":false}';

describe('package', () => {
  it.each([
    ['node', { 'package.json': '{"name":"basic"}', 'index.js': '' }, undefined, ['src/index.js', 'src/package.json']],
    ['java', { 'pom.xml': '<project/>', 'src/main/java/A.java': '' }, undefined, ['src/pom.xml', 'src/src/main/java/A.java']],
    ['ccaas', { 'connection.json': CONNECTION, [INDEX]: '{"index":{"fields":["owner"]}}' }, undefined, [INDEX, 'connection.json']],
    ['k8s', { 'image.json': '{"name":"example.com/basic","digest":"sha256:ab"}' }, undefined, ['image.json']],
    ['ccaas', { 'connection.json': CONNECTION, 'package.json': '{}' }, 'CCaaS', ['connection.json']],
  ])('of %s is told by the folder or by --lang, and is the same every time', async (type, files, lang, names) => {
    const flags = { path: await sources(files), ...(lang && { lang }) };
    const first = await packed(flags);
    await utimes(join(folder, 'cc', Object.keys(files)[0] ?? ''), 1, 1);
    expect(await packed(flags)).toEqual(first);
    const read = await parseLifecyclePackage(first);
    expect(read).toMatchObject({ type, label: 'basic_1.0', path: type === 'node' || type === 'java' ? 'cc' : '' });
    expect(await namesIn(read.codePackage)).toEqual(names);
    expect(said[0]).toBe(`Wrote x.tar.gz, package id ${packageIdOf('basic_1.0', first)}`);
    expect(textOf(read.metadata)).toBe(JSON.stringify({ path: read.path, type, label: 'basic_1.0' }));
  });

  it.each<[PackageFlags, Readonly<Record<string, string>>, string]>([
    [{ path: '' }, {}, 'chaincode path must be specified'],
    [{ label: '' }, {}, 'package label must be specified'],
    [{ label: '_x' }, { 'package.json': '{}' }, "invalid label '_x'. Label must be non-empty"],
    [{ path: 'elsewhere' }, {}, 'there is no folder'],
    [{ lang: 'rust' }, {}, 'unknown chaincodeType: rust'],
    [{ lang: 'ccaas' }, { 'package.json': '{}' }, 'has no connection.json'],
    [{ lang: 'ccaas' }, { 'connection.json': 'x' }, 'connection.json is no JSON'],
    [{ lang: 'ccaas' }, { 'connection.json': '{"dial_timeout":"10s"}' }, 'connection.json does not say its address'],
    [{ lang: 'k8s' }, { 'image.json': '{"name":"x"}' }, 'image.json does not say its digest'],
    [{ lang: 'ccaas' }, { 'connection.json': CONNECTION, [INDEX]: 'no json' }, 'Index metadata file'],
  ])('with %j of %j says what is wrong and writes nothing', async (flags, files, message) => {
    const path = await sources({ 'README.md': '', ...files });
    await expect(packed({ path, ...flags })).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual(['cc']);
  });

  it('keeps the file that is there when it cannot write', async () => {
    const path = await sources({ 'package.json': '{}', 'index.js': '' });
    await mkdir(join(folder, 'x.tar.gz'));
    await expect(packed({ path })).rejects.toThrow(/^cannot write /);
    expect((await readdir(folder)).sort()).toEqual(['cc', 'x.tar.gz']);
  });
});

describe('calculatepackageid', () => {
  it('prints the id, as text and as JSON', async () => {
    const id = packageIdOf('basic_1.0', await packed({ path: await sources({ 'package.json': '{}', 'index.js': '' }) }));
    await calculatePackageId('x.tar.gz', {}, terminal);
    await calculatePackageId('x.tar.gz', { output: 'JSON' }, terminal);
    expect(out).toEqual([id, `{\n\t"package_id": "${id}"\n}`]);
  });

  it('takes packages only', async () => {
    await writeFile(join(folder, 'x.tar.gz'), 'text');
    await expect(calculatePackageId('x.tar.gz', {}, terminal)).rejects.toThrow('could not parse as a chaincode install package');
    await expect(calculatePackageId('y.tar.gz', {}, terminal)).rejects.toThrow("failed to read chaincode package at 'y.tar.gz'");
  });
});

describe('before any peer is asked', () => {
  it('the other install says whose package it is', async () => {
    await packed({ path: await sources({ 'package.json': '{}', 'index.js': '' }) });
    const flags = { name: '', version: '', lang: 'node', ctor: '{}' };
    await expect(installPackage('x.tar.gz', flags, terminal)).rejects.toMatchObject({
      message: 'x.tar.gz is a package of the 2.x lifecycle, which this command does not know',
      advice: 'Write: selvage lifecycle chaincode install x.tar.gz',
    });
  });

  it('install needs a file, getinstalledpackage an id', async () => {
    await expect(install('y.tar.gz', {}, terminal)).rejects.toThrow("failed to read chaincode package at 'y.tar.gz'");
    await expect(getInstalled({}, terminal)).rejects.toThrow(
      "The required parameter 'package-id' is empty. Rerun the command with --package-id flag",
    );
  });
});
