/** Chaincode in Docker containers: each failure for real, on a real engine. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { systemClock } from '../../../src/common/clock.ts';
import { CertificateAuthority } from '../../../src/msp/material/certificate-authority.ts';
import { writeTar } from '../../../src/packages/archive/tar-writer.ts';
import { IMAGE_SETTINGS } from '../../../src/packages/platforms/image-names.ts';
import { NodePlatform } from '../../../src/packages/platforms/node/node-platform.ts';
import type { DockerBuild, Platform } from '../../../src/packages/platforms/platform.ts';
import { DockerRuntime, type DockerRuntimeParts } from '../../../src/runtimes/docker/docker-runtime.ts';
import { HttpEngine } from '../../../src/runtimes/docker/http-engine.ts';
import { smallSystem } from '../../../src/runtimes/docker/local-toolchain.ts';
import { DOCKER_ENDPOINT, needsDocker, noDocker, nodeImage, removeOurImages } from '../../docker.ts';
import { repository } from '../../journeys/network.ts';
import { noOwnEngine, OwnEngine } from '../../own-engine.ts';
import { failingLaunch } from './failing-launch.ts';
import { type FailingPeer, type Files, failingPeer } from './failing-peer.ts';
import { answering, npmrc } from './npm-registries.ts';
import { noSmallDisk, smallDisk } from './small-disk.ts';

const signal = (): AbortSignal => AbortSignal.timeout(200_000);
const EXIT = { code: 'CHAINCODE_LAUNCH_FAILED' } as const;
const BUILD = { code: 'CHAINCODE_BUILD_FAILED' } as const;

const program = (index: string, more: object = {}): Files => ({
  'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js' }, ...more }),
  'index.js': index,
});

/** On the released shim; what it does before it starts depends on its name, so that all have one image. */
async function onShim(files: Files, ...before: readonly string[]): Promise<Files> {
  const from = (name: string): Promise<string> => readFile(join(repository, 'chaincodes/kv-node', name), 'utf8');
  const cases = before.map((statement, at) => `if (/^failing${at + 1}:/.test(process.env.CORE_CHAINCODE_ID_NAME)) ${statement};\n`);
  const index = `${cases.join('')}require('fabric-shim').start({ Init: async () => 0, Invoke: async () => 0 });\n`;
  return { 'package.json': await from('package.json'), 'package-lock.json': await from('package-lock.json'), 'index.js': index, ...files };
}

/** What a peer has in an engine beside finished images. */
const leftoversOf = (engine: HttpEngine, label: string) => async (): Promise<readonly string[]> => [
  ...(await engine.containers({ labels: [label] }, { signal: signal() })).flatMap(({ names }) => names),
  ...(await engine.images({ labels: [label], dangling: true }, { signal: signal() })).map(({ id }) => id),
];

