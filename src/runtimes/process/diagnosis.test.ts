/** Builds and starts that fail, each for real: the error names the cause, shows the end of the output and says what to do. */

import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainExit } from '../../chaincode/platforms/exit-verdicts.ts';
import { allPlatforms, packSources } from '../../chaincode/platforms/platforms.ts';
import { findTool } from '../../chaincode/platforms/tools.ts';
import { SelvageError } from '../../common/errors.ts';
import { ProcessRuntime } from './process-runtime.ts';

const never = new AbortController().signal;
const GO_PLACES = ['/usr/local/go/bin'];
const go = await findTool('go', process.env, GO_PLACES);
const maven = (await findTool('java', process.env)) && (await findTool('mvn', process.env));
const NOBODY = 'http://127.0.0.1:1';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-diagnosis-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

type Files = Readonly<Record<string, string>>;

interface Tried {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodePath?: string;
  readonly path?: string;
}

async function folderWith(files: Files): Promise<string> {
  const folder = await mkdtemp(join(directory, 'sources-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

function runtimeFor({ env = {}, nodePath = process.execPath }: Tried): ProcessRuntime {
  const host = { ...process.env, npm_config_cache: join(directory, 'npm'), ...env };
  return new ProcessRuntime({
    directory: join(directory, 'runtime'),
    platforms: allPlatforms({ host, nodePath }),
    host,
    nodePath,
    sandbox: 'off',
  });
}

async function specOf(files: Files, path: string | undefined) {
  const sources = await packSources(await folderWith(files));
  const platform = { GOLANG: 'golang', NODE: 'node', JAVA: 'java' }[sources.type];
  return { ccid: 'cc:1', name: 'cc', version: '1', ...sources, path: path ?? sources.path, platform, peerAddress: '127.0.0.1:1', env: {} };
}

/** The error of a launch that must not work; nothing of it is left. */
async function failure(files: Files, tried: Tried = {}): Promise<SelvageError> {
  await using runtime = runtimeFor(tried);
  const thrown: unknown = await runtime.launch(await specOf(files, tried.path), { signal: never }).catch((error: unknown) => error);
  if (!(thrown instanceof SelvageError)) throw new Error('this should have failed', { cause: thrown });
  for (const place of ['instances', 'unfinished', 'builds'])
    expect(await readdir(join(directory, 'runtime', place)).catch(() => []), place).toEqual([]);
  return thrown;
}

/** What a chaincode that ends at once is explained by. */
async function ending(files: Files) {
  await using runtime = runtimeFor({});
  const instance = await runtime.launch(await specOf(files, undefined), { signal: never });
  const exit = await instance.exited;
  return { code: exit.code, ...explainExit(exit.lastOutput) };
}

const manifest = (more: object): Files => ({
  'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node .' }, ...more }),
  'index.js': '',
});

describe('Node chaincode that does not build', () => {
  it('wants a dependency that the registry does not have', async () => {
    const registry = createServer((_, response) =>
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}'),
    );
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const place = registry.address();
    const port = typeof place === 'object' ? place?.port : 0;
    const files = manifest({ dependencies: { 'no-such-thing': '1.0.0' } });
    const error = await failure(files, { env: { npm_config_registry: `http://127.0.0.1:${port}/` } }).finally(() => registry.close());
    expect(error).toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      details: { reason: 'a dependency is not in the npm registry', exitCode: 1 },
    });
    expect(error.message).toMatch(
      /^installing the dependencies of cc:1 exited with 1: a dependency is not in the npm registry\n[\s\S]*npm error code E404[\s\S]*no-such-thing/,
    );
    expect(error.advice).toContain('set NODE_REGISTRY');
  });

  it('has a native module where there is no compiler', async () => {
    const bin = join(directory, 'bin'); // no Python, make or compiler there
    await mkdir(bin);
    for (const [name, target] of [
      ['node', process.execPath],
      ['sh', '/bin/sh'],
    ] as const)
      await symlink(await realpath(target), join(bin, name));
    const tried = { env: { PATH: bin, npm_config_registry: NOBODY }, nodePath: join(bin, 'node') };
    const error = await failure({ ...manifest({}), 'binding.gyp': '{"targets":[{"target_name":"x","sources":["x.c"]}]}' }, tried);
    expect(error.message).toMatch(
      /exited with 1: a native module needs a compiler, make and Python, and one of them is not there\n[\s\S]*gyp/,
    );
    expect(error.advice).toContain('Install a C++ compiler, make and Python');
  });

  it('is TypeScript, and its compiler is a development dependency', async () => {
    const error = await failure(manifest({ scripts: { start: 'node .', postinstall: 'tsc' } }), { env: { PATH: '/usr/bin:/bin' } });
    expect(error.details['reason']).toBe('the TypeScript compiler is not installed');
  });

  it('has no start script', async () => {
    const error = await failure(manifest({ scripts: {} }));
    expect(error).toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID', message: 'package.json of the chaincode has no start script' });
    expect(error.advice).toContain('Add "scripts": { "start":');
  });
});

