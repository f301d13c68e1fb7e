/** What every ChaincodeRuntime promises. Each implementation's test file calls {@link runtimeContract} with the real thing. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import type { ChaincodeInstance, ChaincodeRuntime } from './runtime.ts';

export interface ChaincodeFiles {
  /** JavaScript that the chaincode runs; it may `say(text)` to the test. */
  readonly script: string;
  /** JavaScript that runs once when the package is built; it may `say(text)` too. */
  readonly install?: string;
}

export interface RuntimeFixture extends AsyncDisposable {
  readonly runtime: ChaincodeRuntime;
  /** Another runtime over the same folders, as after a restart. The fixture disposes it. */
  restarted(): ChaincodeRuntime;
  /**
   * A launch of a chaincode package with these files, which dials `listener`. Equal files give an equal package; two launches that
   * are to run at once come from two calls, because a runtime may run one instance per chaincode only.
   */
  chaincode(files: ChaincodeFiles, listener: Listener): Promise<LaunchSpec>;
  /** What lies in the places where only running chaincode and unfinished builds may have something. */
  leftovers(): Promise<readonly string[]>;
}

/** Hears what chaincode and builds say. */
export class Listener implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #lines: string[] = [];
  readonly address: string;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  static async open(): Promise<Listener> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const place = server.address();
    const listener = new Listener(server, `127.0.0.1:${typeof place === 'object' && place !== null ? place.port : 0}`);
    server.on('connection', (socket) => listener.#hear(socket));
    return listener;
  }

  /** All that was said so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The first line that begins so, now or later. */
  async line(start: string): Promise<string> {
    for (;;) {
      const found = this.#lines.find((line) => line.startsWith(start));
      if (found !== undefined) return found;
      await once(this.#server, 'said');
    }
  }

  /** Resolves when that many lines begin so. */
  async count(start: string, wanted: number): Promise<void> {
    while (this.#lines.filter((line) => line.startsWith(start)).length < wanted) await once(this.#server, 'said');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #hear(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    createInterface({ input: socket }).on('line', (line) => {
      this.#lines.push(line);
      this.#server.emit('said');
    });
  }
}

