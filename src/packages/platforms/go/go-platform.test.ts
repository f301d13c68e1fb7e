import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../common/bytes.ts';
import { unpackArchive } from '../../archive/unpack.ts';
import { chaincodeDockerfile } from '../dockerfile.ts';
import { IMAGE_SETTINGS, IMAGE_VARIABLES, imageName } from '../image-names.ts';
import { findTool } from '../tools.ts';
import { GoPlatform, moduleName } from './go-platform.ts';

const go = await findTool('go', process.env, ['/usr/local/go/bin']);
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-go-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

/** All files of a package, by name. */
async function filesOf(codePackage: Uint8Array): Promise<readonly string[]> {
  const target = await mkdtemp(join(directory, 'unpacked-'));
  await unpackArchive(codePackage, target);
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))
    .sort();
}

describe('packing Go chaincode', () => {
  const MODULE = {
    'cc/go.mod': 'module example.com/cc // the module\n\ngo 1.21\n',
    'cc/go.sum': '',
    'cc/main.go': 'package main',
    'cc/cmd/x/main.go': 'package main',
    'cc/vendor/a/a.go': 'package a',
    'cc/.git/HEAD': '',
    'cc/.env': 'secret',
    'cc/META-INF/statedb/couchdb/indexes/a.json': '{"index":{"fields":["a"]},"name":"a","type":"json"}',
  };

  it('takes the whole module from its root, without hidden files, and the same bytes each time', async () => {
    await write(MODULE);
    const platform = new GoPlatform();
    const packed = await platform.pack(join(directory, 'cc'));
    expect(await filesOf(packed)).toEqual([
      'META-INF/statedb/couchdb/indexes/a.json',
      ...['cmd/x/main.go', 'go.mod', 'go.sum', 'main.go', 'vendor/a/a.go'].map((name) => `src/${name}`),
    ]);
    expect(Buffer.from(await platform.pack(join(directory, 'cc', 'cmd', 'x'))).equals(packed)).toBe(true);
    await platform.validatePackage(packed);
  });

  it('names the main package by its import path', async () => {
    await write(MODULE);
    expect(await new GoPlatform().packagePath(join(directory, 'cc'))).toBe('example.com/cc');
    expect(await new GoPlatform().packagePath(join(directory, 'cc', 'cmd', 'x'))).toBe('example.com/cc/cmd/x');
    expect(moduleName('module "a.b/c"\n')).toBe('a.b/c');
    expect(() => moduleName('go 1.21')).toThrow('go.mod names no module');
  });

  it('keeps the import path of what lies below GOPATH', async () => {
    await write({
      'src/example.com/old/main.go': 'package main',
      'src/example.com/old/vendor/v/v.go': 'package v',
      'src/example.com/other/o.go': '',
    });
    const platform = new GoPlatform({ host: { GOPATH: directory } });
    const packed = await platform.pack(join(directory, 'src/example.com/old'));
    expect(await filesOf(packed)).toEqual(['src/example.com/old/main.go', 'src/example.com/old/vendor/v/v.go']);
    expect(await platform.packagePath(join(directory, 'src/example.com/old'))).toBe('example.com/old');
    await write({ 'elsewhere/main.go': 'package main' });
    await expect(platform.pack(join(directory, 'elsewhere'))).rejects.toThrow('is in no Go module and not below GOPATH');
    await expect(platform.pack(join(directory, 'absent'))).rejects.toThrow('path to chaincode does not exist');
  });
});

describe('building Go chaincode by Docker', () => {
  const subject = { name: 'cc', version: '1.0', path: 'https://example.com/cc/', codePackage: utf8('code') };

  it('compiles in the builder image, statically unless told, and runs on the runtime image', async () => {
    const build = await new GoPlatform({ host: { GOPROXY: 'https://proxy.example' } }).dockerBuild(subject);
    expect(build).toMatchObject({
      image: 'hyperledger/fabric-ccenv:2.5',
      runtimeImage: 'hyperledger/fabric-baseos:2.5',
      env: { GOPROXY: 'https://proxy.example' },
    });
    expect(build.command).toContain(
      `GO111MODULE=off GOPATH=/chaincode/input:$GOPATH go build -v -ldflags "-linkmode external -extldflags '-static'" -o /chaincode/output/chaincode example.com/cc`,
    );
    expect(build.command).toContain('if [ -f "/chaincode/input/src/go.mod" ]');
    const dynamic = await new GoPlatform({ images: { ...IMAGE_SETTINGS, golangDynamicLink: true } }).dockerBuild(subject);
    expect(dynamic.command).not.toContain('ldflags');
  });

  it('refuses a path that is none, which a shell could take for something else', async () => {
    for (const path of ['', 'a', 'http://', 'a b', 'x;reboot', '../up', 'a/../../b', '-toolexec=x', '$(id)', 'a\nb'])
      await expect(new GoPlatform().dockerBuild({ ...subject, path }), path).rejects.toThrow(/path\/URL invalid|is not an import path/);
  });

  it('has the Dockerfile of Fabric, labels included', () => {
    const variables = { ...IMAGE_VARIABLES, projectVersion: '1.1.0', arch: 'x86_64' };
    const images = { ...IMAGE_SETTINGS, golangRuntime: '$(BASE_DOCKER_NS)/fabric-baseos:$(ARCH)-$(BASE_VERSION)' };
    expect(chaincodeDockerfile(new GoPlatform({ variables, images }), subject, variables).split('\n')).toEqual([
      'FROM hyperledger/fabric-baseos:x86_64-0.4.6',
      'ADD binpackage.tar /usr/local/bin',
      'LABEL org.hyperledger.fabric.chaincode.id.name="cc" \\',
      '      org.hyperledger.fabric.chaincode.id.version="1.0" \\',
      '      org.hyperledger.fabric.chaincode.type="GOLANG" \\',
      '      org.hyperledger.fabric.version="1.1.0" \\',
      '      org.hyperledger.fabric.base.version="0.4.6"',
      'ENV CORE_CHAINCODE_BUILDLEVEL=1.1.0',
    ]);
    expect(new GoPlatform().dockerCommand('peer:7052')).toEqual(['chaincode', '-peer.address=peer:7052']);
  });

  it('replaces every variable in the name of an image, and leaves what it does not know', () => {
    const variables = { arch: 'amd64', projectVersion: '2.5.9', baseVersion: '0.4.6', dockerNamespace: 'ns', baseDockerNamespace: 'base' };
    expect(
      imageName('$(DOCKER_NS)/$(BASE_DOCKER_NS):$(ARCH)-$(PROJECT_VERSION)-$(TWO_DIGIT_VERSION)-$(BASE_VERSION)$(OTHER)', variables),
    ).toBe('ns/base:amd64-2.5.9-2.5-0.4.6$(OTHER)');
  });
});