describe('Node chaincode that does not start', () => {
  it('has a syntax error', async () => {
    expect(await ending({ ...manifest({}), 'index.js': 'const broken = ;' })).toMatchObject({
      code: 1,
      cause: "the sources have an error: SyntaxError: Unexpected token ';'",
    });
  });

  it('needs a module that it does not list', async () => {
    expect(await ending({ ...manifest({}), 'index.js': "require('fabric-shim')" })).toMatchObject({
      code: 1,
      cause: 'a module is missing: fabric-shim',
      advice: expect.stringContaining('"dependencies"'),
    });
  });

  it('starts a program that is not there', async () => {
    expect(await ending(manifest({ scripts: { start: 'fabric-chaincode-node start' } }))).toMatchObject({
      code: 127,
      cause: 'the start script runs a program that is not there: fabric-chaincode-node',
    });
  });
});

const goModule = (main: string, more: Files = {}): Files => ({
  'go.mod': 'module example.com/cc\n\ngo 1.21\n',
  'main.go': `package main\n\n${main}\n`,
  ...more,
});

describe.skipIf(go === undefined)(`Go chaincode that does not build${go === undefined ? ' (skipped: no go here)' : ''}`, () => {
  const MODULE = 'module example.com/cc\n\ngo 1.21\n\nrequire example.invalid/none v1.0.0\n';
  const sum = ['', '/go.mod']
    .map((file) => `example.invalid/none v1.0.0${file} h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`)
    .join('');
  const imports = 'import _ "example.invalid/none"\n\nfunc main() {}';

  it('wants a dependency, and the proxy is not reached', async () => {
    const error = await failure(goModule(imports, { 'go.mod': MODULE, 'go.sum': sum }), { env: { GOPROXY: NOBODY } });
    expect(error.message).toMatch(
      /^the build of cc:1 exited with 1: a dependency could not be got, because the module proxy was not reached\n[\s\S]*connection refused/,
    );
    expect(error.advice).toContain('GOPROXY');
  });

  it('wants a dependency that its go.mod does not list', async () => {
    const error = await failure(goModule(imports));
    expect(error.details['reason']).toBe('go.mod, go.sum and the sources do not fit together');
    expect(error.advice).toContain('go mod tidy');
  });

  it('does not compile', async () => {
    const error = await failure(goModule('func main() { undefinedThing() }'));
    expect(error.details['reason']).toBe('the sources do not compile: main.go:3:15: undefined: undefinedThing');
    expect(error.message).toContain('./main.go:3:15: undefined: undefinedThing');
  });

  it('needs a C compiler that is not there', async () => {
    const error = await failure(goModule('// int x;\nimport "C"\n\nfunc main() { C.x = 1 }'), {
      env: { CGO_ENABLED: '1', CC: 'no-such-compiler' },
    });
    expect(error.details['reason']).toBe('a native dependency needs a C compiler, and there is none');
  });

  it('is no program', async () => {
    const error = await failure(goModule('', { 'main.go': 'package lib\n' }));
    expect(error.message).toBe('the Go package is not a program: it is not called main');
  });

  it('needs a newer Go', async () => {
    const error = await failure(goModule('func main() {}', { 'go.mod': 'module example.com/cc\n\ngo 1.999\n' }), {
      env: { GOTOOLCHAIN: 'local' },
    });
    expect(error.details['reason']).toBe('the chaincode or a dependency needs a newer Go');
  });
});

describe.skipIf(go === undefined)('Go chaincode that does not start', () => {
  it('panics', async () => {
    expect(await ending(goModule('func main() { panic("no way") }'))).toMatchObject({
      code: 2,
      cause: 'the chaincode failed while it started: panic: no way',
    });
  });
});

const POM = (
  dependency = '',
  mainClass = 'example.Main',
) => `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>example</groupId><artifactId>cc</artifactId><version>1</version>
<properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target></properties>
<repositories><repository><id>nobody</id><url>${NOBODY}</url></repository></repositories>
<dependencies>${dependency}</dependencies>
<build><finalName>chaincode</finalName><plugins>
<plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin>
<plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-jar-plugin</artifactId>
<configuration><archive><manifest><mainClass>${mainClass}</mainClass></manifest></archive></configuration></plugin>
</plugins></build></project>`;
const javaProject = (pom: string, statement = ''): Files => ({
  'pom.xml': pom,
  'src/main/java/example/Main.java': `package example;\n\nclass Main {\n  public static void main(String[] args) {\n    ${statement}\n  }\n}\n`,
});

describe.skipIf(!maven)(`Java chaincode${maven ? '' : ' (skipped: no java or no mvn here)'}`, () => {
  it('wants a dependency, and the repository is not reached', async () => {
    const dependency = '<dependency><groupId>example.invalid</groupId><artifactId>none</artifactId><version>1</version></dependency>';
    const error = await failure(javaProject(POM(dependency)));
    expect(error.message).toMatch(
      /^the build of cc:1 exited with 1: a dependency could not be got, because the repository was not reached\n[\s\S]*example\.invalid:none/,
    );
    expect(error.advice).toContain('Maven or Gradle settings');
  }, 120_000);

  it('does not compile', async () => {
    const error = await failure(javaProject(POM(), 'undefinedThing();'));
    expect(error.details['reason']).toMatch(/^the sources do not compile: .*Main\.java:\[5,5\] cannot find symbol/);
    expect(error.message).toContain('undefinedThing');
  }, 120_000);

  it('has a main class that is not there', async () => {
    expect(await ending(javaProject(POM('', 'example.Absent')))).toMatchObject({
      code: 1,
      cause: 'the main class example.Absent is not in the jar',
    });
  }, 120_000);
});
