import { readdir, readFile, readlink } from 'node:fs/promises';

/** One row of the kernel's table of TCP sockets. */
export interface TcpSocket {
  readonly local: TcpEnd;
  readonly remote: TcpEnd;
  readonly state: 'established' | 'listening' | 'other';
  /** By which processes hold it. */
  readonly inode: string;
  /** User that made it. */
  readonly uid: number;
}

export interface TcpEnd {
  /** As {@link hostText} writes it. */
  readonly host: string;
  readonly port: number;
}

/** All TCP sockets of the network namespace that `/proc/PID` sees; empty where there is no such table. Linux only. */
export async function tcpSockets(pid: number | 'self'): Promise<readonly TcpSocket[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'latin1').catch(() => '')));
  return tables.flatMap((table) => table.split('\n').slice(1).flatMap(socketOf));
}

/** Processes that we may look into and that hold one of these sockets. */
export async function holdersOf(inodes: ReadonlySet<string>): Promise<readonly number[]> {
  if (inodes.size === 0) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const held = await Promise.all(pids.map(async (pid) => ((await socketsHeldBy(pid)).some((inode) => inodes.has(inode)) ? [pid] : [])));
  return held.flat();
}

/** Inodes of the sockets that a process holds; none of those that we may not look into. */
export async function socketsHeldBy(pid: number): Promise<readonly string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

/** One way to write each address: IPv4 also for those that are mapped into IPv6, IPv6 as short as it gets. */
export function hostText(address: string): string {
  const mapped = /^\[?::ffff:(\d+\.\d+\.\d+\.\d+)\]?$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const { hostname } = new URL(`http://[${address.replaceAll(/[[\]]/g, '')}]`);
  return hostname.slice(1, -1);
}

const STATES: Readonly<Record<string, TcpSocket['state']>> = { '01': 'established', '0A': 'listening' };

function socketOf(line: string): readonly TcpSocket[] {
  const [, local, remote, state = '', , , , uid, , inode] = line.trim().split(/\s+/);
  if (local === undefined || remote === undefined || inode === undefined) return [];
  return [{ local: endOf(local), remote: endOf(remote), state: STATES[state] ?? 'other', inode, uid: Number(uid) }];
}

/** `0100007F:1B8B`: the address as words of 32 bits in this machine's byte order, which is little-endian wherever Node runs on Linux but s390x. */
function endOf(text: string): TcpEnd {
  const [address = '', port = ''] = text.split(':');
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  return { host: bytes.length === 4 ? bytes.join('.') : ipv6(bytes), port: Number.parseInt(port, 16) };
}

function ipv6(bytes: readonly number[]): string {
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (isMapped) return bytes.slice(12).join('.');
  return hostText(Buffer.from(bytes).toString('hex').match(/.{4}/g)?.join(':') ?? '');
}
