import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Debuggee, Debuggers } from '../../chaincode/ports/debugging.ts';
import { LruCache } from '../../common/lru.ts';
import { holdersOf, hostText, socketsHeldBy, type TcpSocket, tcpSockets } from '../sockets.ts';

/** How long a port that may be an inspector's may take to say so, milliseconds. */
const ANSWER_MS = 2_000;

/**
 * Looks into `/proc`. A process is debugged when another one traces it (gdb, delve, strace), or when somebody is connected to the
 * inspector of its Node or the debug port of its Java.
 */
export class LinuxDebuggers implements Debuggers {
  /** Looks that are under way: transactions that began together look together. */
  readonly #looks = new Map<unknown, Promise<boolean>>();
  /** Who holds sockets, by their inodes: finding out means to look into every process of the machine. */
  readonly #holders = new LruCache<string, Promise<readonly number[]>>(256);
  /** Whether a listening socket is an inspector, by inode. */
  readonly #inspectors = new LruCache<string, boolean>(64);

  attached({ remote, processes }: Debuggee): Promise<boolean> {
    if (processes !== undefined) return this.#shared(processes, processes);
    return remote === undefined ? Promise.resolve(false) : this.#shared(remote, () => this.#processesAt(remote));
  }

  /** @param of whose processes they are: the same for the same chaincode */
  #shared(of: unknown, processes: () => Promise<readonly number[]>): Promise<boolean> {
    const known = this.#looks.get(of);
    if (known !== undefined) return known;
    const look = this.#any(processes).finally(() => this.#looks.delete(of));
    this.#looks.set(of, look);
    return look;
  }

  async #any(processes: () => Promise<readonly number[]>): Promise<boolean> {
    const pids = await processes().catch(() => []);
    // A process that ended while we looked is not debugged.
    const answers = await Promise.all(pids.map((pid) => this.#debugged(pid).catch(() => false)));
    return answers.includes(true);
  }

  /** The processes behind an address: those that connect from it, or those that listen there. */
  async #processesAt(address: string): Promise<readonly number[]> {
    const inodes = (await socketsAt(address)).map(({ inode }) => inode);
    const key = inodes.join(' ');
    const holders = this.#holders.get(key) ?? holdersOf(new Set(inodes));
    this.#holders.set(key, holders);
    return await holders;
  }

  async #debugged(pid: number): Promise<boolean> {
    return (await isTraced(pid)) || (await this.#hasCaller(pid));
  }

  /** Whether somebody is connected to a debug port of this process. */
  async #hasCaller(pid: number): Promise<boolean> {
    const held = new Set(await socketsHeldBy(pid));
    const own = (await tcpSockets(pid)).filter(({ inode }) => held.has(inode));
    const connected = own.filter(({ state }) => state === 'established');
    const javaPort = await debugPortOfJava(pid);
    if (connected.some(({ local, remote }) => local.port === javaPort || remote.port === javaPort)) return true;
    const called = new Set(connected.map(({ local }) => local.port));
    const listening = own.filter(({ state, local }) => state === 'listening' && called.has(local.port));
    const answers = await Promise.all(listening.map((socket) => this.#isInspector(socket)));
    return answers.includes(true);
  }

  async #isInspector(socket: TcpSocket): Promise<boolean> {
    const answer = this.#inspectors.get(socket.inode) ?? (await answersAsInspector(socket));
    if (answer !== undefined) this.#inspectors.set(socket.inode, answer);
    return answer === true;
  }
}

/** The sockets of this machine with that address: of connections from it, or those that listen there. */
async function socketsAt(address: string): Promise<readonly TcpSocket[]> {
  const [, name = '', digits = ''] = /^(.*):(\d+)$/.exec(address) ?? []; // gRPC writes IPv6 without brackets
  if (digits === '' || !/^[\d.:a-f[\]]+$|^localhost$/i.test(name)) return [];
  const host = hostText(name === 'localhost' ? '127.0.0.1' : name);
  const isHere = ({ local, state }: TcpSocket): boolean =>
    local.port === Number(digits) && (local.host === host || (state === 'listening' && /^(0\.0\.0\.0|::)$/.test(local.host)));
  return (await tcpSockets('self')).filter(isHere);
}

async function isTraced(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  return /^TracerPid:\s*[1-9]/m.test(status);
}

/** From `-agentlib:jdwp=transport=dt_socket,address=…`, on the command line or in the environment. */
async function debugPortOfJava(pid: number): Promise<number | undefined> {
  const texts = await Promise.all(['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')));
  const port = /jdwp[=:][^\0\s]*address=(?:[^,\0\s]*:)?(\d+)/.exec(texts.join('\0'))?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Node's inspector answers also while the program stands at a breakpoint, or never comes back. @returns undefined when nothing came in time */
function answersAsInspector({ local: { host, port } }: TcpSocket): Promise<boolean | undefined> {
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const options = { host: address, port, path: '/json/version', agent: false, signal };
  return new Promise((resolve) => {
    const failed = (): void => resolve(signal.aborted ? undefined : false);
    const request = get(options, (response) => {
      text(response)
        .then((answer) => /"Browser":\s*"node\.js\//.test(answer))
        .then(resolve, failed);
    });
    request.on('error', failed);
  });
}