describe.skipIf(noDocker !== undefined)(needsDocker('chaincode in Docker'), () => {
  const engine = new HttpEngine({ endpoint: DOCKER_ENDPOINT });
  afterAll(() => removeOurImages(engine));

  async function peerWith(chaincode: object, hostconfig: object = {}): Promise<FailingPeer> {
    const image = await nodeImage(engine);
    let label = '';
    const peer = await failingPeer({
      settings: (cache) => ({
        vm: { endpoint: DOCKER_ENDPOINT, docker: { hostconfig: { networkmode: 'host', ...hostconfig } } },
        chaincode: { node: { runtime: image }, ...chaincode },
        selvage: { runtime: 'docker', chaincodecache: cache },
      }),
      leftovers: () => leftoversOf(engine, label)(),
    });
    const [own] = peer.running.network.plan.peers;
    label = `selvage.peer=dev-${own?.port}/${own?.host}`;
    return peer;
  }

  describe('of a whole peer', () => {
    let peer: FailingPeer;
    beforeAll(async () => {
      peer = await peerWith({}, { memory: 64 * 1024 * 1024, memoryswap: 64 * 1024 * 1024 });
    });
    afterAll(() => peer?.[Symbol.asyncDispose]());

    it('that wants a dependency, and nothing listens where the registry should be', () =>
      peer.failure(
        { ...program('', { dependencies: { 'some-network': '1.0.0' } }), '.npmrc': npmrc('http://127.0.0.1:1', '/tmp/npm') },
        {
          ...BUILD,
          exitCode: 1,
          reason: /^a dependency could not be got, because the npm registry was not reached/,
          advice: /NODE_REGISTRY/,
          output: /ECONNREFUSED/,
        },
      ));

    it('that wants a dependency which the registry does not have', async () => {
      await using registry = await answering(404, 'application/json', '{"error":"not found"}');
      await peer.failure(
        { ...program('', { dependencies: { 'some-network': '1.0.0' } }), '.npmrc': npmrc(registry.url, '/tmp/npm') },
        {
          ...BUILD,
          exitCode: 1,
          reason: 'a dependency is not in the npm registry: some-network@1.0.0',
          advice: /name and version/,
          output: /E404/,
        },
      );
    });

    it('that has no disk left to build on', () =>
      peer.failure(program('', { scripts: { start: 'node .', install: 'head -c 100 /dev/zero > /dev/full' } }), {
        code: 'DISK_FULL',
        reason: 'the disk is full',
        advice: /Make room/,
        output: /No space left on device/,
      }));

    it('that has a syntax error', () =>
      peer.failure(program('const broken = ;'), {
        ...EXIT,
        exitCode: 1,
        reason: "the sources have an error: index.js:1: SyntaxError: Unexpected token ';'",
        advice: /Correct that line/,
        output: /const broken = ;/,
      }));

    it('that has no start script', () =>
      peer.failure(
        { 'package.json': '{"name":"cc","version":"1.0.0"}' },
        {
          ...EXIT,
          reason: 'package.json of the chaincode has no start script',
          advice: /Add "scripts": \{ "start":/,
          output: /Missing script/,
        },
      ));

    it('that ends before it registers', () =>
      peer.failure(program("console.log('so much for that'); process.exit(3);"), {
        ...EXIT,
        exitCode: 3,
        reason: 'the chaincode ended before it registered with the peer',
        advice: /by hand/,
        output: /so much for that/,
      }));

    it('that is killed by a signal', () =>
      peer.failure(
        program("process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1e6);", { scripts: { start: 'sh -c "node index.js"' } }),
        {
          ...EXIT,
          reason: 'the chaincode, or a native module of it, crashed',
          advice: /build it where it runs/,
        },
      ));

    it('that runs out of memory', () =>
      peer.failure(program('const all = []; setInterval(() => all.push(Buffer.alloc(8 * 1024 * 1024, 1)), 1);'), {
        ...EXIT,
        signal: 'SIGKILL',
        reason: 'the chaincode ran out of memory',
        advice: /vm\.docker\.hostConfig\.Memory/,
        output: /killed by the kernel: out of memory/,
      }));
  });

  it('of a whole peer that does not let it in', async () => {
    await using peer = await peerWith({});
    const authority = await CertificateAuthority.create({ commonName: 'another-ca', organization: 'elsewhere' }, systemClock.now());
    const files = await onShim(
      { 'ca.pem': authority.own.certificate },
      "process.env.CORE_CHAINCODE_ID_NAME = 'other:1'",
      "process.env.CORE_PEER_TLS_ROOTCERT_FILE = './ca.pem'",
      "process.env.CORE_PEER_TLS_ENABLED = 'false'",
    );
    await peer.failure(files, {
      ...EXIT,
      reason: 'it registered as other:1 instead of failing1:1',
      advice: /CORE_CHAINCODE_ID_NAME/,
      output: /other:1/,
    });
    await peer.failure(files, {
      ...EXIT,
      reason: 'TLS mismatch: the chaincode does not trust the certificate authority of the peer',
      advice: /CORE_PEER_TLS_ROOTCERT_FILE/,
      output: /certificate/,
    });
    await peer.failure(files, {
      ...EXIT,
      reason: /^the chaincode found no way to the peer, or they do not agree on TLS$|^TLS mismatch/,
      advice: /CORE_PEER_TLS_ENABLED/,
      output: /UNAVAILABLE/,
    });
  });

  it('that never registers', async () => {
    await failingLaunch(
      {
        runtime: await dockerWith(engine, { nodeRuntime: await nodeImage(engine) }),
        files: program("console.log('hello'); setInterval(() => {}, 1e6);"),
        built: true,
        parts: { startupTimeoutMs: 15_000 },
      },
      {
        code: 'DEADLINE_EXCEEDED',
        reason: 'the chaincode was started and did not register with the peer within 15 s',
        advice: /has to call the shim/,
        output: /^hello$/,
      },
    );
  });

  it.each([
    ['the registry of its image is not reached', 'localhost:1/selvage/no-such-image:1'],
    ['its image is in no registry', 'registry.invalid/selvage/no-such-image:1'],
  ])('that is not built, because %s', async (_, nodeRuntime) => {
    await failingLaunch(
      { runtime: await dockerWith(engine, { nodeRuntime }), files: program('') },
      { ...BUILD, reason: `the image ${nodeRuntime} is missing`, advice: /selvage images build.*docker load/ },
    );
  });

  it('that is not built, because the image is for another kind of machine', async () => {
    const nodeRuntime = 'selvage-test/another-machine:1';
    const shell = (await readFile('/bin/sh')).subarray(0, 100_000);
    shell.writeUInt16LE(process.arch === 'arm64' ? 0x3e : 0xb7, 18); // e_machine
    await engine.importImage(
      writeTar([
        { name: 'bin/', folder: true },
        { name: 'bin/sh', mode: 0o755, content: shell },
      ]),
      nodeRuntime,
      [],
      {
        signal: signal(),
      },
    );
    try {
      await failingLaunch(
        { runtime: await dockerWith(engine, { nodeRuntime }), files: program('') },
        {
          ...BUILD,
          reason: 'the image is for another kind of machine than this engine runs on',
          advice: /Get the runtime image of this language for this kind of machine/,
        },
      );
    } finally {
      await engine.removeImage(nodeRuntime, { signal: signal() });
    }
  });

  it('on an engine that is not there', async () => {
    await failingLaunch(
      { runtime: await dockerWith(new HttpEngine({ endpoint: 'unix:///nowhere/docker.sock' })), files: program('') },
      {
        code: 'DOCKER_UNAVAILABLE',
        reason: 'there is no Docker engine at unix:///nowhere/docker.sock',
        advice: /Start Docker/,
      },
    );
  });

  it('on an engine that refuses', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvage-refusing-'));
    const socket = join(folder, 'docker.sock');
    const server = createServer((_, response) =>
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"authorization denied by plugin casbin"}'),
    );
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    try {
      await failingLaunch(
        { runtime: await dockerWith(new HttpEngine({ endpoint: `unix://${socket}` })), files: program('') },
        { ...EXIT, reason: 'the engine does not allow it', advice: /who runs the engine/ },
      );
    } finally {
      server.close();
      await rm(folder, { recursive: true });
    }
  });

  const noDisk = noOwnEngine ?? noSmallDisk;
  describe.skipIf(noDisk !== undefined)(`on an engine whose disk is full${noDisk === undefined ? '' : ` (skipped: ${noDisk})`}`, () => {
    const IMAGE = 'selvage-test/small:1';
    const closing: AsyncDisposable[] = [];
    let own: HttpEngine;
    beforeAll(async () => {
      const disk = await smallDisk(120);
      closing.push(disk);
      const daemon = await OwnEngine.open(['--data-root', join(disk.path, 'data')]);
      closing.unshift(daemon);
      own = new HttpEngine({ endpoint: daemon.endpoint });
      await own.importImage(writeTar((await smallSystem(process.env['PATH'] ?? '')).values()), IMAGE, [], { signal: signal() });
    });
    afterAll(async () => {
      for (const each of closing) await each[Symbol.asyncDispose]();
    });

    it.each([
      ['while it builds', 200, /No space left on device/],
      ['while the image is made', 60, undefined],
    ])('%s', async (_, megabytes, output) => {
      const command = `head -c ${megabytes}m /dev/zero > /chaincode/output/large`;
      const platform = new SmallPlatform({ image: IMAGE, runtimeImage: IMAGE, command });
      await failingLaunch(
        { runtime: await dockerWith(own, {}, { platforms: [platform] }), files: program('') },
        {
          code: 'DISK_FULL',
          reason: /^the disk (of the Docker engine )?is full$/,
          advice: /Make room/,
          ...(output && { output }),
        },
      );
    });
  });
});

