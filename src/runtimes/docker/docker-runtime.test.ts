import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { DOCKER_ENDPOINT, needsDocker, noDocker, nodeImage } from '../../../test/docker.ts';
import { IMAGE_SETTINGS } from '../../chaincode/platforms/image-names.ts';
import { NodePlatform } from '../../chaincode/platforms/node-platform.ts';
import { type ChaincodeFiles, type Listener, type RuntimeFixture, runtimeContract } from '../../chaincode/runtime.contract.ts';
import type { LaunchSpec } from '../../chaincode/runtime.ts';
import { type Logger, silent } from '../../common/log.ts';
import { DockerRuntime, type DockerRuntimeParts } from './docker-runtime.ts';
import { DockerodeEngine } from './dockerode-engine.ts';

const signal = (): AbortSignal => AbortSignal.timeout(30_000);

interface DockerFixture extends RuntimeFixture {
  readonly runtime: DockerRuntime;
  readonly engine: DockerodeEngine;
  readonly peerId: string;
  packed(files: Readonly<Record<string, string>>, peerAddress?: string): Promise<LaunchSpec>;
}

/** The process ids that chaincode tells are those of this machine: its containers share the machine's. */
async function open(
  options: Partial<DockerRuntimeParts> & { readonly log?: Logger; readonly endpoint?: string } = {},
): Promise<DockerFixture> {
  const { endpoint = DOCKER_ENDPOINT, ...parts } = options;
  const engine = new DockerodeEngine({ endpoint });
  const image = await nodeImage(engine);
  const directory = await mkdtemp(join(tmpdir(), 'selvage-docker-'));
  const peerId = `p${randomBytes(6).toString('hex')}`;
  const platform = new NodePlatform({ images: { ...IMAGE_SETTINGS, nodeRuntime: image } });
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
    await mkdir(folder, { recursive: true });
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
      for (const { tags } of await engine.images({ labels: [label] }, { signal: signal() })) {
        for (const tag of tags) await engine.removeImage(tag, { signal: signal() });
      }
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

describe.skipIf(noDocker !== undefined)(needsDocker('with a Docker engine'), () => {
  runtimeContract('docker', open);
});
