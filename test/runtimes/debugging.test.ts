/** Limits in time while somebody stands at a breakpoint, with a real inspector and real chaincode. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Debuggee, Debuggers } from '../../src/chaincode/ports/debugging.ts';
import { evaluate } from '../../src/client/submit.ts';
import { textOf } from '../../src/common/bytes.ts';
import { Scope } from '../../src/common/scope.ts';
import { LinuxDebuggers } from '../../src/runtimes/debugging/linux-debuggers.ts';
import { ScriptedRuntime } from '../fakes/scripted-runtime.ts';
import { never, testNetwork } from '../journeys/network.ts';
import { HeardLog } from './heard-log.ts';
import { Inspector } from './inspector.ts';
import { sampleOrSkip } from './installed-sample.ts';
import { StartedProgram } from './started-program.ts';
import { testPeer } from './test-peer.ts';

const sample = process.platform === 'linux' ? await sampleOrSkip('kv-node') : undefined;
const EXECUTE_MS = 300;

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

/** Counts the looks that found somebody. */
class Watched implements Debuggers {
  readonly #debuggers = new LinuxDebuggers();
  found = 0;
  looks = 0;

  async attached(debuggee: Debuggee): Promise<boolean> {
    const attached = await this.#debuggers.attached(debuggee);
    this.looks += 1;
    if (attached) this.found += 1;
    return attached;
  }
}

describe.skipIf(sample === undefined)('the execute timeout (skipped without Linux, fixtures or npm)', () => {
  async function developed() {
    const debuggers = new Watched();
    const runtime = new ScriptedRuntime(() => undefined);
    const parts = { userRunsChaincode: true, executeTimeoutMs: EXECUTE_MS, debuggers };
    const peer = scope.use(await testPeer({ runtime, parts }));
    const args = ['--inspect=127.0.0.1:0', 'index.js', '--peer.address', peer.address];
    const env = { CORE_CHAINCODE_ID_NAME: 'kv:1', CORE_CHAINCODE_LOGGING_LEVEL: 'info' };
    const program = scope.use(new StartedProgram(process.execPath, args, { cwd: sample ?? '', env }));
    await program.line(/ready/);
    return { debuggers, peer, program };
  }

  it('holds while the inspector is open and nobody debugs', async () => {
    const { debuggers, peer } = await developed();
    await expect(peer.call('kv:1', 'sleep', '60000')).rejects.toThrow('timeout expired while executing transaction');
    expect(debuggers.looks).toBeGreaterThan(0);
    expect(debuggers.found).toBe(0);
  });

  it('stands still while the chaincode is stopped by a debugger, and counts again when that has gone', async () => {
    const { debuggers, peer, program } = await developed();
    const inspector = scope.use(await Inspector.attach(await program.line(/Debugger listening on/)));
    for (const method of ['Debugger.enable', 'Debugger.pause']) await inspector.say(method);
    const calling = peer.call('kv:1', 'put', 'a', '1');
    await expect.poll(() => debuggers.found).toBeGreaterThan(2); // each look comes when the time is up
    await inspector.say('Debugger.resume');
    expect((await calling).text).toBe('ok');
    inspector[Symbol.dispose]();
    await expect(peer.call('kv:1', 'sleep', '60000')).rejects.toThrow('timeout expired while executing transaction');
  });
});

describe.skipIf(process.platform !== 'linux')('a peer that opens the inspector of its chaincode (skipped without Linux)', () => {
  it('ends an endless loop, and waits while somebody stands at a breakpoint', async () => {
    const log = new HeardLog();
    const settings = { chaincode: { executetimeout: '15s' }, selvage: { inspectchaincode: true, logchaincodeoutput: true } };
    const { clients, deploy } = scope.use(await testNetwork({ settings, log }));
    await deploy('kv', 'kv-node');
    const [admin] = clients.admins;
    const query = async (...args: readonly string[]): Promise<string> => {
      const spec = { channelId: clients.channel, chaincode: 'kv', args };
      return textOf((await evaluate((admin ?? clients.user).peer, clients.user.signer, spec, { signal: never })).payload);
    };
    await expect(query('hash', 'endless', '999999999999')).rejects.toThrow('timeout expired while executing transaction');
    expect(await query('hash', 'hello', '3')).toMatch(/^6c92ef/); // it was started again
    const inspector = scope.use(await Inspector.attach(await log.last(/Debugger listening on/)));
    for (const method of ['Debugger.enable', 'Debugger.pause']) await inspector.say(method);
    const asked = query('hash', 'hello', '3');
    await log.line(/the execute timeout waits/);
    await inspector.say('Debugger.resume');
    expect(await asked).toMatch(/^6c92ef/);
  });
});

describe('the startup timeout', () => {
  it('stands still while a process of the launch is debugged', async () => {
    let looks = 0;
    const debuggers: Debuggers = {
      attached: async ({ processes }) => {
        looks += 1;
        return (await processes?.())?.[0] === 4711 && looks < 4;
      },
    };
    const runtime = new ScriptedRuntime(() => undefined);
    const launching = {
      name: 'debugged',
      build: () => Promise.resolve(),
      launch: async (...args: Parameters<ScriptedRuntime['launch']>) => ({
        ...(await runtime.launch(...args)),
        processes: async () => [4711],
      }),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const peer = scope.use(await testPeer({ runtime: launching, parts: { startupTimeoutMs: 20, debuggers } }));
    await expect(peer.support.makeReady({ name: 'kv', version: '1', ccid: 'kv:1' }, { signal: never })).rejects.toThrow('timeout expired');
    expect(looks).toBeGreaterThanOrEqual(4);
  });
});
