/** Streams of real shims that break: every transaction on them is told how. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SelvageError } from '../../src/common/errors.ts';
import { Scope } from '../../src/common/scope.ts';
import { ServiceInstance } from '../../src/runtimes/service/service-instance.ts';
import { freePort, listening } from '../free-ports.ts';
import { sampleOrSkip } from './installed-sample.ts';
import { shimPeer } from './shim-peer.ts';
import { StartedProgram } from './started-program.ts';
import { type TestPeer, testPeer } from './test-peer.ts';

const sample = await sampleOrSkip('kv-node');

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const BIG = `
class Big {
  async Init() { return shim.success(); }
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'write') { await stub.putState('big', Buffer.alloc(Number(params[0]), 120)); return shim.success(); }
    if (fcn === 'answer') return shim.success(Buffer.alloc(Number(params[0]), 120));
    if (fcn === 'hold') return new Promise(() => console.log('holds'));
    return shim.success(Buffer.from(String((await stub.getState('big')).length)));
  }
}`;
const PROCESS = `const shim = require('fabric-shim');${BIG}\nshim.start(new Big());`;
const SERVICE = `const shim = require('fabric-shim');${BIG}
shim.server(new Big(), { ccid: process.env.CHAINCODE_ID, address: process.env.CHAINCODE_SERVER_ADDRESS }).start();`;

const failureOf = (call: Promise<unknown>): Promise<SelvageError> =>
  call.then(
    () => new SelvageError('INTERNAL', 'no failure'),
    (thrown: unknown) => SelvageError.from(thrown),
  );

/** A service with the shim's own limits, and the peer that dials it. */
async function service(): Promise<{ readonly peer: TestPeer; readonly program: StartedProgram }> {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-service-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(sample ?? '', 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'service.js'), SERVICE);
  const port = await freePort();
  const env = { CHAINCODE_ID: 'svc:1', CHAINCODE_SERVER_ADDRESS: `127.0.0.1:${port}` };
  const program = scope.use(new StartedProgram(process.execPath, ['service.js'], { cwd: folder, env }));
  await listening(port);
  const settings = { address: `127.0.0.1:${port}`, dialTimeoutMs: 200_000, tls: undefined };
  const runtime = {
    name: 'service',
    build: async () => undefined,
    launch: async ({ ccid }: { readonly ccid: string }) => new ServiceInstance({ ccid, settings }),
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { peer: scope.use(await testPeer({ runtime })), program };
}

describe.skipIf(sample === undefined)('a stream that breaks (skipped without fixtures and npm)', () => {
  it('because a message is too large for the service tells the sizes, whose limit it is, and what to do', async () => {
    const { peer } = await service();
    await peer.call('svc:1', 'write', '6000000');
    const holding = failureOf(peer.call('svc:1', 'hold'));
    const failures = [await failureOf(peer.call('svc:1', 'length')), await holding];
    for (const { message } of failures) {
      expect(message).toMatch(/connection to svc:1 terminated: RESOURCE_EXHAUSTED: .*larger than max \(6\d{6} vs 4194304\)/);
      expect(message).toMatch(/The service takes no message over 4194304 bytes.*grpc\.max_receive_message_length.*values smaller/);
    }
    expect((await peer.call('svc:1', 'write', '10')).response.status).toBe(200);
  });

  it('because the service is gone says so', async () => {
    const { peer, program } = await service();
    await peer.call('svc:1', 'write', '1');
    const holding = failureOf(peer.call('svc:1', 'hold'));
    await program.line(/holds/);
    await program[Symbol.asyncDispose]();
    expect((await holding).message).toMatch(/connection to svc:1 terminated: \w+: .+/);
  });

  describe.each([
    { over: 'its own socket', localTransport: true },
    { over: 'gRPC', localTransport: false },
  ])('over $over', ({ localTransport }) => {
    it.each(['write', 'answer'])('because a message is too large for the peer (%s) tells its size', async (fcn) => {
      const peer = await shimPeer(scope, { script: PROCESS, localTransport });
      const { message } = await failureOf(peer.call('cc:1', fcn, '110000000'));
      expect(message).toMatch(/RESOURCE_EXHAUSTED: Received message larger than max \(1100000\d\d vs 104857600\)/);
      expect(message).not.toContain('internal error');
      expect((await peer.call('cc:1', 'write', '10')).response.status).toBe(200);
    });
  });
});
