import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hex, sha256, utf8 } from '../../common/bytes.ts';
import { type LogFields, silent } from '../../common/log.ts';
import { buildDeploymentSpec } from '../build-package.ts';
import { parsePackage } from '../chaincode-package.ts';
import { metadataOf } from '../index-metadata.ts';
import { packFolder } from './pack.ts';
import { unpackArchive } from './unpack.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-pack-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function folder(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name, path)), { recursive: true });
    await writeFile(join(directory, name, path), content);
  }
  return join(directory, name);
}

const everything = { skip: () => false };
const INDEX = 'META-INF/statedb/couchdb/indexes/owner.json';
const GOOD_INDEX = '{"index":{"fields":["owner",{"size":"DESC"}]},"ddoc":"d","name":"n","type":"json"}';

describe('packing a folder', () => {
  it('puts sources under src and metadata at the root', async () => {
    const from = await folder('cc', { 'package.json': '{}', 'lib/a.js': 'a', [INDEX]: GOOD_INDEX, 'META-INF/.hidden': 'x' });
    const warned: (LogFields | undefined)[] = [];
    const packed = await packFolder(from, { ...everything, log: { ...silent, warn: (_, fields) => void warned.push(fields) } });
    const out = join(directory, 'out');
    await mkdir(out);
    await unpackArchive(packed, out);
    const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(files.map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1)).sort()).toEqual([
      INDEX,
      'src/lib/a.js',
      'src/package.json',
    ]);
    expect(await readFile(join(out, 'src/lib/a.js'), 'utf8')).toBe('a');
    expect(warned).toEqual([{ file: 'META-INF/.hidden' }]);
  });

  it('gives equal bytes for equal files, whatever their times and order of creation', async () => {
    const one = await folder('one', { 'a.js': 'a', 'b/c.js': 'c', 'b.js': 'b' });
    const two = await folder('two', { 'b.js': 'b', 'b/c.js': 'c', 'a.js': 'a' });
    await utimes(join(two, 'a.js'), 1, 1);
    expect(hex(sha256(await packFolder(one, everything)))).toBe(hex(sha256(await packFolder(two, everything))));
  });

  it('leaves out what it is told to and what is no file', async () => {
    const from = await folder('cc', { 'a.js': 'a', 'node_modules/x/i.js': 'x' });
    await symlink('/etc/passwd', join(from, 'link.js'));
    const packed = await packFolder(from, { skip: (path) => path === 'node_modules' });
    await unpackArchive(packed, join(directory, 'out'));
    expect((await readdir(join(directory, 'out'), { recursive: true })).sort()).toEqual(['src', 'src/a.js']);
  });

  it('packs what a link inside the folder leads to, tells of other links, and refuses one that leads nowhere', async () => {
    const from = await folder('cc', { 'lib/a.js': 'a', 'elsewhere/b.js': '' });
    await symlink('lib/a.js', join(from, 'index.js'));
    await symlink('/etc/passwd', join(from, 'out.js'));
    await symlink('lib', join(from, 'linked'));
    await symlink('me@here.1', join(from, '.#a.js'));
    const warned: unknown[] = [];
    const skip = (path: string, kind: string) => path === 'elsewhere' && kind === 'folder';
    const packed = await packFolder(from, {
      skip,
      log: { ...silent, warn: (_, fields) => void warned.push(fields?.['file'], fields?.['kind']) },
    });
    await unpackArchive(packed, join(directory, 'out'));
    expect((await readdir(join(directory, 'out'), { recursive: true })).sort()).toEqual(['src', 'src/index.js', 'src/lib', 'src/lib/a.js']);
    expect(await readFile(join(directory, 'out', 'src', 'index.js'), 'utf8')).toBe('a');
    expect(new Set(warned)).toEqual(
      new Set(['.#a.js', 'no file and no folder', 'out.js', 'link out of the folder', 'linked', 'link to a folder']),
    );
    await symlink('gone.js', join(from, 'lib', 'dangling.js'));
    await expect(packFolder(from, { skip })).rejects.toMatchObject({
      code: 'CHAINCODE_PACKAGE_INVALID',
      message: 'lib/dangling.js is a link that leads nowhere, to gone.js',
    });
  });

  it('refuses a folder without sources, and bad metadata', async () => {
    const empty = await folder('empty', { [INDEX]: GOOD_INDEX });
    await expect(packFolder(empty, everything)).rejects.toThrow(`no source files found in '${empty}'`);
    const bad = await folder('bad', { 'a.js': '', [INDEX]: '{"name":"n"}' });
    await expect(packFolder(bad, everything)).rejects.toThrow('Index definition must include a "fields" definition');
  });
});

describe('the index metadata of a package', () => {
  const packageWith = async (path: string, content: string) => {
    const from = await folder('indexed', { 'a.js': '' });
    const archive = pack();
    archive.entry({ name: 'src/a.js' }, await readFile(join(from, 'a.js')));
    archive.entry({ name: path }, content);
    archive.finalize();
    const codePackage = gzipSync(await buffer(archive));
    return parsePackage(buildDeploymentSpec({ name: 'cc', version: '1', path: 'p', type: 'NODE', codePackage }));
  };

  it('is read and validated', async () => {
    const found = await metadataOf(await packageWith(INDEX, GOOD_INDEX));
    expect(found.map(({ path, content }) => [path, hex(content)])).toEqual([[INDEX, hex(utf8(GOOD_INDEX))]]);
    const collection = 'META-INF/statedb/couchdb/collections/c1/indexes/x.json';
    expect(await metadataOf(await packageWith(collection, GOOD_INDEX))).toHaveLength(1);
  });

  it('is refused with Fabric’s texts', async () => {
    const refused = [
      [
        'META-INF/statedb/couchdb/index/a.json',
        GOOD_INDEX,
        'metadata file path does not have an indexes directory: META-INF/statedb/couchdb/index/',
      ],
      [
        'META-INF/statedb/couchdb/indexes/a.txt',
        GOOD_INDEX,
        'for collections must include a collections and index directory: META-INF/statedb/couchdb/indexes/',
      ],
      [INDEX, '{"index"', `Index metadata file [${INDEX}] is not a valid JSON`],
      [INDEX, '[]', `Index metadata file [${INDEX}] is not a valid JSON`],
      [
        INDEX,
        '{"ddoc":"d"}',
        `Index metadata file [${INDEX}] is not a valid index definition: Index definition must include a "fields" definition`,
      ],
      [INDEX, '{"index":{"fields":["a"]},"other":1}', 'Invalid Entry.  Entry other'],
      [INDEX, '{"index":{"fields":["a"]},"type":"text"}', 'Index type must be json'],
      [INDEX, '{"index":{"fields":["a"]},"ddoc":1}', 'Invalid entry, "ddoc" must be a string'],
      [INDEX, '{"index":{"fields":[{"a":"up"}]}}', 'Sort must be either "asc" or "desc".  "up" was found.'],
    ] as const;
    for (const [path, content, text] of refused) await expect(metadataOf(await packageWith(path, content)), text).rejects.toThrow(text);
  });
});