/** Whether a process runs; one that ended and was not reaped does not. */
export function runs(pid: number): boolean {
  try {
    if (process.platform !== 'linux') return process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

const never = new AbortController().signal;
const STAY = "say('up ' + process.pid); setInterval(() => {}, 1e6);";
const pidIn = (line: string): number => Number(line.split(' ')[1]);

export function runtimeContract(name: string, open: () => Promise<RuntimeFixture>): void {
  describe(`${name} runtime`, () => {
    it('reports how the chaincode ended, with its output', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const script =
        "for (let i = 1; i <= 30; i++) console.log('line ' + i); process.stderr.write('no line break', () => process.exit(7));";
      const instance = await fixture.runtime.launch(await fixture.chaincode({ script }, listener), { signal: never });
      const exit = await instance.exited;
      expect(exit).toMatchObject({ code: 7, signal: null });
      expect(exit.lastOutput).toContain('line 1');
      expect(exit.lastOutput).toContain('no line break');
      expect(exit.lastOutput).toContain('line 30');
      expect(await fixture.leftovers()).toEqual([]);
      await instance[Symbol.asyncDispose]();
    });

    it('stops the chaincode and waits until it is gone; twice is harmless', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const instance = await fixture.runtime.launch(await fixture.chaincode({ script: STAY }, listener), { signal: never });
      const pid = pidIn(await listener.line('up'));
      expect(runs(pid)).toBe(true);
      await Promise.all([instance[Symbol.asyncDispose](), instance[Symbol.asyncDispose]()]);
      expect(runs(pid)).toBe(false);
      expect((await instance.exited).code).not.toBe(0);
      await instance[Symbol.asyncDispose]();
      expect(await fixture.leftovers()).toEqual([]);
    });

    it('lets the chaincode end in its own way when it is stopped', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const script = `process.on('SIGTERM', () => { console.log('closing'); process.exitCode = 3; process.exit(); }); ${STAY}`;
      const instance = await fixture.runtime.launch(await fixture.chaincode({ script }, listener), { signal: never });
      await listener.line('up');
      await instance[Symbol.asyncDispose]();
      expect((await instance.exited).lastOutput).toContain('closing');
    });

    it('takes the whole process tree with it, also what ignores signals and left the group', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const child = `process.on('SIGTERM', () => {}); const s = require('net').connect(process.env.CORE_PEER_ADDRESS.split(':')[1], '127.0.0.1', () => s.write('child ' + process.pid + '\\n')); setInterval(() => {}, 1e6);`;
      const script = `process.on('SIGTERM', () => {}); require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { detached: true, stdio: 'inherit' }); ${STAY}`;
      const instance = await fixture.runtime.launch(await fixture.chaincode({ script }, listener), { signal: never });
      const pids = [pidIn(await listener.line('up')), pidIn(await listener.line('child'))];
      expect(pids.map(runs)).toEqual([true, true]);
      await instance[Symbol.asyncDispose]();
      expect(pids.map(runs)).toEqual([false, false]);
    });

    it('leaves no children behind when the chaincode itself ends', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const child = `const s = require('net').connect(process.env.CORE_PEER_ADDRESS.split(':')[1], '127.0.0.1', () => s.write('child ' + process.pid + '\\n')); s.on('close', () => {}); setInterval(() => {}, 1e6);`;
      const script = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' }); process.on('SIGUSR2', () => process.exit(4)); ${STAY}`;
      const instance = await fixture.runtime.launch(await fixture.chaincode({ script }, listener), { signal: never });
      const child1 = pidIn(await listener.line('child'));
      process.kill(pidIn(await listener.line('up')), 'SIGUSR2');
      expect((await instance.exited).code).toBe(4);
      expect(runs(child1)).toBe(false);
    });

    it('rejects with the reason when aborted before it begins', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const reason = new Error('caller left');
      const spec = await fixture.chaincode({ script: STAY }, listener);
      await expect(fixture.runtime.launch(spec, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(await fixture.leftovers()).toEqual([]);
    });

    it('leaves nothing when aborted at any moment before it is started', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const spec = await fixture.chaincode({ script: STAY }, listener);
      for (let turns = 0; turns <= 40; turns += 4) {
        const controller = new AbortController();
        const launch = fixture.runtime.launch(spec, { signal: controller.signal });
        const settled = launch.then(
          (instance) => instance[Symbol.asyncDispose](),
          (thrown: unknown) => thrown,
        );
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
        controller.abort(new Error(`left after ${turns}`));
        await settled;
        expect(await fixture.leftovers(), `aborted after ${turns} turns`).toEqual([]);
      }
    });

    it('stops a build that nobody waits for any more, and leaves nothing of it', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const spec = await fixture.chaincode(
        { script: STAY, install: "say('building ' + process.pid); setInterval(() => {}, 1e6);" },
        listener,
      );
      const reason = new Error('caller left');
      const controller = new AbortController();
      const launch = fixture.runtime.launch(spec, { signal: controller.signal });
      const pid = pidIn(await listener.line('building'));
      controller.abort(reason);
      await expect(launch).rejects.toBe(reason);
      expect(runs(pid)).toBe(false);
      expect(await fixture.leftovers()).toEqual([]);
    });

    it('builds a package once, however many launch it at once', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const files = { script: STAY, install: "say('built')" };
      const specs = await Promise.all(Array.from({ length: 20 }, () => fixture.chaincode(files, listener)));
      const launches = specs.map((spec) => fixture.runtime.launch(spec, { signal: never }));
      const instances = await Promise.all(launches);
      await listener.count('up', 20);
      expect(new Set(instances.map(({ id }) => id)).size).toBe(20);
      expect(listener.lines.filter((line) => line === 'built')).toHaveLength(1);
      await Promise.all(instances.map((instance) => instance[Symbol.asyncDispose]()));
      expect(await fixture.leftovers()).toEqual([]);
    });

    it('builds without starting anything, and a launch after that builds nothing', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const spec = await fixture.chaincode({ script: STAY, install: "say('built')" }, listener);
      await fixture.runtime.build(spec, { signal: never });
      await fixture.runtime.build(spec, { signal: never });
      expect(listener.lines).toEqual(['built']);
      expect(await fixture.leftovers()).toEqual([]);
      await using instance = await fixture.runtime.launch(spec, { signal: never });
      await listener.line('up');
      expect(instance.id).not.toBe('');
      expect(listener.lines.filter((line) => line === 'built')).toHaveLength(1);
    });

    it('builds once when a build and many launches ask at the same time', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const files = { script: STAY, install: "say('built')" };
      const specs = await Promise.all(Array.from({ length: 21 }, () => fixture.chaincode(files, listener)));
      const built = specs.slice(0, 1).map((spec) => fixture.runtime.build(spec, { signal: never }));
      const instances = await Promise.all(specs.slice(1).map((spec) => fixture.runtime.launch(spec, { signal: never })));
      await Promise.all(built);
      await listener.count('up', 20);
      expect(listener.lines.filter((line) => line === 'built')).toHaveLength(1);
      await Promise.all(instances.map((instance) => instance[Symbol.asyncDispose]()));
      expect(await fixture.leftovers()).toEqual([]);
    });

    it('leaves nothing of a build that was aborted, and goes on when a launch still waits for it', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const install = "say('building ' + process.pid); process.on('SIGUSR2', () => process.exit()); setInterval(() => {}, 1e6);";
      const files = { script: STAY, install };
      const reason = new Error('caller left');
      const [first, second] = await Promise.all([fixture.chaincode(files, listener), fixture.chaincode(files, listener)]);
      const alone = new AbortController();
      const building = fixture.runtime.build(first, { signal: alone.signal });
      const pid = pidIn(await listener.line('building'));
      alone.abort(reason);
      await expect(building).rejects.toBe(reason);
      expect(runs(pid)).toBe(false);
      expect(await fixture.leftovers()).toEqual([]);

      const launching = fixture.runtime.launch(second, { signal: never });
      await listener.count('building', 2);
      const leaving = new AbortController();
      const left = fixture.runtime.build(first, { signal: leaving.signal });
      for (let turn = 0; turn < 40; turn += 1) await new Promise(setImmediate);
      leaving.abort(reason);
      await expect(left).rejects.toBe(reason);
      const last = listener.lines.filter((line) => line.startsWith('building')).at(-1) ?? '';
      expect(await Promise.race([launching, 'still building'])).toBe('still building');
      process.kill(pidIn(last), 'SIGUSR2');
      await using instance = await launching;
      await listener.line('up');
      expect(instance.id).not.toBe('');
    });

    it('says why a build failed when nothing is to be started', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const spec = await fixture.chaincode({ script: STAY, install: "console.error('the reason'); process.exitCode = 9;" }, listener);
      const build = fixture.runtime.build(spec, { signal: never });
      await expect(build).rejects.toMatchObject({ code: 'CHAINCODE_BUILD_FAILED', message: expect.stringContaining('the reason') });
      await expect(fixture.runtime.build({ ...spec, codePackage: Buffer.from('no package') }, { signal: never })).rejects.toMatchObject({
        code: 'CHAINCODE_PACKAGE_INVALID',
      });
      expect(await fixture.leftovers()).toEqual([]);
    });

    it('does not build again what was built before, also after a restart', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const spec = await fixture.chaincode({ script: STAY, install: "say('built')" }, listener);
      for (const runtime of [fixture.runtime, fixture.runtime, fixture.restarted()]) {
        await using instance = await runtime.launch(spec, { signal: never });
        expect(instance.id).not.toBe('');
      }
      expect(listener.lines.filter((line) => line === 'built')).toHaveLength(1);
    });

    it('says why a build failed, and tries again the next time', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const install = "say('tried'); console.error('the reason'); process.exitCode = 9;";
      const spec = await fixture.chaincode({ script: STAY, install }, listener);
      for (let time = 0; time < 2; time += 1) {
        const launch = fixture.runtime.launch(spec, { signal: never });
        await expect(launch).rejects.toMatchObject({ code: 'CHAINCODE_BUILD_FAILED', message: expect.stringContaining('the reason') });
        await expect(launch).rejects.toHaveProperty('advice', expect.stringMatching(/\w/));
        expect(await fixture.leftovers()).toEqual([]);
      }
      expect(listener.lines.filter((line) => line === 'tried')).toHaveLength(2);
    });

    it('refuses what is no package', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const spec = { ...(await fixture.chaincode({ script: STAY }, listener)), codePackage: Buffer.from('no package') };
      await expect(fixture.runtime.launch(spec, { signal: never })).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID' });
      expect(await fixture.leftovers()).toEqual([]);
    });

    it('stops everything when it is disposed, launches too', async () => {
      await using fixture = await open();
      await using listener = await Listener.open();
      const instances: ChaincodeInstance[] = [];
      for (let one = 0; one < 2; one += 1) {
        instances.push(await fixture.runtime.launch(await fixture.chaincode({ script: STAY }, listener), { signal: never }));
      }
      await listener.count('up', 2);
      const building = fixture.runtime.launch(
        await fixture.chaincode({ script: STAY, install: "say('building'); setInterval(() => {}, 1e6);" }, listener),
        { signal: never },
      );
      building.catch(() => undefined);
      await listener.line('building');
      await fixture.runtime[Symbol.asyncDispose]();
      await expect(building).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(
        listener.lines
          .filter((line) => line.startsWith('up'))
          .map(pidIn)
          .map(runs),
      ).toEqual([false, false]);
      expect(await fixture.leftovers()).toEqual([]);
    });
  });
}
