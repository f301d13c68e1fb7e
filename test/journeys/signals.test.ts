import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningCommand } from './command.ts';
import { chaincodeCache, repository, testNetwork } from './network.ts';

let folder: string;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-signals-'));
  await using made = await testNetwork();
  const peer = join(made.network.folders.organizations, 'peerOrganizations/org1.example.com/peers/peer0.org1.example.com');
  await cp(peer, join(folder, 'peer'), { recursive: true });
  env = {
    FABRIC_CFG_PATH: folder,
    CORE_PEER_ID: 'peer7',
    CORE_PEER_NETWORKID: 'net8',
    CORE_PEER_LOCALMSPID: 'Org1MSP',
    CORE_PEER_ADDRESS: '127.0.0.1:17051',
    CORE_PEER_LISTENADDRESS: '127.0.0.1:0',
    CORE_PEER_CHAINCODELISTENADDRESS: '127.0.0.1:0',
    CORE_PEER_MSPCONFIGPATH: 'peer/msp',
    CORE_PEER_FILESYSTEMPATH: 'data',
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const started = (line: string) => line.includes('Started peer with ID=[peer7], network ID=[net8], address=[127.0.0.1:17051]');
const records = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));

/** Whether any socket that the process listens on is the debugger's. */
const listensOn = (pid: number, port: number): boolean => {
  const inodes = execFileSync('sh', ['-c', `ls -l /proc/${pid}/fd | grep -o 'socket:.[0-9]*' | grep -o '[0-9]*$' || true`], {
    encoding: 'utf8',
  });
  const listening = execFileSync('sh', ['-c', 'cat /proc/net/tcp /proc/net/tcp6'], { encoding: 'utf8' }).split('\n');
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const own = new Set(inodes.split('\n').filter((inode) => inode !== ''));
  return listening.some((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    return state === '0A' && local.endsWith(`:${hex}`) && own.has(inode);
  });
};

describe('a running peer', () => {
  it('says that it has started, reports on SIGUSR1 without a debugger, and stops on SIGTERM, in JSON lines only', async () => {
    await using peer = new RunningCommand(['node', 'start'], env);
    await peer.line(started);
    peer.signal('SIGUSR1');
    const report = JSON.parse(await peer.line((line) => line.includes('Go routines report')));
    expect(report).toMatchObject({ pid: peer.pid, waitsFor: expect.any(Object), channels: [], connections: 0, failedChecks: [] });
    expect(listensOn(peer.pid, 9229)).toBe(false);
    peer.signal('SIGTERM');
    expect(await peer.closed).toBe(0);
    const all = records(peer.lines);
    expect(all.map(({ msg }) => msg)).toContain('Received signal: 10 (user defined signal 1)');
    expect(all.map(({ msg }) => msg)).toContain('Received signal: 15 (terminated)');
    for (const line of peer.lines) {
      const keys = [...line.matchAll(/[{,]"(level|time|module|channel|msg)":/g)].map(([, key]) => key);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it('opens a debugger when its command line says so', async () => {
    await using peer = new RunningCommand(['node', 'start'], { ...env, NODE_OPTIONS: '--inspect=127.0.0.1:0' });
    await peer.line((line) => line.startsWith('Debugger listening on ws://127.0.0.1:'));
    await peer.line(started);
  });

  it('logs what fails where nobody waits for it, stops in order and says so by its exit code', async () => {
    const lost = "process.once('SIGUSR2', () => void Promise.reject(new Error('lost on purpose')))";
    await using peer = new RunningCommand(['node', 'start'], {
      ...env,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(lost)}`,
    });
    await peer.line(started);
    peer.signal('SIGUSR2');
    const failure = JSON.parse(await peer.line((line) => line.includes('failed where nobody waited for it')));
    expect(failure).toMatchObject({ level: 'error', cause: { message: 'lost on purpose', stack: expect.any(String) } });
    expect(await peer.closed).toBe(1);
    expect(peer.lines.join('\n')).toContain('Error: internal error');
    await using next = new RunningCommand(['node', 'start'], env); // nothing holds what it had
    await next.line(started);
  });

  it('can be told to stop before it has started', async () => {
    await using peer = new RunningCommand(['node', 'start'], env);
    await peer.line((line) => line.includes('chaincode runs as processes'));
    expect([0, 130]).toContain(await peer.interrupt()); // as it had started by then or not
    expect(records(peer.lines).map(({ msg }) => msg)).toContain('Received signal: 2 (interrupt)');
  });
});

describe('a development network', () => {
  it('that is interrupted while it starts leaves no folder with keys behind', async () => {
    const temporary = join(folder, 'tmp');
    await mkdir(temporary, { recursive: true });
    const dev = ['dev', join(repository, 'chaincodes/kv-node'), '--once', '--port-base', '0', '--json'];
    const appears = async (name: RegExp): Promise<void> => {
      const names = () => readdir(temporary, { recursive: true }).catch(() => []); // folders come and go meanwhile
      while (!(await names()).some((path) => name.test(path))) await new Promise(setImmediate);
    };
    for (const moment of [/selvage-dev-/, /peerOrganizations/, /genesis|\.block$/, /ledgers$/]) {
      await using running = new RunningCommand(dev, { SELVAGE_CACHE: chaincodeCache, TMPDIR: temporary });
      await appears(moment);
      expect(await running.interrupt()).toBe(130);
      expect(running.lines.join('\n')).not.toContain('destroyed');
      expect(await readdir(temporary)).toEqual([]);
    }
  });

  it('reports on SIGUSR1 in its log', async () => {
    const data = join(folder, 'data-dev');
    await using running = new RunningCommand(
      ['dev', '--data', data, '--port-base', '0', '--json'],
      { SELVAGE_CACHE: chaincodeCache },
      folder,
    );
    await running.line((line) => line.includes('"fact":"ready"'));
    running.signal('SIGUSR1');
    const log = join(data, 'selvage.log');
    while (!(await readFile(log, 'utf8')).includes('Go routines report')) await new Promise(setImmediate);
    expect(listensOn(running.pid, 9229)).toBe(false);
    expect(await running.interrupt()).toBe(0);
    expect(await readFile(log, 'utf8')).toContain('Received signal: 2 (interrupt)');
  });
});
