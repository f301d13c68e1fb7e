import { readFile, readlink } from 'node:fs/promises';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { PREFIX } from './process/control-groups.ts';
import { TREE_VARIABLE } from './process/process-group.ts';
import { holdersOf, hostText, tcpSockets } from './sockets.ts';

/** The ends of a connection that was accepted here. */
export interface AcceptedConnection {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localPort?: number | undefined;
}

/**
 * Whether a connection may come from a process that the peer started as chaincode, or that such a one started: those share the peer's
 * network, so that being on the same machine vouches for nobody. The kernel tells which process holds the other end. One of another
 * user is not chaincode, one of our own is when it bears the mark of a process tree, is in its control group, or in another process
 * namespace than we are; and so is one that cannot be told, as when it has hung up already. Callers on other machines, or in containers
 * with a network of their own, are no processes of ours. Linux only; elsewhere false.
 */
export async function mayBeChaincode({ remoteAddress = '', remotePort, localPort }: AcceptedConnection): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const host = hostText(remoteAddress);
  const found = (await tcpSockets('self')).filter(
    ({ local, remote }) => local.port === remotePort && remote.port === localPort && local.host === host,
  );
  const [socket] = found;
  if (socket === undefined) return isOurs(host);
  if (socket.uid !== process.getuid?.() && socket.inode !== '0') return false;
  const holders = await holdersOf(new Set(found.map(({ inode }) => inode)));
  if (holders.length === 0) return true;
  return (await Promise.all(holders.map(isChaincode))).some(Boolean);
}

async function isChaincode(pid: number): Promise<boolean> {
  const [own, namespace] = await Promise.all(['self', pid].map((each) => readlink(`/proc/${each}/ns/pid`).catch(() => '')));
  if (own !== namespace) return true;
  const [environment = '', groups = ''] = await Promise.all(
    ['environ', 'cgroup'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')),
  );
  return `\0${environment}`.includes(`\0${TREE_VARIABLE}=`) || groups.includes(`/${PREFIX}`);
}

/** Whether an address is of this machine. */
const isOurs = (host: string): boolean =>
  host.startsWith('127.') || addresses().some(({ address }) => hostText(address.split('%')[0] ?? '') === host);

const addresses = (): readonly NetworkInterfaceInfo[] => Object.values(networkInterfaces()).flatMap((each) => each ?? []);
