/** The contract of runtimes for an external builder that runs JavaScript. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { RUN_FIELD, writeBuilder } from '../../../test/runtimes/builder-scripts.ts';
import { type ChaincodeFiles, type RuntimeFixture, runtimeContract } from '../../chaincode/ports/runtime.contract.ts';
import { utf8 } from '../../common/bytes.ts';
import { ExternalBuilderRuntime } from './external-builder-runtime.ts';
import { ProgramBuilder } from './program-builder.ts';

/** `say` writes a line to the test's listener; the connection does not keep the process alive. */
const saying = (script: string, address: string): string => `
const [host, port] = ${JSON.stringify(address.split(':'))};
const socket = require('net').connect(Number(port), host);
socket.on('error', () => {});
socket.unref();
const say = (text) => socket.write(text + '\\n');
${script}`;

async function packageOf({ script, install }: ChaincodeFiles, address: string): Promise<Uint8Array> {
  const archive = pack();
  archive.entry({ name: 'script.js', mtime: new Date(0) }, saying(script, address));
  if (install !== undefined) archive.entry({ name: 'install.js', mtime: new Date(0) }, saying(install, address));
  archive.finalize();
  return gzipSync(await buffer(Readable.from(archive)));
}

runtimeContract('external builder', async (): Promise<RuntimeFixture> => {
  const directory = await mkdtemp(join(tmpdir(), 'selvage-builder-contract-'));
  const path = join(directory, 'builder');
  await writeBuilder(path, {
    detect: ':',
    build: 'cd "$1" && if [ -f install.js ]; then node install.js || exit $?; fi; cp script.js "$3/"',
    run: [RUN_FIELD, 'CORE_PEER_ADDRESS="$(field peer_address)"; export CORE_PEER_ADDRESS', 'exec node "$1/script.js"'].join('\n'),
  });
  const runtimes: ExternalBuilderRuntime[] = [];
  const make = (): ExternalBuilderRuntime => {
    const builder = new ProgramBuilder({ name: 'js', path, propagateEnvironment: [] }, { PATH: process.env['PATH'] });
    const runtime = new ExternalBuilderRuntime({
      directory: join(directory, 'externalbuilder'),
      builders: [builder],
      fallback: undefined,
      mspId: 'Org1MSP',
      graceMs: 100,
    });
    runtimes.push(runtime);
    return runtime;
  };
  return {
    runtime: make(),
    restarted: make,
    chaincode: async (files, listener) => {
      const codePackage = await packageOf(files, listener.address);
      const ccid = `js_1:${createHash('sha256').update(codePackage).digest('hex')}`;
      const metadata = utf8('{"type":"js","label":"js_1","path":""}');
      return { ccid, name: 'js', version: '1', platform: 'js', codePackage, metadata, path: '', peerAddress: listener.address, env: {} };
    },
    leftovers: async () =>
      (await Promise.all(['unfinished', 'runs'].map((name) => readdir(join(directory, 'externalbuilder', name)).catch(() => [])))).flat(),
    [Symbol.asyncDispose]: async () => {
      for (const runtime of runtimes) await runtime[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
