import { describe, expect, it } from 'vitest';
import { GrpcClient } from '../comm/client.ts';
import { listen } from '../comm/server.ts';
import { silent } from '../common/log.ts';
import { unservedServices } from './unserved-services.ts';

const never = new AbortController().signal;
const UNIMPLEMENTED = 12;

describe('a service that is not here', () => {
  it('answers a unary call with a sentence', async () => {
    await using server = await listen({ address: '127.0.0.1:0', methods: unservedServices(), log: silent });
    using client = new GrpcClient({ address: `127.0.0.1:${server.port}` });
    for (const path of ['/protos.Snapshot/Generate', '/protos.Admin/GetStatus']) {
      const [, service = ''] = /^\/(.+)\//.exec(path) ?? [];
      await expect(client.unary(path, new Uint8Array(100), { signal: never })).rejects.toMatchObject({
        message: expect.stringMatching(new RegExp(`^this peer does not serve ${service}: .{20,}`)),
        details: { grpcStatus: UNIMPLEMENTED },
      });
    }
  });

  it('is not here only as far as nothing serves it', () => {
    const served = [{ kind: 'unary' as const, path: '/discovery.Discovery/Discover', handle: async () => new Uint8Array() }];
    expect(unservedServices().map(({ path }) => path)).toContain('/discovery.Discovery/Discover');
    expect(unservedServices(served).map(({ path }) => path)).not.toContain('/discovery.Discovery/Discover');
  });

  it('ends a stream with one', async () => {
    await using server = await listen({ address: '127.0.0.1:0', methods: unservedServices(), log: silent });
    using client = new GrpcClient({ address: `127.0.0.1:${server.port}` });
    for (const path of ['/protos.Events/Chat']) {
      using stream = client.bidi(path, { signal: never });
      const read = async () => {
        for await (const _ of stream.incoming);
      };
      await expect(read()).rejects.toMatchObject({
        details: { grpcStatus: UNIMPLEMENTED },
        message: expect.stringContaining('does not serve'),
      });
    }
  });
});