describe.skipIf(go === undefined)(`building Go chaincode on this machine${go === undefined ? ' (skipped: no go here)' : ''}`, () => {
  const plan = async (files: Readonly<Record<string, string>>, path: string, codePackage = 'code') => {
    await write(files);
    return new GoPlatform().hostPlan(directory, { path, codePackage: utf8(codePackage) });
  };

  it('uses a module at the root of the sources, its vendor folder too', async () => {
    const {
      workingFolder,
      steps: [install],
      start,
    } = await plan({ 'src/go.mod': 'module example.com/cc' }, 'example.com/cc/cmd');
    expect(workingFolder).toBe('src');
    expect(install?.command.args).toEqual(expect.arrayContaining(['build', '-mod=readonly', 'example.com/cc/cmd']));
    expect(start('p:1')).toMatchObject({ file: './.selvage/chaincode', args: ['-peer.address=p:1'] });
    const vendored = await plan({ 'src/vendor/modules.txt': '' }, 'example.com/cc');
    expect(vendored.steps[0]?.command.args).toContain('-mod=vendor');
  });

  it('finds the main package where the path is one of somebody’s disk', async () => {
    const files = { 'src/go.mod': 'module example.com/cc', 'src/cmd/main.go': 'package main' };
    expect((await plan(files, '/home/me/chaincode')).steps[0]?.command.args.at(-1)).toBe('.');
    expect((await plan(files, 'cmd')).steps[0]?.command.args.at(-1)).toBe('./cmd');
  });

  it('uses a module below the sources', async () => {
    const {
      workingFolder,
      steps: [install],
    } = await plan({ 'src/example.com/cc/go.mod': 'module example.com/cc' }, 'example.com/cc');
    expect(workingFolder).toBe('src/example.com/cc');
    expect(install?.command.args.at(-1)).toBe('.');
  });

  it('falls back to GOPATH, and refuses sources that are not there', async () => {
    const {
      workingFolder,
      steps: [install],
    } = await plan({ 'src/example.com/cc/main.go': '' }, 'example.com/cc');
    expect(workingFolder).toBe('.');
    expect(install?.command).toMatchObject({ file: '/bin/sh', env: { GO111MODULE: 'off' } });
    await expect(plan({}, 'example.com/other')).rejects.toThrow('no Go module and no folder src/example.com/other');
  });

  it('is the same build for the same content, and another for other content or another path', async () => {
    const files = { 'src/go.mod': 'module example.com/cc' };
    const key = (await plan(files, 'example.com/cc')).steps[0]?.key;
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect((await plan(files, 'example.com/cc')).steps[0]?.key).toBe(key);
    expect((await plan(files, 'example.com/cc', 'other')).steps[0]?.key).not.toBe(key);
    expect((await plan(files, 'example.com/cc/cmd')).steps[0]?.key).not.toBe(key);
  });
});

describe('a machine without Go', () => {
  it.skipIf(go?.startsWith('/usr/local/go') || go?.startsWith('/usr/lib/go'))('is told so', async () => {
    const plan = new GoPlatform({ host: {} }).hostPlan(await write({ 'src/go.mod': 'module m.m' }), { path: 'm.m', codePackage: utf8('') });
    await expect(plan).rejects.toThrow('there is no Go on this machine');
  });
});

it('reads its own sample', async () => {
  const sample = join(import.meta.dirname, '..', '..', '..', '..', 'chaincodes', 'kv-go');
  expect(await new GoPlatform().packagePath(sample)).toBe(moduleName(await readFile(join(sample, 'go.mod'), 'utf8')));
});
