import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../common/scope.ts';
import { mayBeChaincode } from './local-caller.ts';
import { findControlGroups } from './process/control-groups.ts';
import { findIsolation } from './process/isolation.ts';
import { TREE_VARIABLE } from './process/process-group.ts';

const linux = process.platform === 'linux';
const isolation = linux ? await findIsolation({ host: process.env, limits: {}, sandbox: 'auto' }) : undefined;
const sandboxed = isolation?.active['sandbox']?.startsWith('bwrap') === true;
const groups = linux ? await findControlGroups({ processes: 50 }) : undefined;
const grouped = groups?.active.processes.startsWith('50') === true;

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

/** A server that one program calls, and what that connection looks like here. */
async function called(start: (script: string) => ChildProcess, host = '127.0.0.1', then = ''): Promise<Socket> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  scope.defer(() => server.close());
  const place = server.address();
  const port = typeof place === 'object' && place !== null ? place.port : 0;
  const accepted = once(server, 'connection');
  const program = start(`const s = require('net').connect(${port}, '${host}', () => { ${then} }); setTimeout(() => {}, 60000);`);
  scope.defer(() => program.kill('SIGKILL'));
  const [socket]: Socket[] = await accepted;
  if (socket === undefined) throw new Error('nobody called');
  scope.defer(() => socket.destroy());
  return socket;
}

const plain = (script: string): ChildProcess => spawn(process.execPath, ['-e', script], { stdio: 'ignore' });

describe.skipIf(!linux)('who calls', () => {
  it('is a program of the user like any other', async () => {
    expect(await mayBeChaincode(await called(plain))).toBe(false);
  });

  it('is a process that bears the mark of chaincode', async () => {
    const marked = (script: string): ChildProcess =>
      spawn(process.execPath, ['-e', script], { stdio: 'ignore', env: { ...process.env, [TREE_VARIABLE]: '1' } });
    expect(await mayBeChaincode(await called(marked))).toBe(true);
    const outside = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const other = outside.find(({ family, internal }) => family === 'IPv4' && !internal);
    if (other !== undefined) expect(await mayBeChaincode(await called(marked, other.address))).toBe(true);
  });

  it.skipIf(!sandboxed)(`is a process in a sandbox, whatever it has left${sandboxed ? '' : ' (skipped: no sandbox)'}`, async () => {
    const escaped = (script: string): ChildProcess => {
      const command = { file: '/usr/bin/setsid', args: ['/usr/bin/env', '-i', process.execPath, '-e', script], env: {} };
      const reads = [process.execPath];
      const { file, args } = isolation?.wrap(command, { reads, own: [], writes: [] }) ?? command;
      return spawn(file, args, { stdio: 'ignore', cwd: '/' });
    };
    expect(await mayBeChaincode(await called(escaped))).toBe(true);
  });

  it.skipIf(!grouped)(`is a process in a control group of ours${grouped ? '' : ' (skipped: no control groups)'}`, async () => {
    const group = await groups?.open();
    if (group === undefined) throw new Error('there was one');
    scope.use(group);
    const inside = (script: string): ChildProcess => {
      const { file, args } = group.wrap({ file: '/usr/bin/env', args: ['-i', process.execPath, '-e', script], env: {} });
      return spawn(file, args, { stdio: 'ignore' });
    };
    expect(await mayBeChaincode(await called(inside))).toBe(true);
  });

  it('has hung up, so that nobody can tell', async () => {
    const socket = await called(plain, '127.0.0.1', 's.destroy(); process.exit();');
    socket.resume();
    await once(socket, 'end');
    expect(await mayBeChaincode(socket)).toBe(true);
  });

  it('is on another machine', async () => {
    expect(await mayBeChaincode({ remoteAddress: '192.0.2.1', remotePort: 40_000, localPort: 9443 })).toBe(false);
    expect(await mayBeChaincode({ remoteAddress: '::ffff:127.0.0.1', remotePort: 1, localPort: 2 })).toBe(true);
  });
});
