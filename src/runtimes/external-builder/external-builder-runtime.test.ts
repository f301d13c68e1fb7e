import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedRuntime } from '../../../test/fakes/scripted-runtime.ts';
import { freePort } from '../../../test/free-ports.ts';
import { writeProgram } from '../../../test/program-file.ts';
import { type BuilderScripts, RUN_FIELD, writeBuilder } from '../../../test/runtimes/builder-scripts.ts';
import { sampleOrSkip } from '../../../test/runtimes/installed-sample.ts';
import { StartedProgram } from '../../../test/runtimes/started-program.ts';
import { testPeer } from '../../../test/runtimes/test-peer.ts';
import { runs } from '../../chaincode/ports/runtime.contract.ts';
import { utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { LogFields, Logger } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import { CcaasBuilder } from './ccaas-builder.ts';
import { ExternalBuilderRuntime } from './external-builder-runtime.ts';
import { ProgramBuilder } from './program-builder.ts';

const never = new AbortController().signal;
const ID = 'basic_1.0:0123abcd';
const FOLDER = 'basic_1.0-0123abcd';
const METADATA = '{"path":"","type":"special","label":"basic_1.0","extra":1}';
const sample = await sampleOrSkip('kv-node');

async function tarGz(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return gzipSync(await buffer(Readable.from(archive)));
}

/** Everything that was logged, as `message field=value …`. */
class Heard implements Logger {
  readonly lines: string[];
  readonly #fields: LogFields;
  constructor(lines: string[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#fields = fields;
  }
  #hear(message: string, fields: LogFields = {}): void {
    this.lines.push([message, ...Object.entries({ ...this.#fields, ...fields }).map(([name, value]) => `${name}=${value}`)].join(' '));
  }
  debug = (message: string, fields?: LogFields): void => this.#hear(message, fields);
  info = (message: string, fields?: LogFields): void => this.#hear(message, fields);
  warn = (message: string, fields?: LogFields): void => this.#hear(message, fields);
  error = (message: string, fields?: LogFields): void => this.#hear(message, fields);
  child(fields: LogFields): Logger {
    return new Heard(this.lines, { ...this.#fields, ...fields });
  }
}

let scope: Scope;
let folder: string;
let log: Heard;
let code: Uint8Array;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'selvage-builder-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  log = new Heard();
  code = await tarGz({ 'src/hello.txt': 'hello', 'META-INF/statedb/couchdb/indexes/i.json': '{}' });
});
afterEach(() => scope[Symbol.asyncDispose]());

type Programs = BuilderScripts;

/** A builder of shell scripts; `$D` in them is a folder where they can leave notes for the test. */
async function builder(programs: Programs, { name = 'test', propagate = [] as string[], host = {} as Record<string, string> } = {}) {
  const path = join(folder, name);
  const scripts = Object.entries(programs).map(([program, script]) => [program, `D='${folder}'\n${script}`]);
  await writeBuilder(path, Object.fromEntries(scripts));
  const env = { PATH: process.env['PATH'] ?? '', ...host };
  return new ProgramBuilder({ name, path, propagateEnvironment: propagate }, env);
}

const runtimeOf = (...builders: readonly (ProgramBuilder | CcaasBuilder)[]) =>
  scope.use(
    new ExternalBuilderRuntime({
      directory: join(folder, 'externalbuilder'),
      builders,
      fallback: undefined,
      mspId: 'Org1MSP',
      log,
      graceMs: 500,
    }),
  );

const spec = (changes: Partial<LaunchSpec> = {}): LaunchSpec => ({
  ccid: ID,
  name: 'basic',
  version: '1.0',
  platform: 'special',
  codePackage: code,
  metadata: utf8(METADATA),
  path: '',
  peerAddress: 'peer:7052',
  env: {},
  ...changes,
});

const note = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
const launch = (runtime: ExternalBuilderRuntime, changes: Partial<LaunchSpec> = {}) => runtime.launch(spec(changes), { signal: never });

async function leftovers(): Promise<readonly string[]> {
  const found = await Promise.all(['unfinished', 'runs'].map((name) => readdir(join(folder, 'externalbuilder', name)).catch(() => [])));
  return found.flat();
}

const STAY = 'exec sleep 1000';

describe('the programs of an external builder', () => {
  it('get their folders, and what they make is kept in Fabric’s layout', async () => {
    const build = await builder({
      detect: 'echo $# > $D/detect; cat "$2/metadata.json" >> $D/detect; cat "$1/src/hello.txt" >> $D/detect',
      build: 'echo $# > $D/build; test -f "$1/src/hello.txt" && test -f "$2/metadata.json" && echo built > "$3/artifact"',
      release: 'echo $# > $D/release; cat "$1/artifact" >> $D/release; mkdir -p "$2/statedb"; touch "$2/statedb/x"',
      run: `echo $# > $D/run; cat "$1/artifact" >> $D/run; cat "$2/chaincode.json" > $D/chaincode.json; ${STAY}`,
    });
    const runtime = runtimeOf(build);
    const instance = await launch(runtime, { tls: { clientKey: 'KEY', clientCert: 'CERT', rootCert: 'ROOT' } });
    await expect.poll(() => existsSync(join(folder, 'chaincode.json'))).toBe(true);
    await expect.poll(() => note('chaincode.json')).not.toBe('');
    expect(await note('detect')).toBe(`2\n${METADATA}hello`);
    expect(await note('build')).toBe('3\n');
    expect(await note('release')).toBe('2\nbuilt\n');
    expect(await note('run')).toBe('2\nbuilt\n');
    expect(JSON.parse(await note('chaincode.json'))).toEqual({
      chaincode_id: ID,
      peer_address: 'peer:7052',
      client_cert: 'CERT',
      client_key: 'KEY',
      root_cert: 'ROOT',
      mspid: 'Org1MSP',
    });
    const kept = join(folder, 'externalbuilder', 'builds', FOLDER);
    expect(JSON.parse(await readFile(join(kept, 'build-info.json'), 'utf8'))).toEqual({ builder_name: 'test' });
    expect(await readdir(join(kept, 'bld'))).toEqual(['artifact']);
    expect(await readdir(join(kept, 'release'))).toEqual(['statedb']);
    await instance[Symbol.asyncDispose]();
    expect(await leftovers()).toEqual([]);
  });

  it('work in folders that are called as in Fabric, for none but the peer’s user', async () => {
    const build = await builder({
      detect: 'echo "$1 $2" > $D/detect; exit 0',
      build: 'echo "$1 $2 $3" > $D/build; ls "$1" > $D/source',
      release: 'echo "$1 $2" > $D/release',
      run: `stat -c %a "$2/chaincode.json" > $D/mode; cat "$2/chaincode.json" > $D/chaincode.json; ${STAY}`,
    });
    await launch(runtimeOf(build));
    const [source = '', metadata = ''] = (await note('detect')).trim().split(' ');
    const place = dirname(source);
    expect(basename(place)).toBe(`fabric-${FOLDER}`);
    expect([source, metadata]).toEqual([join(place, 'src'), join(place, 'metadata')]);
    expect((await note('build')).trim()).toBe([source, metadata, join(place, 'bld')].join(' '));
    expect((await note('release')).trim()).toBe([join(place, 'bld'), join(place, 'release')].join(' '));
    expect((await note('source')).split('\n')).toEqual(['META-INF', 'src', '']);
    await expect.poll(() => note('chaincode.json').catch(() => '')).not.toBe('');
    expect((await note('mode')).trim()).toBe('600');
    expect(JSON.parse(await note('chaincode.json'))).toMatchObject({ client_cert: '', client_key: '', root_cert: '' });
  });

  it('are asked to build without running anything, and a launch takes what they built', async () => {
    const build = await builder({
      detect: 'echo asked; exit 0',
      build: 'echo x >> $D/builds; echo built',
      release: 'echo x >> $D/releases',
      run: `echo x >> $D/runs; ${STAY}`,
    });
    const runtime = runtimeOf(build);
    const printed: string[] = [];
    await runtime.build(spec({ output: ({ stream, text }) => printed.push(`${stream} ${text}`) }), { signal: never });
    expect(printed).toEqual([
      'peer build started: external builder test',
      'build built',
      expect.stringMatching(/^peer build finished after [\d.]+ s$/),
    ]);
    expect(await note('releases')).toBe('x\n');
    expect(existsSync(join(folder, 'runs'))).toBe(false);
    await launch(runtime);
    await expect.poll(() => note('runs').catch(() => '')).toBe('x\n');
    expect(await note('builds')).toBe('x\n');
  });

  it('may have a release that cannot be executed: it counts as none, and the log says so', async () => {
    const build = await builder({ detect: 'exit 0', build: ':', release: 'touch $D/released', run: STAY });
    await chmod(join(folder, 'test', 'bin', 'release'), 0o644);
    await launch(runtimeOf(build));
    expect(existsSync(join(folder, 'released'))).toBe(false);
    expect(log.lines.join('\n')).toContain('release step skipped: the program is not executable');
  });

  it('see the metadata of a deployment spec as a Go peer writes it', async () => {
    const build = await builder({ detect: 'cp "$2/metadata.json" $D/seen; exit 0', build: ':', run: STAY });
    await launch(runtimeOf(build), { metadata: undefined, platform: 'golang', path: 'example.com/cc', ccid: 'basic:1.0' });
    expect(await note('seen')).toBe('{"type":"GOLANG","path":"example.com/cc","label":"basic"}');
  });

  it('get the variables that are propagated, and no others', async () => {
    const build = await builder(
      { detect: 'env > $D/env; exit 0', build: ':', run: STAY },
      { propagate: ['WANTED', 'ABSENT'], host: { WANTED: 'yes', CORE_PEER_SECRET: 'no', TMPDIR: '/tmp' } },
    );
    await launch(runtimeOf(build));
    const names = (await note('env')).split('\n').map((line) => line.split('=')[0]);
    expect(names).toEqual(expect.arrayContaining(['WANTED', 'PATH', 'TMPDIR']));
    expect(names).not.toContain('CORE_PEER_SECRET');
    expect(names).not.toContain('ABSENT');
  });

  it('have every line that builds print in the log, and what the chaincode prints not', async () => {
    const build = await builder({ detect: 'exit 0', build: 'echo to stdout; echo to stderr >&2', run: `echo running; ${STAY}` });
    await launch(runtimeOf(build));
    const built = log.lines.filter((line) => line.includes('command=build'));
    expect(built).toEqual([expect.stringContaining('line=to std'), expect.stringContaining('line=to std')]);
    expect(built[0]).toContain('builder=test');
    expect(log.lines.join('\n')).not.toContain('line=running');
  });

  it('are run once for a package, however many launch it and also after a restart', async () => {
    const build = await builder({ detect: 'echo x >> $D/detects; exit 0', build: 'echo x >> $D/builds; sleep 0.1', run: STAY });
    const runtime = runtimeOf(build);
    await Promise.all([launch(runtime), launch(runtime), launch(runtime)]);
    await launch(runtimeOf(build));
    expect(await note('builds')).toBe('x\n');
    expect(await note('detects')).toBe('x\n');
  });
});

describe('choosing a builder', () => {
  it('takes the first that detects the package', async () => {
    const no = await builder({ detect: 'echo no >> $D/order; exit 1' }, { name: 'no' });
    const yes = await builder({ detect: 'echo yes >> $D/order; exit 0', build: ':', run: STAY }, { name: 'yes' });
    const late = await builder({ detect: 'echo late >> $D/order; exit 0' }, { name: 'late' });
    await launch(runtimeOf(no, yes, late));
    expect(await note('order')).toBe('no\nyes\n');
  });

  it('goes on to the next when one cannot be asked, and tells the log', async () => {
    const gone = new ProgramBuilder({ name: 'gone', path: join(folder, 'nowhere'), propagateEnvironment: [] }, {});
    const killed = await builder({ detect: 'kill -9 $$' }, { name: 'killed' });
    const yes = await builder({ detect: 'exit 0', build: ':', run: STAY }, { name: 'yes' });
    await launch(runtimeOf(gone, killed, yes));
    expect(log.lines.join('\n')).toMatch(
      /external builder cannot be asked builder=gone program=\S+detect .*reason=no such file: there is no folder \S+nowhere$/m,
    );
  });

  it('leaves what nobody claims to the runtime behind, with the way in that the peer offers', async () => {
    const no = await builder({ detect: 'exit 1' });
    const offered: unknown[] = [];
    const fallback = new ScriptedRuntime((_, { accept, registered }) => void offered.push(accept, registered));
    const runtime = scope.use(
      new ExternalBuilderRuntime({ directory: join(folder, 'externalbuilder'), builders: [no], fallback, mspId: '', log }),
    );
    const accept = async (): Promise<void> => undefined;
    const registered = Promise.resolve();
    await runtime.launch(spec(), { signal: never, accept, registered });
    expect(fallback.events).toEqual([`launch ${ID}`]);
    expect(offered).toEqual([accept, registered]);
    expect(await leftovers()).toEqual([]);
  });

  it('says that nobody knows the type', async () => {
    await expect(launch(runtimeOf(new CcaasBuilder('')))).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: expect.stringContaining("no external builder claims packages of type 'special'"),
    });
  });

  it('recognises a package for Kubernetes, even with a runtime behind', async () => {
    const runtime = scope.use(
      new ExternalBuilderRuntime({ directory: folder, builders: [], fallback: new ScriptedRuntime(() => undefined), mspId: '', log }),
    );
    await expect(launch(runtime, { metadata: utf8('{"type":"k8s","label":"x"}') })).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: expect.stringContaining('package for Kubernetes'),
      advice: expect.stringContaining('ccaas'),
    });
  });

  it('lets an external builder have a package for Kubernetes that claims it', async () => {
    const build = await builder({ detect: `grep -q '"type":"k8s"' "$2/metadata.json"`, build: ':', run: `touch $D/ran; ${STAY}` });
    const fallback = new ScriptedRuntime(() => undefined);
    const runtime = scope.use(
      new ExternalBuilderRuntime({ directory: join(folder, 'externalbuilder'), builders: [build], fallback, mspId: '', log }),
    );
    await launch(runtime, { metadata: utf8('{"type":"k8s","label":"x"}') });
    await expect.poll(() => existsSync(join(folder, 'ran'))).toBe(true);
    expect(fallback.events).toEqual([]);
  });

  it('tells at the build already that nobody takes a package', async () => {
    const building = runtimeOf().build(spec({ metadata: utf8('{"type":"K8S"}') }), { signal: never });
    await expect(building).rejects.toMatchObject({ message: expect.stringContaining('package for Kubernetes') });
  });

  it('refuses a build of a builder that is no longer configured', async () => {
    const build = await builder({ detect: 'exit 0', build: ':', run: STAY }, { name: 'old' });
    await launch(runtimeOf(build));
    await expect(launch(runtimeOf())).rejects.toMatchObject({
      message: expect.stringContaining(`chaincode '${ID}' was already built with builder 'old', but that builder is no longer available`),
    });
  });
});

describe('a builder that cannot be asked', () => {
  const detectOf = (build: string): string => join(folder, build, 'bin', 'detect');

  /** A builder whose detect is this file. */
  async function withDetect(name: string, text: string, mode = 0o755): Promise<ProgramBuilder> {
    await writeProgram(detectOf(name), text);
    await chmod(detectOf(name), mode);
    return new ProgramBuilder({ name, path: join(folder, name), propagateEnvironment: [] }, { PATH: '/usr/bin:/bin' });
  }

  it.each([
    [
      'has no folder',
      async () => new ProgramBuilder({ name: 'nosh', path: join(folder, 'none'), propagateEnvironment: [] }, {}),
      /no such file: there is no folder \S+none/,
    ],
    [
      'has an interpreter that is not there',
      () => withDetect('nosh', '#!/usr/bin/nosuchshell\nexit 0\n'),
      /its interpreter \/usr\/bin\/nosuchshell is not there/,
    ],
    ['may not be executed', () => withDetect('nosh', '#!/bin/sh\nexit 0\n', 0o644), /it is not executable \(its mode is 644\)/],
    [
      'was written on Windows',
      () => withDetect('nosh', '#!/bin/sh\r\nexit 0\r\n'),
      /its interpreter \/bin\/sh is not there|ends as in Windows/,
    ],
    [
      'runs what is not there',
      () => withDetect('nosh', '#!/bin/sh\nnosuchtool "$1"\n'),
      /it ran a program that is not there.*nosuchtool: not found/s,
    ],
    [
      'is found by env that finds nothing',
      () => withDetect('nosh', '#!/usr/bin/env nosuchshell\nexit 0\n'),
      /it ran a program that is not there.*nosuchshell/s,
    ],
  ])('%s: the install says so, and nobody else runs the package', async (_, make, why) => {
    const runtime = runtimeOf(await make());
    const failure = await launch(runtime).then(
      () => new SelvageError('INTERNAL', 'no failure'),
      (thrown: unknown) => SelvageError.from(thrown),
    );
    expect(failure.code).toBe('CHAINCODE_BUILD_FAILED');
    expect(failure.message).toContain("external builder 'nosh' could not be asked whether the package is its own: ");
    expect(failure.message).toContain(join('bin', 'detect'));
    expect(failure.message).toMatch(why);
  });

  it('is no matter when another one claims the package, or when it is that of Fabric’s images', async () => {
    const yes = await builder({ detect: 'exit 0', build: ':', run: STAY }, { name: 'yes' });
    await launch(runtimeOf(await withDetect('nosh', '#!/usr/bin/nosuchshell\n'), yes));
    const stock = new ProgramBuilder({ name: 'ccaas_builder', path: '/opt/hyperledger/no-ccaas-builder', propagateEnvironment: [] }, {});
    expect(await stock.problem()).toBeUndefined();
    expect(await (await withDetect('other', '#!/usr/bin/nosuchshell\n')).problem()).toContain('nosuchshell');
  });
});

describe('a program that fails', () => {
  it.each([
    [
      'build',
      { build: 'echo the reason >&2; exit 7' },
      /external builder failed to build: external builder 'test' failed: exit status 7.*the reason/s,
    ],
    ['build by a signal', { build: 'kill -9 $$' }, /failed to build: external builder 'test' failed: signal: SIGKILL/],
    ['build that is missing', {}, /failed to build: external builder 'test' failed: .*bin\/build: no such file/],
    ['release', { build: ':', release: 'echo no; exit 1' }, /failed to release: builder 'test' release failed: exit status 1.*no/s],
  ])('%s: is told, nothing is kept, and the next launch tries again', async (_, programs: Programs, message) => {
    const build = await builder({ detect: 'echo x >> $D/detects', ...programs });
    const runtime = runtimeOf(build);
    for (let time = 1; time <= 2; time += 1) {
      await expect(launch(runtime)).rejects.toMatchObject({ code: 'CHAINCODE_BUILD_FAILED', message: expect.stringMatching(message) });
      expect(await note('detects')).toBe('x\n'.repeat(time));
    }
    expect(await leftovers()).toEqual([]);
    expect(await readdir(join(folder, 'externalbuilder', 'builds')).catch(() => [])).toEqual([]);
  });

  it('run that is missing', async () => {
    const build = await builder({ detect: 'exit 0', build: ':' });
    await expect(launch(runtimeOf(build))).rejects.toMatchObject({
      code: 'CHAINCODE_LAUNCH_FAILED',
      message: expect.stringContaining("could not execute run: builder 'test' run failed to start"),
    });
    expect(await leftovers()).toEqual([]);
  });

  it('run that ends is the end of the chaincode, with its code and output', async () => {
    const build = await builder({ detect: 'exit 0', build: ':', run: 'echo sorry; exit 3' });
    const instance = await launch(runtimeOf(build));
    expect(await instance.exited).toEqual({ code: 3, signal: null, lastOutput: ['sorry'] });
    expect(await leftovers()).toEqual([]);
  });

  it('run that does not end at SIGTERM is killed, with what it started', async () => {
    const build = await builder({ detect: 'exit 0', build: ':', run: 'trap "" TERM; sleep 1000 & echo $! > $D/pid; wait; wait; wait' });
    const instance = await launch(runtimeOf(build));
    await expect.poll(() => note('pid').catch(() => '')).not.toBe('');
    const child = Number(await note('pid'));
    expect(runs(child)).toBe(true);
    await instance[Symbol.asyncDispose]();
    expect(runs(child)).toBe(false);
    expect((await instance.exited).signal).toBe('SIGKILL');
  });

  it('build that nobody waits for any more is stopped', async () => {
    const build = await builder({ detect: 'exit 0', build: 'echo $$ > $D/pid; exec sleep 1000' });
    const gone = new AbortController();
    const launching = runtimeOf(build).launch(spec(), { signal: gone.signal });
    await expect.poll(() => note('pid').catch(() => '')).not.toBe('');
    gone.abort(new Error('caller left'));
    await expect(launching).rejects.toThrow('caller left');
    expect(runs(Number(await note('pid')))).toBe(false);
    expect(await leftovers()).toEqual([]);
  });
});

describe.skipIf(sample === undefined)('with the released shim (skipped without fixtures or npm)', () => {
  it('runs chaincode that a run program starts', async () => {
    const build = await builder({
      detect: 'grep -q special "$2/metadata.json"',
      build: 'cp -r "$1/." "$3/"',
      run: [
        RUN_FIELD,
        'export CORE_CHAINCODE_ID_NAME="$(field chaincode_id)" CORE_PEER_TLS_ENABLED=false',
        `cd ${sample} && exec node index.js --peer.address "$(field peer_address)"`,
      ].join('\n'),
    });
    const loaded = { platform: 'special', codePackage: code, path: '', metadata: utf8(METADATA) };
    const peer = scope.use(await testPeer({ runtime: runtimeOf(build), code: loaded, log }));
    expect((await peer.call(ID, 'put', 'a', '1')).text).toBe('ok');
    expect((await peer.call(ID, 'get', 'a')).text).toBe('1');
  });

  it('dials the service of a ccaas package, its address filled in', async () => {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    scope.use(
      new StartedProgram(process.execPath, ['index.js'], {
        cwd: sample ?? '',
        env: { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: ID },
      }),
    );
    const connection = { address: '{{.host}}:{{.port}}', dial_timeout: '200s', tls_required: false };
    const codePackage = await tarGz({ 'connection.json': JSON.stringify(connection), 'META-INF/statedb/couchdb/indexes/i.json': '{}' });
    const loaded = { platform: 'ccaas', codePackage, path: '', metadata: utf8('{"type":"CCAAS","label":"basic_1.0"}') };
    const builders = new CcaasBuilder(JSON.stringify({ host: '127.0.0.1', port }));
    const peer = scope.use(await testPeer({ runtime: runtimeOf(builders), code: loaded, log }));
    expect((await peer.call(ID, 'put', 'a', '1')).text).toBe('ok');
    const release = join(folder, 'externalbuilder', 'builds', FOLDER, 'release');
    expect(existsSync(join(release, 'statedb', 'couchdb', 'indexes', 'i.json'))).toBe(true);
    expect(JSON.parse(await readFile(join(release, 'chaincode', 'server', 'connection.json'), 'utf8'))).toMatchObject({ address });
  });
});

describe('a ccaas package', () => {
  const metadata = utf8('{"type":"ccaas","label":"basic_1.0"}');
  it.each([
    [{}, '', 'connection.json not found in source folder'],
    [{ 'connection.json': 'nonsense' }, '', 'connection.json is no JSON'],
    [
      { 'connection.json': '{"address":"{{.peername}}:1"}' },
      '',
      'Failed to parse the Address field template: map has no entry for key "peername"',
    ],
    [{ 'connection.json': '{"address":"{{.peername}}:1"}' }, '{', 'CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG is no JSON'],
    [{ 'connection.json': '{}' }, '', 'chaincode address not provided'],
    [{ 'connection.json': '{"address":"cc:1","tls_required":true}' }, '', 'chaincode tls root cert not provided'],
  ])('with %j and configuration %j is refused', async (files, config, message) => {
    const codePackage = await tarGz({ 'other.txt': '', ...files });
    await expect(launch(runtimeOf(new CcaasBuilder(config)), { metadata, codePackage })).rejects.toThrow(message);
    expect(await leftovers()).toEqual([]);
  });
});
