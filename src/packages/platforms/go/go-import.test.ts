import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packPath } from '../platforms.ts';
import { findTool } from '../tools.ts';
import { packGoImport } from './go-import.ts';

const go = await findTool('go', process.env, ['/usr/local/go/bin', '/usr/lib/go/bin']);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-import-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

async function namesIn(codePackage: Uint8Array): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const entry of Readable.from([gunzipSync(codePackage)]).pipe(extract())) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names;
}

const FILES = {
  'cc/main.go':
    'package main\nimport ("fmt"; "example.com/top/cc/inside"; "example.com/top/lib")\nfunc main() { fmt.Println(inside.A, lib.A) }\n',
  'cc/README.md': 'packed, as in Fabric',
  'cc/main_test.go': 'package main\n',
  'cc/inside/i.go': 'package inside\nconst A = 1\n',
  'cc/unused/u.go': 'package unused\n',
  'cc/META-INF/statedb/couchdb/indexes/i.json': '{"index":{"fields":["a"]},"ddoc":"d","name":"n","type":"json"}',
  'lib/l.go': 'package lib\nimport "example.com/top/lib/deep"\nconst A = deep.A\n',
  'lib/deep/d.go': 'package deep\nconst A = 1\n',
};
const PACKED = [
  'META-INF/statedb/couchdb/indexes/i.json',
  'src/example.com/top/cc/README.md',
  'src/example.com/top/cc/inside/i.go',
  'src/example.com/top/cc/main.go',
  'src/example.com/top/cc/main_test.go',
  'src/example.com/top/lib/deep/d.go',
  'src/example.com/top/lib/l.go',
];

describe.skipIf(go === undefined)(`Go chaincode by its import path${go === undefined ? ' (skipped: there is no Go)' : ''}`, () => {
  it('is looked up in the module of the working folder, with what it needs', async () => {
    await write({ ...FILES, 'go.mod': 'module example.com/top\ngo 1.20\n', 'cc/go.sum': '' });
    const { path, codePackage } = await packPath('example.com/top/cc', 'golang', { cwd: root });
    expect(path).toBe('example.com/top/cc');
    expect(await namesIn(codePackage)).toEqual(PACKED);
  });

  it('is looked up in GOPATH where modules are off', async () => {
    await write(Object.fromEntries(Object.entries(FILES).map(([name, content]) => [`src/example.com/top/${name}`, content])));
    const host = { ...process.env, GOPATH: root, GO111MODULE: 'off' };
    expect(await namesIn(await packGoImport('example.com/top/cc', { host, cwd: root }))).toEqual(PACKED);
  });

  it('that is nowhere has what Go says of it', async () => {
    await write({ 'go.mod': 'module example.com/top\ngo 1.20\n' });
    await expect(packPath('example.com/top/nothing', 'golang', { cwd: root })).rejects.toMatchObject({
      code: 'CHAINCODE_PACKAGE_INVALID',
      message: expect.stringMatching(/^example\.com\/top\/nothing is neither a folder nor a Go package: 'go list' failed with: .*nothing/s),
    });
    await expect(packPath('./nothing', 'golang', { cwd: root })).rejects.toThrow(`there is no folder ${join(root, 'nothing')}`);
    await expect(packPath('nothing', 'node', { cwd: root })).rejects.toThrow(`there is no folder ${join(root, 'nothing')}`);
  });
});
