/** A Docker runtime over a real engine, with a peer name of its own, so that what it leaves is found. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaincodeFiles, Listener, RuntimeFixture } from '../../src/chaincode/ports/runtime.contract.ts';
import { silent } from '../../src/common/log.ts';
import type { LaunchSpec } from '../../src/packages/launch-spec.ts';
import { IMAGE_SETTINGS } from '../../src/packages/platforms/image-names.ts';
import { NodePlatform } from '../../src/packages/platforms/node/node-platform.ts';
import { DockerRuntime, type DockerRuntimeParts } from '../../src/runtimes/docker/docker-runtime.ts';
import type { DockerEngine } from '../../src/runtimes/docker/engine.ts';
import { HttpEngine } from '../../src/runtimes/docker/http-engine.ts';
import { DOCKER_ENDPOINT, nodeImage } from '../docker.ts';

const signal = (): AbortSignal => AbortSignal.timeout(200_000);

export interface DockerFixture extends RuntimeFixture {
  readonly runtime: DockerRuntime;
  readonly engine: HttpEngine;
  readonly peerId: string;
  packed(files: Readonly<Record<string, string>>, peerAddress?: string): Promise<LaunchSpec>;
}

export interface DockerFixtureOptions {
  readonly endpoint?: string;
  /** Builder and runtime image of Node chaincode. */
  readonly image?: string;
}

/** The process ids that chaincode tells are those of this machine: its containers share the machine's. */
export async function openDocker(options: Partial<DockerRuntimeParts> & DockerFixtureOptions = {}): Promise<DockerFixture> {
  const { endpoint = DOCKER_ENDPOINT, image = undefined, ...parts } = options;
  const engine = new HttpEngine({ endpoint });
  const nodeRuntime = image ?? (await nodeImage(engine));
  const directory = await mkdtemp(join(tmpdir(), 'selvage-docker-'));
  const peerId = `p${randomBytes(6).toString('hex')}`;
  const platform = new NodePlatform({ images: { ...IMAGE_SETTINGS, nodeRuntime } });
  const runtimes: DockerRuntime[] = [];
  const make = (): DockerRuntime => {
    const runtime = new DockerRuntime({
      engine,
      directory: join(directory, 'runtime'),
      platforms: [platform],
      peer: { networkId: 'test', peerId },
      mspId: 'Org1MSP',
      hostConfig: { pidmode: 'host' },
      graceMs: 1_000,
      log: silent,
      ...parts,
    });
    runtimes.push(runtime);
    return runtime;
  };
  let count = 0;
  const packed: DockerFixture['packed'] = async (files, peerAddress = '127.0.0.1:1') => {
    const folder = await mkdtemp(join(directory, 'sources-'));
    for (const [path, content] of Object.entries(files)) await writeFile(join(folder, path), content);
    count += 1;
    const name = `cc${count}`;
    return {
      ccid: `${name}:1.0`,
      name,
      version: '1.0',
      platform: 'node',
      codePackage: await platform.pack(folder),
      path: '',
      peerAddress,
      env: {},
    };
  };
  const label = `selvage.peer=test/${peerId}`;
  return {
    runtime: make(),
    restarted: make,
    engine,
    peerId,
    packed,
    chaincode: (files, listener) => packed(filesOf(files, listener), listener.address),
    leftovers: async () => [
      ...(await engine.containers({ labels: [label] }, { signal: signal() })).flatMap(({ names }) => names),
      ...(await engine.images({ labels: [label], dangling: true }, { signal: signal() })).map(({ id }) => id),
      ...(await readdir(join(directory, 'runtime', 'unfinished')).catch(() => [])),
    ],
    [Symbol.asyncDispose]: async () => {
      for (const runtime of runtimes) await runtime[Symbol.asyncDispose]();
      const made = await engine.images({ labels: [label] }, { signal: signal() }).catch(() => []); // an engine may be gone by now
      for (const tag of made.flatMap(({ tags }) => tags)) await engine.removeImage(tag, { signal: signal() });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** `say` writes a line to the test's listener; the connection does not keep the process alive. */
function filesOf({ script, install }: ChaincodeFiles, { address }: Listener): Record<string, string> {
  const [host, port] = address.split(':');
  const say = `const say = (text) => { const s = require('net').connect(${port}, '${host}', () => s.write(text + '\\n', () => s.unref())); s.on('error', () => {}); };\n`;
  const scripts = { start: 'node index.js', ...(install !== undefined && { install: 'node install.js' }) };
  return {
    'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts }),
    'index.js': say + script,
    ...(install !== undefined && { 'install.js': say + install }),
  };
}

/** The engine, with something done before each call. */
export function watched(engine: DockerEngine, before: (call: string) => void): DockerEngine {
  return new Proxy(engine, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        try {
          before(String(name));
        } catch (thrown) {
          return Promise.reject(thrown);
        }
        return Reflect.apply(member, target, args);
      };
    },
  });
}
