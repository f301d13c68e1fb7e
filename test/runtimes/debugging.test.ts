/** Limits in time while somebody stands at a breakpoint, with a real inspector and real chaincode. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Debuggee, Debuggers } from '../../src/chaincode/debugging.ts';
import { Scope } from '../../src/common/scope.ts';
import { LinuxDebuggers } from '../../src/runtimes/debugging/linux-debuggers.ts';
import { ScriptedRuntime } from '../fakes/scripted-runtime.ts';
import { sampleOrSkip } from './installed-sample.ts';
import { StartedProgram } from './started-program.ts';
import { testPeer } from './test-peer.ts';

const sample = process.platform === 'linux' ? await sampleOrSkip('kv-node') : undefined;
const never = new AbortController().signal;
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

/** As much of a debugger as it takes to stop a program and let it go on. */
class Inspector {
  readonly #socket: Socket;
  #commands = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async attach(program: StartedProgram): Promise<Inspector> {
    const url = new URL(/ws:\S+/.exec(await program.line(/Debugger listening on/))?.[0] ?? '');
    const key = randomBytes(16).toString('base64');
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13' };
    const request = get({ host: url.hostname, port: url.port, path: url.pathname, headers, agent: false });
    const [, socket] = await once(request, 'upgrade');
    scope.defer(() => socket.destroy());
    return new Inspector(socket);
  }

  /** One masked frame of text, which must be shorter than 126 bytes. Resolves with what comes back next. */
  async say(method: string): Promise<void> {
    this.#commands += 1;
    const text = Buffer.from(JSON.stringify({ id: this.#commands, method }));
    const mask = randomBytes(4);
    const masked = text.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    const answered = this.#heard(`"id":${this.#commands}`);
    this.#socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, masked]));
    await answered;
  }

  detach(): void {
    this.#socket.destroy();
  }

  #heard(wanted: string): Promise<void> {
    return new Promise((resolve) => {
      const hear = (data: Buffer): void => {
        if (!data.includes(wanted)) return;
        this.#socket.off('data', hear);
        resolve();
      };
      this.#socket.on('data', hear);
    });
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
    const inspector = await Inspector.attach(program);
    for (const method of ['Debugger.enable', 'Debugger.pause']) await inspector.say(method);
    const calling = peer.call('kv:1', 'put', 'a', '1');
    await expect.poll(() => debuggers.found, { timeout: 20_000 }).toBeGreaterThan(2); // each look comes when the time is up
    await inspector.say('Debugger.resume');
    expect((await calling).text).toBe('ok');
    inspector.detach();
    await expect(peer.call('kv:1', 'sleep', '60000')).rejects.toThrow('timeout expired while executing transaction');
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
