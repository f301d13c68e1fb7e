import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Issued, issue } from '../../test/certificates.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { GrpcClient } from './client.ts';
import type { CallContext } from './method.ts';
import { type GrpcServer, listen } from './server.ts';
import type { ClientTls, ServerTls } from './tls.ts';

const never = new AbortController().signal;
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

interface Party {
  readonly root: string;
  readonly key: string;
  readonly cert: string;
}

const keyOf = ({ privateKey }: Issued): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** An authority and somebody with its certificate; the root's text ends without a line break, as many files do. */
async function party(name: string): Promise<Party> {
  const authority = await issue({ subject: `CN=ca.${name}`, ca: true });
  const own = await issue({ subject: `CN=${name}`, issuer: authority });
  return { root: authority.pem.trimEnd(), key: keyOf(own), cert: own.pem };
}

let server: Party;
let clients: Party[];
beforeAll(async () => {
  server = await party('server');
  clients = await Promise.all(['one', 'two', 'three'].map(party));
});

const hostnameOverride = 'server';
const serverTls = (more: Partial<ServerTls> = {}): ServerTls => ({ key: server.key, cert: server.cert, ...more });
const clientTls = ({ key, cert }: Party): ClientTls => ({ roots: server.root, key, cert, hostnameOverride });

async function serve(tls: ServerTls, seen: (context: CallContext) => void = () => undefined): Promise<GrpcServer> {
  const handle = async (request: Uint8Array, context: CallContext): Promise<Uint8Array> => {
    seen(context);
    return request;
  };
  return scope.use(await listen({ address: '127.0.0.1:0', tls, methods: [{ kind: 'unary', path: '/t/Echo', handle }], log: silent }));
}

function call({ port }: GrpcServer, tls: ClientTls): Promise<Uint8Array> {
  const client = scope.use(new GrpcClient({ address: `127.0.0.1:${port}`, tls }));
  return client.unary('/t/Echo', new Uint8Array([1]), { signal: never });
}

describe('roots', () => {
  it('are all trusted, whether or not their texts end with a line break', async () => {
    const running = await serve(serverTls({ clientRoots: clients.map(({ root }) => root) }));
    for (const client of clients) expect([...(await call(running, clientTls(client)))]).toEqual([1]);
    const roots = [clients[0]?.root ?? '', server.root];
    expect([...(await call(running, { ...clientTls(clients[2] ?? server), roots }))]).toEqual([1]);
  });

  it('are trusted for themselves: an intermediate authority needs no root beside it', async () => {
    const root = await issue({ subject: 'CN=root', ca: true });
    const between = await issue({ subject: 'CN=between', ca: true, issuer: root });
    const own = await issue({ subject: 'CN=leaf', issuer: between });
    const running = await serve(serverTls({ clientRoots: [between.pem] }));
    const tls = { roots: server.root, key: keyOf(own), cert: own.pem, hostnameOverride };
    expect([...(await call(running, tls))]).toEqual([1]);
  });

  it('that do not vouch for a server are why a stream to it fails, for who sends as for who reads', async () => {
    const [one = server] = clients;
    const running = await serve(serverTls());
    const client = scope.use(new GrpcClient({ address: `127.0.0.1:${running.port}`, tls: { roots: one.root, hostnameOverride } }));
    using stream = client.bidi('/t/Echo', { signal: never });
    const read = async (): Promise<void> => {
      for await (const _ of stream.incoming);
    };
    const failure = { code: 'PEER_UNREACHABLE' };
    const outcomes = await Promise.allSettled([stream.send(new Uint8Array([1])), read()]);
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(failed.length).toBeGreaterThan(0);
    for (const reason of failed) expect(reason).toMatchObject(failure);
    await expect(stream.send(new Uint8Array([2]))).rejects.toMatchObject(failure);
  });

  it('change while the server runs', async () => {
    const [one = server, two = server] = clients;
    const running = await serve(serverTls({ clientRoots: [one.root] }));
    await call(running, clientTls(one));
    await expect(call(running, clientTls(two))).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    running.trust([two.root]);
    expect([...(await call(running, clientTls(two)))]).toEqual([1]);
    await expect(call(running, clientTls(one))).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  });

  it('of clients ask for no certificate where none were wanted', async () => {
    const running = await serve(serverTls());
    running.trust([clients[0]?.root ?? '']);
    expect([...(await call(running, { roots: server.root, hostnameOverride }))]).toEqual([1]);
  });
});

describe('a caller', () => {
  it('is known by its certificate', async () => {
    const [one = server] = clients;
    let certificate: Uint8Array | undefined;
    const running = await serve(serverTls({ clientRoots: [one.root] }), (context) => {
      certificate = context.peerCertificate;
    });
    await call(running, clientTls(one));
    expect(Buffer.from(certificate ?? []).toString('base64')).toBe(one.cert.replace(/-----[^-]+-----|\s/g, ''));
  });
});

