import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/free-ports.ts';
import { StartedProgram } from '../../../test/runtimes/started-program.ts';
import { Scope } from '../../common/scope.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import { LinuxDebuggers } from './linux-debuggers.ts';

const skip = existsSync('/proc/self/net/tcp') ? undefined : 'no /proc';
const gdb = await findTool('gdb', process.env, []);
const javac = await findTool('javac', process.env, []);

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

/** Where a test's process connects to, as chaincode does to its peer; `remote` is the first caller's end. */
async function peer() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const sockets: Socket[] = [];
  const remote = new Promise<string>((resolve) => {
    server.on('connection', (socket) => {
      sockets.push(socket);
      resolve(`${socket.remoteAddress}:${socket.remotePort}`);
    });
  });
  return { port: portOf(server.address()), remote };
}

const portOf = (address: AddressInfo | string | null): number => (typeof address === 'object' && address !== null ? address.port : 0);

/** A Node that connects to the peer and then does as it is told. */
function node(port: number, script = '', ...flags: readonly string[]): StartedProgram {
  const program = `require('node:net').connect(${port}, '127.0.0.1').on('error', () => process.exit()); ${script}`;
  return scope.use(new StartedProgram(process.execPath, [...flags, '-e', program]));
}

/** Attaches to an inspector as editors do; its end is the debugger's end. */
async function attachTo(program: StartedProgram): Promise<Socket> {
  const url = new URL(/ws:\S+/.exec(await program.line(/Debugger listening on/))?.[0] ?? '');
  const key = randomBytes(16).toString('base64');
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13' };
  const request = get({ host: url.hostname, port: url.port, path: url.pathname, headers, agent: false });
  const [, socket] = await once(request, 'upgrade');
  scope.defer(() => socket.destroy());
  return socket;
}

describe.skipIf(skip !== undefined)(`debuggers of processes on this machine${skip === undefined ? '' : ` (skipped: ${skip})`}`, () => {
  it('sees no debugger where there is none, though an inspector is open', async () => {
    const { port, remote } = await peer();
    const plain = node(port);
    const debuggers = new LinuxDebuggers();
    expect(await debuggers.attached({ remote: await remote })).toBe(false);
    expect(await debuggers.attached({ processes: async () => [plain.pid] })).toBe(false);
    const open = node((await peer()).port, '', '--inspect=127.0.0.1:0');
    await open.line(/Debugger listening on/);
    expect(await debuggers.attached({ processes: async () => [open.pid] })).toBe(false);
  });

  it('sees who is connected to the inspector, as long as they are, by connection and by process', async () => {
    const { port, remote } = await peer();
    const program = node(port, '', '--inspect=127.0.0.1:0');
    const debuggers = new LinuxDebuggers();
    const end = await remote;
    const editor = await attachTo(program);
    expect(await debuggers.attached({ remote: end })).toBe(true);
    expect(await debuggers.attached({ processes: async () => [program.pid] })).toBe(true);
    editor.destroy();
    await expect.poll(() => debuggers.attached({ remote: end })).toBe(false);
  });

  it('sees it also while the program never comes back', async () => {
    const { port, remote } = await peer();
    const program = node(port, `setTimeout(() => { console.log('busy'); for (;;); }, 200)`, '--inspect=127.0.0.1:0');
    const end = await remote;
    await program.line(/busy/);
    expect(await new LinuxDebuggers().attached({ remote: end })).toBe(false);
    await attachTo(program);
    expect(await new LinuxDebuggers().attached({ remote: end })).toBe(true);
  });

  it('does not take the callers of other servers in the process for debuggers', async () => {
    const { port, remote } = await peer();
    const serve = `require('node:http').createServer((_, answer) => answer.end('{}')).listen(0, '127.0.0.1', function () { console.log('at ' + this.address().port); })`;
    const program = node(port, serve);
    const served = Number(/\d+/.exec(await program.line(/^at /))?.[0]);
    const caller = connect(served, '127.0.0.1');
    scope.defer(() => caller.destroy());
    await once(caller, 'connect');
    expect(await new LinuxDebuggers().attached({ remote: await remote })).toBe(false);
  });

  it('finds a service by the address where it listens', async () => {
    const listen = `require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log('at ' + this.address().port); })`;
    const program = node((await peer()).port, listen, '--inspect=127.0.0.1:0');
    const port = Number(/\d+/.exec(await program.line(/^at /))?.[0]);
    await attachTo(program);
    for (const host of ['127.0.0.1', 'localhost', '::ffff:127.0.0.1', '[::ffff:127.0.0.1]'])
      expect(await new LinuxDebuggers().attached({ remote: `${host}:${port}` })).toBe(true);
  });

  it('knows nothing of what is not on this machine', async () => {
    const debuggers = new LinuxDebuggers();
    expect(await debuggers.attached({})).toBe(false);
    expect(await debuggers.attached({ remote: '192.0.2.1:7' })).toBe(false);
    for (const remote of ['nonsense', 'chaincode.example.com:7052', '::1:7', 'bad:::1:7', 'unix:/x'])
      expect(await debuggers.attached({ remote })).toBe(false);
    expect(await debuggers.attached({ processes: async () => [2 ** 30] })).toBe(false);
  });

  it.skipIf(gdb === undefined)('sees a debugger that traces the process (skipped without gdb)', async () => {
    const { port, remote } = await peer();
    const program = node(port);
    const end = await remote;
    const commands = ['-batch', '-nx', '-p', String(program.pid), '-ex', 'echo attached\\n', '-ex', 'continue'];
    const tracing = scope.use(new StartedProgram(gdb ?? '', commands));
    await tracing.line(/attached/);
    expect(await new LinuxDebuggers().attached({ remote: end })).toBe(true);
  });

  it.skipIf(javac === undefined)('sees who is connected to the debug port of a Java program (skipped without a JDK)', async () => {
    const { port, remote } = await peer();
    const folder = await mkdtemp(join(tmpdir(), 'selvage-debugged-'));
    scope.defer(() => rm(folder, { recursive: true }));
    const source = `public class Main { public static void main(String[] a) throws Exception { new java.net.Socket("127.0.0.1", ${port}).getInputStream().read(); } }`;
    await writeFile(join(folder, 'Main.java'), source);
    const debugPort = await freePort();
    const jdwp = `-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:${debugPort}`;
    scope.use(new StartedProgram('java', [jdwp, 'Main.java'], { cwd: folder }));
    const end = await remote;
    expect(await new LinuxDebuggers().attached({ remote: end })).toBe(false);
    const debug = connect(debugPort, '127.0.0.1');
    scope.defer(() => debug.destroy());
    await once(debug, 'connect');
    debug.write('JDWP-Handshake');
    expect(String((await once(debug, 'data'))[0])).toBe('JDWP-Handshake');
    expect(await new LinuxDebuggers().attached({ remote: end })).toBe(true);
  });
});
