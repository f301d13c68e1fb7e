import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Ports that are free now. They are given back before the caller binds them, so somebody else may be faster. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Whether nobody listens there now. */
export async function areFree(ports: readonly number[]): Promise<boolean> {
  const servers = ports.map((port) => createServer().listen(port, '127.0.0.1'));
  const outcomes = await Promise.allSettled(servers.map((server) => once(server, 'listening')));
  await Promise.all(servers.filter((server) => server.listening).map((server) => once(server.close(), 'close')));
  return outcomes.every(({ status }) => status === 'fulfilled');
}
