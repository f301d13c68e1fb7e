/** The user's build tools obey the user's settings, and need no network once their caches are filled. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../../test/runtimes/npm-registry.ts';
import { Scope } from '../../common/scope.ts';
import { packFolder } from '../../packages/archive/pack.ts';
import type { BuildSpec } from '../../packages/launch-spec.ts';
import { allPlatforms, platformNamed } from '../../packages/platforms/platforms.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import { ProcessRuntime } from './process-runtime.ts';

const never = new AbortController().signal;
const go = await findTool('go', process.env, ['/usr/local/go/bin']);
const maven = await findTool('mvn', process.env);
const java = await findTool('java', process.env);
const needs = (what: string, tool: string | undefined): string => (tool === undefined ? ` (skipped: there is no ${what})` : '');

let scope: Scope;
let directory: string;
let home: string;
beforeEach(async () => {
  scope = new Scope();
  directory = await mkdtemp(join(tmpdir(), 'selvage-settings-'));
  home = await folder('home', {});
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  scope.defer(() => makeRemovable(join(home, 'go')));
});
afterEach(() => scope[Symbol.asyncDispose]());

async function folder(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  await mkdir(join(directory, name), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name, path)), { recursive: true });
    await writeFile(join(directory, name, path), content);
  }
  return join(directory, name);
}

/** Go makes its module cache read-only. */
const makeRemovable = async (path: string): Promise<void> => {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o700);
};

type Host = Readonly<Record<string, string>>;

/** Builds a folder from nothing, with the caches and settings of the home. @returns the folder of the build */
async function build(sources: string, platform: 'node' | 'golang' | 'java', extra: Host = {}, ready?: Uint8Array): Promise<string> {
  const host = { PATH: `${process.env['PATH']}:/usr/local/go/bin`, HOME: home, ...extra };
  const place = await mkdtemp(join(directory, 'runtime-'));
  await using runtime = new ProcessRuntime({ shareBuildCaches: true, directory: place, platforms: allPlatforms({ host }), host });
  const packer = allPlatforms({ host }).find(({ name }) => name === platform);
  if (packer === undefined) throw new Error(platform);
  const spec: BuildSpec = {
    ccid: 'cc:1',
    name: 'cc',
    version: '1',
    platform,
    codePackage: ready ?? (await packer.pack(sources)),
    path: await packer.packagePath(sources),
  };
  await runtime.build(spec, { signal: never });
  const [key = ''] = await readdir(join(place, 'builds'));
  return join(place, 'builds', key);
}

const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

describe('npm', () => {
  const manifest = JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node .' }, dependencies: { dep: '1.0.0' } });
  const quick = { npm_config_fetch_retries: '0' };
  const installed = (built: string): Promise<boolean> => there(join(built, 'node_modules', 'dep', 'i.js'));
  const lockOf = (integrity: string): string => {
    const packages = {
      '': { name: 'cc', version: '1.0.0', dependencies: { dep: '1.0.0' } },
      'node_modules/dep': { version: '1.0.0', integrity },
    };
    return JSON.stringify({ name: 'cc', version: '1.0.0', lockfileVersion: 3, requires: true, packages });
  };

  it('obeys the .npmrc of the peer’s user, credentials included', async () => {
    await using registry = await openRegistry();
    const place = registry.url.replace(/^http:/, '');
    await folder('home', { '.npmrc': `registry=${registry.url}\n${place}:_authToken=of-the-user\n` });
    const sources = await folder('cc', { 'package.json': manifest });
    expect(await installed(await build(sources, 'node', quick))).toBe(true);
    expect([...registry.authorizations]).toContain('Bearer of-the-user');
  });

  it('obeys the .npmrc in the package', async () => {
    await using registry = await openRegistry();
    const place = registry.url.replace(/^http:/, '');
    await folder('home', { '.npmrc': 'registry=http://127.0.0.1:1/\n' });
    const sources = await folder('cc', { 'package.json': manifest, '.npmrc': `registry=${registry.url}\n${place}:_authToken=secret\n` });
    expect(await installed(await build(sources, 'node', quick))).toBe(true);
    expect([...registry.authorizations]).toContain('Bearer secret');
  });

  it('obeys NODE_REGISTRY before either', async () => {
    await using registry = await openRegistry();
    await folder('home', { '.npmrc': 'registry=http://127.0.0.1:1/\n' });
    const sources = await folder('cc', { 'package.json': manifest, '.npmrc': 'registry=http://127.0.0.1:1/\n' });
    expect(await installed(await build(sources, 'node', { ...quick, NODE_REGISTRY: registry.url }))).toBe(true);
  });

  it('needs no registry for what its cache has', async () => {
    const registry = await openRegistry();
    const host = { ...quick, NODE_REGISTRY: registry.url };
    const sources = await folder('cc', { 'package.json': manifest, 'package-lock.json': lockOf(registry.integrity) });
    await build(sources, 'node', host);
    await registry[Symbol.asyncDispose]();
    expect(await installed(await build(sources, 'node', { ...host, npm_config_prefer_offline: 'true' }))).toBe(true);
    expect(registry.fetched).toBe(1);
  });
});