describe('a question for certificates', () => {
  /** The authorities that a server names in it: TLS 1.2 asks in the open. @see RFC 5246, section 7.4.4 */
  async function namesAsked({ port }: GrpcServer): Promise<number | undefined> {
    const heard: Buffer[] = [];
    const between = createTcpServer((caller) => {
      const called = connectTcp(port, '127.0.0.1');
      called.on('data', (bytes) => heard.push(bytes));
      for (const end of [called, caller]) end.on('error', () => undefined);
      called.pipe(caller).pipe(called);
    });
    between.listen(0, '127.0.0.1');
    scope.defer(() => between.close());
    await once(between, 'listening');
    const { port: proxy } = between.address() as { port: number };
    const secure = connect({ port: proxy, maxVersion: 'TLSv1.2', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    scope.defer(() => secure.destroy());
    secure.on('error', () => undefined); // who demands a certificate hangs up
    await once(secure, 'secureConnect').catch(() => undefined);
    const CERTIFICATE_REQUEST = 13;
    for (const message of handshakeMessages(Buffer.concat(heard))) {
      if (message[0] !== CERTIFICATE_REQUEST) continue;
      const afterTypes = 5 + message.readUInt8(4);
      const afterAlgorithms = afterTypes + 2 + message.readUInt16BE(afterTypes);
      return message.readUInt16BE(afterAlgorithms);
    }
    return undefined;
  }

  function* handshakeMessages(records: Buffer): Generator<Buffer> {
    const HANDSHAKE = 22;
    const parts: Buffer[] = [];
    for (let at = 0; at < records.length && records[at] === HANDSHAKE; at += 5 + records.readUInt16BE(at + 3))
      parts.push(records.subarray(at + 5, at + 5 + records.readUInt16BE(at + 3)));
    const all = Buffer.concat(parts);
    for (let at = 0; at + 4 <= all.length; at += 4 + all.readUIntBE(at + 1, 3)) yield all.subarray(at, at + 4 + all.readUIntBE(at + 1, 3));
  }

  it('names nobody where every answer will do, or Go clients of other authorities would show nothing', async () => {
    const asking = await serve(serverTls({ asksForCertificates: true }));
    expect(await namesAsked(asking)).toBe(0);
    asking.trust([clients[0]?.root ?? '']);
    expect(await namesAsked(asking)).toBe(0);
  });

  it('names the roots where one of them is demanded, and is not put where nobody looks', async () => {
    expect(await namesAsked(await serve(serverTls()))).toBeUndefined();
    const [one = server, two = server] = clients;
    const demanding = await serve(serverTls({ clientRoots: [one.root], asksForCertificates: true }));
    expect(await namesAsked(demanding)).toBeGreaterThan(0);
    await expect(call(demanding, clientTls(two))).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  });
});

const FABRICS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
];
const OTHERS = ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'];
const versionOf = (suite: string) => (suite.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2');

describe('cipher suites', () => {
  const offer = async (suite: string, version: 'TLSv1.3' | 'TLSv1.2' | 'TLSv1.1'): Promise<string> => {
    const { port } = await serve(serverTls());
    const ciphers = version === 'TLSv1.3' ? suite : `${suite}:@SECLEVEL=0`; // which lets OpenSSL offer the old ones at all
    const options = { ciphers, minVersion: version, maxVersion: version, rejectUnauthorized: false };
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], ...options });
    scope.defer(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket.getCipher().name;
  };

  it.each(FABRICS)('%s is spoken', async (suite) => {
    expect(await offer(suite, versionOf(suite))).toBe(suite);
  });

  it.each(OTHERS)('%s is not', async (suite) => {
    await expect(offer(suite, 'TLSv1.2')).rejects.toThrow();
  });

  it('of TLS 1.1 are none', async () => {
    await expect(offer('ECDHE-ECDSA-AES128-SHA', 'TLSv1.1')).rejects.toThrow();
  });

  it('are no wider for our own calls', async () => {
    const old = createServer({ key: server.key, cert: server.cert, ciphers: 'ECDHE-ECDSA-AES128-SHA', maxVersion: 'TLSv1.2' });
    old.listen(0, '127.0.0.1');
    scope.defer(() => old.close());
    await once(old, 'listening');
    const refused = once(old, 'tlsClientError');
    const { port } = old.address() as { port: number };
    const client = scope.use(new GrpcClient({ address: `127.0.0.1:${port}`, tls: { roots: server.root, hostnameOverride } }));
    await expect(client.unary('/t/Echo', new Uint8Array(), { signal: never })).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    expect(String((await refused)[0])).toContain('no shared cipher');
  });
});

describe('material that is none', () => {
  it('is refused with a sentence', async () => {
    const [one = server] = clients;
    const wrong = listen({ address: '127.0.0.1:0', tls: { key: one.key, cert: server.cert }, methods: [], log: silent });
    await expect(wrong).rejects.toMatchObject({ code: 'SETTING_INVALID', message: expect.stringContaining('cannot be used') });
    expect(() => new GrpcClient({ address: '127.0.0.1:1', tls: { roots: server.root, key: 'no', cert: server.cert } })).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID' }),
    );
  });

  it('is a name that TLS cannot carry, too', () => {
    const dial = (hostnameOverride: string) => new GrpcClient({ address: 'localhost:1', tls: { roots: server.root, hostnameOverride } });
    dial('x'.repeat(255))[Symbol.dispose]();
    expect(() => dial('x'.repeat(256))).toThrow(/^the name x{64}… \(192 more characters\) is too long to be asked of a server: 256 bytes$/);
    expect(() => dial('ö'.repeat(128))).toThrow('256 bytes');
  });
});