/** A runtime with a name of its own in an engine, which must be empty of it in the end. */
async function dockerWith(
  engine: HttpEngine,
  images: Partial<typeof IMAGE_SETTINGS> = {},
  parts: Partial<DockerRuntimeParts> = {},
): Promise<(directory: string, log: NonNullable<DockerRuntimeParts['log']>) => DockerRuntime> {
  const platforms = [new NodePlatform({ images: { ...IMAGE_SETTINGS, ...images } })];
  const peer = { networkId: 'test', peerId: `diagnosis${process.hrtime.bigint()}` };
  return (directory, log) => new DockerRuntime({ engine, directory, platforms, peer, log, graceMs: 1_000, ...parts });
}

/** Builds by one shell command, on an image that has nothing but a shell. */
class SmallPlatform extends NodePlatform {
  readonly #build: Pick<DockerBuild, 'image' | 'runtimeImage' | 'command'>;

  constructor(build: Pick<DockerBuild, 'image' | 'runtimeImage' | 'command'>) {
    super({ images: { ...IMAGE_SETTINGS, nodeRuntime: build.image } });
    this.#build = build;
  }

  override async dockerBuild(subject: Parameters<Platform['dockerBuild']>[0]): Promise<DockerBuild> {
    return { ...(await super.dockerBuild(subject)), ...this.#build };
  }
}