/** A zip of files that are not compressed, as a module proxy hands it out. */
function zip(files: Readonly<Record<string, string>>): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const entry = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, Buffer.from(name), content]);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\u0001\u0002\u0014\u0000'), common, where, Buffer.from(name));
    parts.push(entry);
    at += entry.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(parts.length, 4);
  end.writeUInt16LE(parts.length, 6);
  end.writeUInt32LE(index.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, index, Buffer.from('PK\u0005\u0006'), end]);
}

/** A server of files that remembers what was asked for. */
async function serve(files: Readonly<Record<string, string | Uint8Array>>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const content = files[path];
    if (content === undefined) response.writeHead(404).end();
    else response.end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const place = server.address();
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  scope.defer(close);
  return { asked, close, url: `http://127.0.0.1:${typeof place === 'object' && place !== null ? place.port : 0}` };
}

describe.skipIf(go === undefined)(`go${needs('Go', go)}`, () => {
  const MOD = 'module dep.example\n\ngo 1.20\n';
  const PROXY = {
    '/dep.example/@v/list': 'v1.0.0\n',
    '/dep.example/@v/v1.0.0.info': '{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}',
    '/dep.example/@v/v1.0.0.mod': MOD,
    '/dep.example/@v/v1.0.0.zip': zip({
      'dep.example@v1.0.0/go.mod': MOD,
      'dep.example@v1.0.0/d.go': 'package dep\n\nconst Value = "x"\n',
    }),
  };
  const CHAINCODE = {
    'go.mod': 'module example.com/cc\n\ngo 1.20\n\nrequire dep.example v1.0.0\n',
    'main.go': 'package main\n\nimport dep "dep.example"\n\nfunc main() { println(dep.Value) }\n',
  };
  const built = (place: string): Promise<boolean> => there(join(place, '.selvage', 'chaincode'));
  const unchecked = { GOFLAGS: '-mod=mod', GONOSUMDB: '*', GONOSUMCHECK: '1', GOSUMDB: 'off' };
  /** The module cache alone is the test's: compiling the standard library anew would take minutes. */
  const compiled = { GOCACHE: process.env['GOCACHE'] ?? join(homedir(), '.cache', 'go-build') };

  it('obeys GOPROXY and GOFLAGS, and needs no proxy for what its cache has', async () => {
    const proxy = await serve(PROXY);
    const sources = await folder('cc', CHAINCODE);
    const env = { PATH: process.env['PATH'] ?? '', HOME: home, ...compiled, ...unchecked, GOPROXY: proxy.url };
    await promisify(execFile)(go ?? 'go', ['mod', 'tidy'], { cwd: sources, env }); // writes go.sum
    await makeRemovable(join(home, 'go'));
    await rm(join(home, 'go'), { recursive: true, force: true });
    proxy.asked.length = 0;
    expect(await built(await build(sources, 'golang', { ...compiled, ...unchecked, GOPROXY: proxy.url }))).toBe(true);
    expect(proxy.asked).toContain('/dep.example/@v/v1.0.0.zip');
    await proxy.close();
    expect(await built(await build(sources, 'golang', { ...compiled, ...unchecked, GOPROXY: 'off' }))).toBe(true);
    await expect(build(sources, 'golang', { ...compiled, GOFLAGS: '-nosuchflag' })).rejects.toThrow('nosuchflag');
  });

  it('uses what is vendored, without any proxy', async () => {
    const sources = await folder('cc', {
      ...CHAINCODE,
      'vendor/modules.txt': '# dep.example v1.0.0\n## explicit; go 1.20\ndep.example\n',
      'vendor/dep.example/d.go': 'package dep\n\nconst Value = "vendored"\n',
    });
    expect(await built(await build(sources, 'golang', { ...compiled, GOPROXY: 'off' }))).toBe(true);
  });

  it('builds what was packed below GOPATH, with what it imports from elsewhere', async () => {
    const root = await folder('gopath', {
      'src/example.com/old/main.go': 'package main\n\nimport "example.com/lib"\n\nfunc main() { println(lib.Value) }\n',
      'src/example.com/lib/lib.go': 'package lib\n\nconst Value = "x"\n',
    });
    const packer = platformNamed('golang', { host: { PATH: `${process.env['PATH']}:/usr/local/go/bin`, HOME: home, GOPATH: root } });
    if (packer === undefined) throw new Error('golang');
    const codePackage = await packer.pack(join(root, 'src', 'example.com', 'old'));
    const host = { PATH: `${process.env['PATH']}:/usr/local/go/bin`, HOME: home, ...compiled, GOPROXY: 'off' };
    await using runtime = new ProcessRuntime({ directory: join(directory, 'runtime'), platforms: allPlatforms({ host }), host });
    const spec = { ccid: 'cc:1', name: 'cc', version: '1', platform: 'golang', codePackage, path: 'example.com/old' };
    await runtime.build(spec, { signal: never });
    expect(await readdir(join(directory, 'runtime', 'builds'))).toHaveLength(1);
  });
});

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>e</groupId><artifactId>cc</artifactId><version>1</version><build><finalName>chaincode</finalName></build></project>`;

describe.skipIf(maven === undefined)(`Maven${needs('Maven', maven)}`, () => {
  it('obeys the settings of the peer’s user', async () => {
    const mirror = await serve({});
    const settings = `<settings><mirrors><mirror><id>mine</id><mirrorOf>*</mirrorOf><url>${mirror.url}</url></mirror></mirrors></settings>`;
    await folder('home', { '.m2/settings.xml': settings });
    const sources = await folder('cc', { 'pom.xml': POM, 'src/main/java/A.java': 'class A {}' });
    await expect(build(sources, 'java', { MAVEN_OPTS: `-Duser.home=${home}` })).rejects.toMatchObject({ code: 'CHAINCODE_BUILD_FAILED' });
    expect(mirror.asked.some((path) => path.startsWith('/org/apache/maven/plugins/'))).toBe(true);
    expect(await there(join(home, '.m2', 'repository'))).toBe(true);
  });
});

describe.skipIf(java === undefined)(`a Gradle wrapper in the package${needs('Java', java)}`, () => {
  it('is what builds, with the user’s Gradle home', async () => {
    const wrapper =
      '#!/bin/sh\nset -e\necho "$@" > "$GRADLE_USER_HOME/asked"\nmkdir -p build/libs\nprintf jar > build/libs/chaincode.jar\n';
    const sources = await folder('cc', {
      'build.gradle': '',
      gradlew: wrapper,
      'gradle/wrapper/gradle-wrapper.jar': 'jar',
      'src/main/java/A.java': 'class A {}',
    });
    const withWrapper = await packFolder(sources, { skip: () => false });
    const place = await build(sources, 'java', { GRADLE_USER_HOME: join(home, 'my-gradle') }, withWrapper);
    expect(await there(join(place, '.selvage', 'chaincode.jar'))).toBe(true);
    expect(await there(join(home, 'my-gradle', 'asked'))).toBe(true);
  });
});
