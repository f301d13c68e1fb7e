import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { areFree, freePorts } from './free-ports.ts';

it('are different ones where nobody listens, and none that the system gives to others', async () => {
  const ports = await freePorts(200);
  expect(new Set(ports).size).toBe(200);
  expect(ports.filter((port) => port < 1024 || port >= 32_768)).toEqual([]);
});

it('are free unless somebody goes on listening', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await areFree([port])).toBe(false);
  const asked = areFree([port]);
  await new Promise(setImmediate); // it has looked once
  await once(server.close(), 'close');
  expect(await asked).toBe(true);
});
