import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../comm/server.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { Connections, type ConnectionTarget } from './connections.ts';

const never = { signal: new AbortController().signal };
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function serve() {
  const methods = [{ kind: 'unary', path: '/t/Echo', handle: async (request: Uint8Array) => request }] as const;
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods, log: silent }));
  return { server, target: { address: `127.0.0.1:${server.port}`, tlsRoots: [] } satisfies ConnectionTarget };
}

async function call(connections: Connections, target: ConnectionTarget): Promise<void> {
  using leased = connections.lease(target);
  await leased.client.unary('/t/Echo', new Uint8Array([1]), never);
}

describe('connections to others', () => {
  it('are shared by all calls to an address with the same authorities', async () => {
    const { server, target } = await serve();
    using connections = new Connections({ tls: undefined, dialTimeoutMs: 200_000 });
    await Promise.all(Array.from({ length: 50 }, () => call(connections, { ...target, tlsRoots: target.tlsRoots })));
    expect([connections.size, server.connections]).toEqual([1, 1]);
    await call(connections, { ...target, tlsRoots: [Buffer.from('other authorities')] });
    expect(connections.size).toBe(2);
  });

  it('are closed when nobody used them for a while, and not while somebody does', async () => {
    const { target } = await serve();
    let now = 0;
    using connections = new Connections({ tls: undefined, dialTimeoutMs: 200_000, idleMs: 1_000, now: () => now });
    await call(connections, target);
    now = 999;
    connections.closeIdle();
    expect(connections.size).toBe(1);
    {
      using _leased = connections.lease(target);
      now = 5_000;
      connections.closeIdle();
      expect(connections.size).toBe(1);
    }
    now = 6_000;
    connections.closeIdle();
    expect(connections.size).toBe(0);
  });

  it('are so many at most: who was used longest ago goes first', async () => {
    const [one, two, three] = [await serve(), await serve(), await serve()];
    using connections = new Connections({ tls: undefined, dialTimeoutMs: 200_000, most: 2 });
    await call(connections, one.target);
    await call(connections, two.target);
    await call(connections, one.target);
    await call(connections, three.target);
    expect(connections.size).toBe(2);
    while (two.server.connections > 0) await new Promise(setImmediate);
    expect(one.server.connections).toBe(1);
  });

  it('that were left end with the calls they have', async () => {
    const { server, target } = await serve();
    using connections = new Connections({ tls: undefined, dialTimeoutMs: 200_000 });
    {
      using leased = connections.lease(target);
      await leased.client.unary('/t/Echo', new Uint8Array([1]), never);
      connections.leave(target);
      await leased.client.unary('/t/Echo', new Uint8Array([1]), never);
      await call(connections, target);
      expect(server.connections).toBe(2);
    }
    while (server.connections > 1) await new Promise(setImmediate);
    expect(connections.size).toBe(1);
  });
});
