import { getEventListeners, once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Issued, issue } from '../../test/certificates.ts';
import { freePort, listenAgain } from '../../test/free-ports.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError, type StatusDetail } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { loadGrpcJs, OWN } from './chosen-transport.ts';
import { GrpcClient } from './client.ts';
import { listenFailure } from './listen-failure.ts';
import type { ByteStream, Method } from './method.ts';
import { listen } from './server.ts';
import type { ClientTls } from './tls.ts';

const never = new AbortController().signal;
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const GRPC_JS = await loadGrpcJs();

/** What each transport promises, and each side of it beside the other's. */
describe.each([
  { name: 'our own transport', served: OWN, dialled: OWN },
  { name: 'grpc-js', served: GRPC_JS, dialled: GRPC_JS },
  { name: 'our server, client of grpc-js', served: OWN, dialled: GRPC_JS },
  { name: 'server of grpc-js, our client', served: GRPC_JS, dialled: OWN },
])('$name', ({ served, dialled }) => {
  async function serve(...methods: Method[]) {
    const server = scope.use(await listen({ address: '127.0.0.1:0', methods, log: silent }, served));
    return scope.use(new GrpcClient({ address: `127.0.0.1:${server.port}` }, dialled));
  }

  describe('a unary method', () => {
    it('gets the bytes and returns the bytes', async () => {
      const client = await serve({ kind: 'unary', path: '/t/Echo', handle: async (request) => request });
      expect([...(await client.unary('/t/Echo', new Uint8Array([1, 2, 3]), { signal: never }))]).toEqual([1, 2, 3]);
    });

    it('serves many callers at once, each with its own answer', async () => {
      const client = await serve({ kind: 'unary', path: '/t/Echo', handle: async (request) => request });
      const requests = Array.from({ length: 300 }, (_, at) => new Uint8Array(37 * at).fill(at));
      const answers = await Promise.all(requests.map((request) => client.unary('/t/Echo', request, { signal: never })));
      for (const [at, answer] of answers.entries()) expect(Buffer.compare(answer, requests[at] as Uint8Array)).toBe(0);
    });

    it('whose handler throws before it has a promise fails like any other', async () => {
      const handle = (): Promise<Uint8Array> => {
        throw new SelvageError('PROPOSAL_REFUSED', 'at once');
      };
      const client = await serve(
        { kind: 'unary', path: '/t/Throw', handle },
        { kind: 'unary', path: '/t/Echo', handle: async (bytes) => bytes },
      );
      if (served === OWN) await expect(client.unary('/t/Throw', new Uint8Array(), { signal: never })).rejects.toThrow('at once');
      expect(await client.unary('/t/Echo', new Uint8Array([1]), { signal: never })).toHaveLength(1);
    });

    it('that nobody serves is unimplemented', async () => {
      const client = await serve();
      await expect(client.unary('/t/Nothing', new Uint8Array(), { signal: never })).rejects.toMatchObject({
        code: 'REFUSED_BY_PEER',
        details: { grpcStatus: 12 },
      });
    });

    it('gives the caller our message, trailing blanks included', async () => {
      const fail = async (): Promise<Uint8Array> => {
        throw new SelvageError('PROPOSAL_REFUSED', 'unknown function ');
      };
      const client = await serve({ kind: 'unary', path: '/t/Fail', handle: fail });
      await expect(client.unary('/t/Fail', new Uint8Array(), { signal: never })).rejects.toMatchObject({
        code: 'REFUSED_BY_PEER',
        message: 'unknown function ',
        details: { grpcStatus: 2 },
      });
    });

    it('shortens a message that would not fit into the headers, so that the call ends', async () => {
      for (const text of ['x'.repeat(1_000_000), '\u{1F9F5}%\n'.repeat(10_000)]) {
        const fail = async (): Promise<Uint8Array> => {
          throw new SelvageError('PROPOSAL_REFUSED', text);
        };
        const client = await serve({ kind: 'unary', path: '/t/Fail', handle: fail });
        const refused = SelvageError.from(
          await client.unary('/t/Fail', new Uint8Array(), { signal: never }).catch((thrown: unknown) => thrown),
        );
        const [kept = '', more = ''] = refused.message.split('… (');
        expect(text.startsWith(kept)).toBe(true);
        expect(encodeURIComponent(kept).length).toBeGreaterThan(5_000);
        expect(encodeURIComponent(kept).length).toBeLessThanOrEqual(6_000);
        expect(more).toBe(`${text.length - kept.length} more characters)`);
      }
    });

    const detail = (text: string): StatusDetail => ({ typeUrl: 'type.googleapis.com/test.Detail', value: Buffer.from(text) });

    it('gives the caller the details of a failure, of streams too', async () => {
      const refused = new SelvageError('ENDORSEMENT_FAILED', 'see the détails', { statusDetails: [detail('one'), detail('zwei\0ü')] });
      const fail = async (): Promise<never> => Promise.reject(refused);
      const client = await serve({ kind: 'unary', path: '/t/Fail', handle: fail }, { kind: 'bidi', path: '/t/FailStream', handle: fail });
      const read = async (): Promise<unknown> => {
        using stream = client.bidi('/t/FailStream', { signal: never });
        for await (const _ of stream.incoming);
        return undefined;
      };
      const calls = [() => client.unary('/t/Fail', new Uint8Array(), { signal: never }), read];
      for (const call of calls) {
        const thrown = SelvageError.from(await call().catch((failure: unknown) => failure));
        expect(thrown).toMatchObject({ message: 'see the détails', details: { grpcStatus: 10 } });
        expect(thrown.statusDetails.map(({ typeUrl, value }) => [typeUrl, Buffer.from(value).toString()])).toEqual([
          ['type.googleapis.com/test.Detail', 'one'],
          ['type.googleapis.com/test.Detail', 'zwei\0ü'],
        ]);
      }
    });

    it('leaves out the details that would not fit into the headers', async () => {
      const statusDetails = Array.from({ length: 50 }, (_, at) => detail(`${at}`.padEnd(500, 'x')));
      const client = await serve({
        kind: 'unary',
        path: '/t/Fail',
        handle: async () => {
          throw new SelvageError('ENDORSEMENT_FAILED', 'ü'.repeat(10_000), { statusDetails });
        },
      });
      const thrown = SelvageError.from(
        await client.unary('/t/Fail', new Uint8Array(), { signal: never }).catch((failure: unknown) => failure),
      );
      expect(thrown.message).toMatch(/^ü+… \(\d+ more characters\)$/);
      expect(thrown.statusDetails.length).toBeGreaterThan(4);
      const sent = encodeURIComponent(thrown.message).length + Buffer.byteLength(thrown.message);
      const details = thrown.statusDetails.reduce((sum, { typeUrl, value }) => sum + typeUrl.length + value.length, 0);
      expect(sent + (details * 4) / 3).toBeLessThan(7_500);
    });

    it('hides what nobody foresaw', async () => {
      const fail = async (): Promise<Uint8Array> => {
        throw new Error('/secret/path');
      };
      const client = await serve({ kind: 'unary', path: '/t/Fail', handle: fail });
      await expect(client.unary('/t/Fail', new Uint8Array(), { signal: never })).rejects.toMatchObject({
        message: 'internal error',
        details: { grpcStatus: 13 },
      });
    });

    it('tells the handler when the caller is gone', async () => {
      const seen = deferred<void>();
      const started = deferred<void>();
      const handle: Method['handle'] = async (_request: unknown, { signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => seen.resolve());
        started.resolve();
        await seen.promise;
        return new Uint8Array();
      };
      const client = await serve({ kind: 'unary', path: '/t/Wait', handle: handle as Extract<Method, { kind: 'unary' }>['handle'] });
      const gone = new AbortController();
      const call = client.unary('/t/Wait', new Uint8Array(), { signal: gone.signal });
      await started.promise;
      gone.abort(new Error('caller left'));
      await expect(call).rejects.toThrow('caller left');
      await seen.promise;
    });

    it('says so when its answer is larger than any client takes', async () => {
      const large = new Uint8Array(100 * 1024 * 1024 + 1);
      const client = await serve(
        { kind: 'unary', path: '/t/Large', handle: async () => large },
        { kind: 'bidi', path: '/t/LargeStream', handle: async (stream) => stream.send(large) },
      );
      const refused = {
        code: 'REFUSED_BY_PEER',
        details: { grpcStatus: 8 },
        message: expect.stringMatching(/message larger than max \(104857601 vs/),
      };
      await expect(client.unary('/t/Large', new Uint8Array(), { signal: never })).rejects.toMatchObject(refused);
      using stream = client.bidi('/t/LargeStream', { signal: never });
      const read = async () => {
        for await (const _ of stream.incoming);
      };
      await expect(read()).rejects.toMatchObject(refused);
    });

    it('takes messages far over the default limit of 4 MiB', async () => {
      const client = await serve({ kind: 'unary', path: '/t/Size', handle: async (request) => new Uint8Array(request.length) });
      const answer = await client.unary('/t/Size', new Uint8Array(20 * 1024 * 1024), { signal: never });
      expect(answer.length).toBe(20 * 1024 * 1024);
    });
  });

  describe('a bidirectional method', () => {
    it('answers each message and ends with the caller', async () => {
      const client = await serve({
        kind: 'bidi',
        path: '/t/Twice',
        handle: async (stream) => {
          for await (const message of stream.incoming) await stream.send(new Uint8Array([...message, ...message]));
        },
      });
      using stream = client.bidi('/t/Twice', { signal: never });
      await stream.send(new Uint8Array([7]));
      await stream.send(new Uint8Array([8]));
      stream.end();
      const answers: number[][] = [];
      for await (const answer of stream.incoming) answers.push([...answer]);
      expect(answers).toEqual([
        [7, 7],
        [8, 8],
      ]);
    });

    it('slows the sender down when the other side does not read', async () => {
      const unread = deferred<void>();
      const client = await serve({ kind: 'bidi', path: '/t/Deaf', handle: () => unread.promise });
      using stream = client.bidi('/t/Deaf', { signal: never });
      const megabyte = new Uint8Array(1024 * 1024);
      let sent = 0;
      const flood = (async () => {
        for (; sent < 100; sent += 1) await stream.send(megabyte);
      })();
      const outcome = await Promise.race([
        flood.then(() => 'all sent'),
        new Promise((resolve) => setImmediate(() => setImmediate(() => resolve('waiting')))),
      ]);
      expect(outcome).toBe('waiting');
      expect(sent).toBeLessThan(100);
      flood.catch(() => undefined);
      unread.resolve();
    });

    it('carries large messages both ways at a time, in order', async () => {
      const client = await serve({
        kind: 'bidi',
        path: '/t/Echo',
        handle: async (stream) => {
          for await (const message of stream.incoming) await stream.send(message);
        },
      });
      using stream = client.bidi('/t/Echo', { signal: never });
      const sizes = [0, 1, 16_379, 16_380, 65_535, 3_000_000, 5, 7_000_000, 70_000];
      const sending = (async () => {
        for (const [at, size] of sizes.entries()) await stream.send(new Uint8Array(size).fill(at));
        stream.end();
      })();
      const got: [number, boolean][] = [];
      for await (const message of stream.incoming) got.push([message.length, message.every((byte) => byte === got.length)]);
      expect(got).toEqual(sizes.map((size) => [size, true]));
      await sending;
    });

    it('is forgotten by its signal when it has ended', async () => {
      const client = await serve({ kind: 'bidi', path: '/t/End', handle: async () => undefined });
      const { signal } = new AbortController();
      using stream = client.bidi('/t/End', { signal });
      for await (const _ of stream.incoming);
      while (getEventListeners(signal, 'abort').length > 0) await new Promise(setImmediate);
    });

    it('gives its reader what came before it failed', async () => {
      const client = await serve({
        kind: 'bidi',
        path: '/t/Late',
        handle: async (stream) => {
          for (let at = 1; at <= 3; at += 1) await stream.send(new Uint8Array([at]));
          throw new SelvageError('ACCESS_DENIED', 'no more');
        },
      });
      using stream = client.bidi('/t/Late', { signal: never });
      const got: number[] = [];
      const read = async (): Promise<void> => {
        for await (const message of stream.incoming) {
          got.push(...message);
          await new Promise(setImmediate); // so that the failure is there before the next message is asked for
        }
      };
      await expect(read()).rejects.toThrow('no more');
      expect(got).toEqual([1, 2, 3]);
    });

    it('may end before the caller does', async () => {
      const client = await serve({
        kind: 'bidi',
        path: '/t/Enough',
        handle: async (stream) => {
          for await (const message of stream.incoming) {
            await stream.send(message);
            return;
          }
        },
      });
      using stream = client.bidi('/t/Enough', { signal: never });
      await stream.send(new Uint8Array([1]));
      const got: number[] = [];
      for await (const message of stream.incoming) got.push(...message);
      expect(got).toEqual([1]);
    });

    it('that was given up before it began is over', async () => {
      const client = await serve({
        kind: 'bidi',
        path: '/t/Wait',
        handle: async (stream) => {
          for await (const _ of stream.incoming);
        },
      });
      const reason = new Error('given up');
      using stream = client.bidi('/t/Wait', { signal: AbortSignal.abort(reason) });
      await expect(stream.incoming[Symbol.asyncIterator]().next()).rejects.toBe(reason);
    });

    it('tells its handler when the caller gives up', async () => {
      const gone = deferred<unknown>();
      const serving = deferred<void>();
      const client = await serve({
        kind: 'bidi',
        path: '/t/Wait',
        handle: async (stream, { signal }) => {
          signal.addEventListener('abort', () => gone.resolve(signal.reason));
          serving.resolve();
          for await (const _ of stream.incoming);
        },
      });
      const stream = client.bidi('/t/Wait', { signal: never });
      await stream.send(new Uint8Array([1]));
      await serving.promise;
      stream[Symbol.dispose]();
      expect(await gone.promise).toMatchObject({ code: 'CANCELLED' });
    });

    it('carries the failure of the handler', async () => {
      const client = await serve({
        kind: 'bidi',
        path: '/t/Fail',
        handle: async () => {
          throw new SelvageError('ACCESS_DENIED', 'not you');
        },
      });
      using stream = client.bidi('/t/Fail', { signal: never });
      const read = async () => {
        for await (const _ of stream.incoming);
      };
      await expect(read()).rejects.toMatchObject({ code: 'REFUSED_BY_PEER', message: 'not you' });
    });
  });

  describe('a server that asks for certificates', () => {
    const pemOf = ({ pem, privateKey }: Issued) => ({ cert: pem, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() });

    /** Each message is answered with the certificate that its caller showed. */
    async function asking() {
      const own = await issue({ subject: 'CN=server' });
      const methods: Method[] = [
        { kind: 'unary', path: '/t/Who', handle: async (_, { peerCertificate }) => peerCertificate ?? new Uint8Array() },
        {
          kind: 'bidi',
          path: '/t/WhoStream',
          handle: async (stream, { peerCertificate }) => {
            for await (const _ of stream.incoming) await stream.send(peerCertificate ?? new Uint8Array());
          },
        },
      ];
      const tls = { ...pemOf(own), asksForCertificates: true };
      const { port } = scope.use(await listen({ address: '127.0.0.1:0', tls, methods, log: silent }, served));
      const roots = own.pem;
      const client = (shown: Partial<ClientTls> = {}): GrpcClient =>
        scope.use(new GrpcClient({ address: `127.0.0.1:${port}`, tls: { roots, hostnameOverride: 'server', ...shown } }, dialled));
      return { own, client };
    }

    it('knows what its callers showed, whoever issued it, and lets those in who show nothing', async () => {
      const { client } = await asking();
      const stranger = await issue({ subject: 'CN=stranger', issuer: await issue({ subject: 'CN=unknown', ca: true }) });
      const expired = await issue({ subject: 'CN=expired', notBefore: '2020-01-01T00:00:00Z', notAfter: '2021-01-01T00:00:00Z' });
      for (const shown of [stranger, expired, undefined]) {
        const dialling = client(shown && pemOf(shown));
        const der = shown?.der ?? new Uint8Array();
        expect(Buffer.compare(await dialling.unary('/t/Who', new Uint8Array(), { signal: never }), der)).toBe(0);
        using stream = dialling.bidi('/t/WhoStream', { signal: never });
        await stream.send(new Uint8Array([1]));
        const { value } = await stream.incoming[Symbol.asyncIterator]().next();
        expect(Buffer.compare(value, der)).toBe(0);
      }
    });

    it('is known by its own certificate once it has said something', async () => {
      const { own, client } = await asking();
      using stream = client().bidi('/t/WhoStream', { signal: never });
      await stream.send(new Uint8Array([1]));
      await stream.incoming[Symbol.asyncIterator]().next();
      expect(Buffer.compare(stream.peerCertificate ?? new Uint8Array(), own.der)).toBe(0);
    });

    it('has no certificate where there is no TLS', async () => {
      const client = await serve({
        kind: 'bidi',
        path: '/t/Who',
        handle: async (stream, { peerCertificate }) => stream.send(peerCertificate ?? new Uint8Array([0])),
      });
      using stream = client.bidi('/t/Who', { signal: never });
      const { value } = await stream.incoming[Symbol.asyncIterator]().next();
      expect([[...value], stream.peerCertificate]).toEqual([[0], undefined]);
    });
  });

  describe('listening', () => {
    it('refuses a port that is taken and says so', async () => {
      const server = scope.use(await listen({ address: '127.0.0.1:0', methods: [], log: silent }, served));
      await expect(listen({ address: `127.0.0.1:${server.port}`, methods: [], log: silent }, served)).rejects.toMatchObject({
        code: 'ADDRESS_IN_USE',
        message: `cannot listen on 127.0.0.1:${server.port}: another process listens there (EADDRINUSE)`,
        advice: expect.stringContaining('Stop the process'),
      });
    });

    it('says of an address that is none of this machine what it is, and of no process', async () => {
      for (const [host, reason] of [
        ['192.0.2.1', 'this machine does not have that address (EADDRNOTAVAIL)'],
        ['nobody.invalid', expect.stringMatching(/name/)],
      ]) {
        const refused = listen({ address: `${host}:0`, methods: [], log: silent }, served);
        await expect(refused).rejects.toMatchObject({
          code: 'SETTING_INVALID',
          message: typeof reason === 'string' ? `cannot listen on ${host}:0: ${reason}` : reason,
          advice: 'Name an address of this machine; 0.0.0.0 stands for all of them.',
        });
      }
      const privileged = listenFailure('127.0.0.1:80', Object.assign(new Error('bind EACCES'), { code: 'EACCES' }));
      expect(privileged.advice).toContain('above 1023');
    });

    it('frees the port when it is disposed', async () => {
      const here = { address: `127.0.0.1:${await freePort()}`, methods: [], log: silent };
      const first = await listen(here, served);
      await first[Symbol.asyncDispose]();
      scope.use(await listenAgain(() => listen(here, served)));
    });
  });

  describe('stopping', () => {
    it('ends the streams that are open and frees the port at once', async () => {
      const serving = deferred<void>();
      const handle = async (stream: ByteStream) => {
        serving.resolve();
        for await (const _ of stream.incoming);
      };
      const server = await listen({ address: '127.0.0.1:0', methods: [{ kind: 'bidi', path: '/t/Open', handle }], log: silent }, served);
      const client = scope.use(new GrpcClient({ address: `127.0.0.1:${server.port}` }, dialled));
      using stream = client.bidi('/t/Open', { signal: never });
      await stream.send(new Uint8Array([1]));
      await serving.promise;
      const read = (async () => {
        for await (const _ of stream.incoming);
      })();
      await Promise.all([expect(read).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' }), server[Symbol.asyncDispose]()]);
    });

    it.each(['without', 'with'])('cuts connections that say nothing, %s TLS', async (tls) => {
      const { pem, privateKey } = await issue({ subject: 'CN=server' });
      const server = await listen(
        {
          address: '127.0.0.1:0',
          tls: tls === 'with' ? { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem } : undefined,
          methods: [],
          log: silent,
        },
        served,
      );
      const socket = connect(server.port, '127.0.0.1');
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
      await once(socket, 'connect');
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate); // until the server has it, too
      await server[Symbol.asyncDispose]();
      await closed;
    });
  });
});
