import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readArchive } from '../../archive/archive.ts';
import { findTool } from '../tools.ts';
import { GoPlatform } from './go-platform.ts';

const go = await findTool('go', process.env, ['/usr/local/go/bin', '/usr/lib/go/bin']);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-gopath-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function packed(files: Readonly<Record<string, string>>, host: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, 'src', path)), { recursive: true });
    await writeFile(join(directory, 'src', path), content);
  }
  const environment = { PATH: process.env['PATH'], HOME: directory, GOPATH: directory, ...host };
  const codePackage = await new GoPlatform({ host: environment }).pack(join(directory, 'src', 'example.com', 'cc'));
  const names: string[] = [];
  await readArchive(codePackage, ({ name }) => void names.push(name));
  return names;
}

const importing = (name: string, ...imports: readonly string[]): string =>
  `package ${name}\n${imports.map((each) => `import _ "${each}"\n`).join('')}${name === 'main' ? 'func main() {}\n' : ''}`;

describe.skipIf(go === undefined)(`chaincode below GOPATH${go === undefined ? ' (skipped: there is no Go)' : ''}`, () => {
  it('brings along what it imports from elsewhere, as vendored, and what that imports', async () => {
    const files = {
      'example.com/cc/main.go': importing(
        'main',
        'fmt',
        'example.com/lib',
        'example.com/cc/inside',
        'vendored.example/v',
        'github.com/hyperledger/fabric/core/chaincode/shim',
      ),
      'example.com/cc/inside/i.go': importing('inside', 'example.com/other'),
      'example.com/cc/vendor/vendored.example/v/v.go': importing('v'),
      'example.com/cc/META-INF/statedb/couchdb/indexes/i.json': '{"index":{"fields":["a"]},"ddoc":"d","name":"n","type":"json"}',
      'example.com/cc/README.md': 'not packed',
      'example.com/cc/.git/config.json': 'not packed',
      'example.com/lib/lib.go': importing('lib', 'example.com/deep/er', 'encoding/json'),
      'example.com/lib/lib.h': '',
      'example.com/lib/data.bin': 'not packed',
      'example.com/lib/notimported/n.go': importing('notimported'),
      'example.com/deep/er/er.go': importing('er'),
      'example.com/other/other.go': importing('other'),
      'example.com/unused/unused.go': importing('unused'),
      'vendored.example/v/v.go': importing('v', 'example.com/unused'),
      'github.com/hyperledger/fabric/core/chaincode/shim/shim.go': importing('shim', 'example.com/unused'),
    };
    expect(await packed(files)).toEqual([
      'META-INF/statedb/couchdb/indexes/i.json',
      'src/example.com/cc/inside/i.go',
      'src/example.com/cc/main.go',
      'src/example.com/cc/vendor/example.com/deep/er/er.go',
      'src/example.com/cc/vendor/example.com/lib/lib.go',
      'src/example.com/cc/vendor/example.com/lib/lib.h',
      'src/example.com/cc/vendor/example.com/other/other.go',
      'src/example.com/cc/vendor/vendored.example/v/v.go',
    ]);
  });

  it('may import a shim that only the builder has, and nothing else that is nowhere', async () => {
    const shim = 'github.com/hyperledger/fabric/core/chaincode/shim';
    expect(await packed({ 'example.com/cc/main.go': importing('main', shim) })).toEqual(['src/example.com/cc/main.go']);
    const missing = packed({ 'example.com/cc/main.go': importing('main', 'example.com/absent') });
    await expect(missing).rejects.toThrow('example.com/cc imports example.com/absent, which cannot be packed: ');
    await expect(missing).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID', advice: expect.stringContaining('GOPATH') });
  });

  it('finds what lies in another folder of GOPATH', async () => {
    const second = join(directory, 'second');
    await mkdir(join(second, 'src', 'far.example', 'f'), { recursive: true });
    await writeFile(join(second, 'src', 'far.example', 'f', 'f.go'), importing('f'));
    const names = await packed({ 'example.com/cc/main.go': importing('main', 'far.example/f') }, { GOPATH: `${directory}:${second}` });
    expect(names).toEqual(['src/example.com/cc/main.go', 'src/example.com/cc/vendor/far.example/f/f.go']);
  });
});
