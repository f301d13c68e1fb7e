import { once } from 'node:events';
import { type RequestOptions, request } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { issue } from '../../test/certificates.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { Readiness } from './health.ts';
import { LogLevels } from './log-levels.ts';
import { type OperationsParts, serveOperations } from './operations.ts';

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function served(parts: Partial<OperationsParts> = {}): Promise<string> {
  const all = {
    address: '127.0.0.1:0',
    metrics: () => 'selvage_up 1\n',
    failedChecks: () => [],
    version: '1.2.3',
    log: silent,
    ...parts,
  };
  const { address } = scope.use(await serveOperations(all));
  return `http://${address}`;
}

describe('the operations server', () => {
  it('says that all is well', async () => {
    const response = await fetch(`${await served()}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'OK', time: expect.any(String) });
  });

  it('says what is not, as of now', async () => {
    const failed: { component: string; reason: string }[] = [];
    const url = await served({ failedChecks: () => failed });
    failed.push({ component: 'channel.mychannel', reason: 'halted' });
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'Service Unavailable', failed_checks: failed });
  });

  it('lets chaincode look at the log levels and change nothing', async () => {
    const logLevels = new LogLevels('info');
    let chaincode = true;
    const url = await served({ logLevels, mayBeChaincode: async () => chaincode });
    const put = () => fetch(`${url}/logspec`, { method: 'PUT', body: '{"spec":"debug"}' });
    expect((await put()).status).toBe(403);
    expect(await (await fetch(`${url}/logspec`)).json()).toEqual({ spec: 'info' });
    chaincode = false;
    expect((await put()).status).toBe(204);
    expect(logLevels.text).toBe('debug');
  });

  it('tells readiness from health', async () => {
    const readiness = new Readiness('the ledgers are being opened');
    const url = await served({ unready: () => readiness.failedChecks() });
    const waiting = await fetch(`${url}/readyz`);
    expect(waiting.status).toBe(503);
    expect(await waiting.json()).toMatchObject({ failed_checks: [{ component: 'peer', reason: 'the ledgers are being opened' }] });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    readiness.ready();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    readiness.begin('the peer is stopping');
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
  });

  it('gives metrics and version', async () => {
    const url = await served();
    const metrics = await fetch(`${url}/metrics?name[]=x`);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await metrics.text()).toBe('selvage_up 1\n');
    expect(await (await fetch(`${url}/version`)).json()).toEqual({ CommitSHA: 'development build', Version: '1.2.3' });
    const built = await served({ commitSha: '0123abc' });
    expect(await (await fetch(`${built}/version`)).json()).toEqual({ CommitSHA: '0123abc', Version: '1.2.3' });
  });

  it('answers a scraper that asks for the head alone', async () => {
    const url = await served();
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '13', '']);
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(405);
  });

  it('takes what is no path for a page that is not there', async () => {
    const { hostname, port } = new URL(await served());
    const socket = connect(Number(port), hostname);
    socket.end('GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1.1 404 /);
  });

  it.each([
    ['PUT', '/logspec', 400, 'the request is too large'],
    ['POST', '/healthz', 405, 'invalid request method: POST'],
  ])('answers a %s to %s with a large body before it closes, also who reads when all is sent', async (method, path, status, words) => {
    const { hostname, port } = new URL(await served({ logLevels: new LogLevels('info') }));
    const body = Buffer.alloc(8 * 1024 * 1024, 0x20);
    const socket = connect(Number(port), hostname).pause();
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
    await new Promise<void>((resolve, reject) =>
      socket.once('error', reject).write(body, (failure) => (failure ? reject(failure) : resolve())),
    );
    const answer = await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(words);
  });

  it('stops listening to a body that is too large', async () => {
    const { hostname, port } = new URL(await served({ logLevels: new LogLevels('info') }));
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write('PUT /logspec HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    socket.write(Buffer.alloc(100 * 1024));
    let answer = '';
    for await (const piece of socket) answer += piece; // until the server ends it, though it awaits nearly a gigabyte
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
  });

  it('answers a failure of the metrics with 500 and goes on', async () => {
    const url = await served({
      metrics: () => {
        throw new Error('no');
      },
    });
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('has no other pages and changes nothing on a POST', async () => {
    const url = await served();
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/logspec`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
  });

  it('shows and changes the levels of the log', async () => {
    const logLevels = new LogLevels('info');
    const url = await served({ logLevels });
    const put = (body: string) => fetch(`${url}/logspec`, { method: 'PUT', body });
    expect(await (await fetch(`${url}/logspec`)).json()).toEqual({ spec: 'info' });
    expect((await put('{"spec":"msp,chaincode=DEBUG:WARNING"}')).status).toBe(204);
    expect(await (await fetch(`${url}/logspec`)).json()).toEqual({ spec: 'chaincode=debug:msp=debug:warn' });
    expect((await put('{"spec":"chaincode=debug:info"}')).status).toBe(204);
    expect(logLevels.text).toBe('chaincode=debug:info');
    for (const body of ['{"spec":"loud"}', '{}', 'null', 'spec', `{"spec":"${'a=debug:'.repeat(9000)}info"}`]) {
      const refused = await put(body);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toEqual({ error: expect.any(String) });
    }
    expect((await fetch(`${url}/logspec`, { method: 'DELETE' })).status).toBe(400);
    expect(logLevels.text).toBe('chaincode=debug:info');
  });

  it('cannot listen where somebody does', async () => {
    const address = new URL(await served()).host;
    await expect(served({ address })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE', details: { address } });
  });

  it('is gone when disposed, with a request still on its way', async () => {
    const server = await serveOperations({
      address: '127.0.0.1:0',
      metrics: () => '',
      failedChecks: () => [],
      version: '',
      log: silent,
    });
    const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1');
    await new Promise<void>((resolve) => socket.write('GET /version HTTP/1.1\r\n', () => resolve()));
    await (await fetch(`http://${server.address}/version`)).text(); // by then the server has accepted the socket before it
    const closed = once(socket, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
    await expect(fetch(`http://${server.address}/version`)).rejects.toThrow();
  });
});

describe('the operations server with TLS', () => {
  const authorityOf = (name: string) => issue({ subject: `CN=${name}`, ca: true });
  const of = async (issuer: Awaited<ReturnType<typeof issue>>, subject: string) => {
    const { pem, privateKey } = await issue({ subject, issuer });
    return { cert: pem, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  };

  async function secured(clientAuthRequired: boolean) {
    const [own, clients, others] = await Promise.all(['own', 'clients', 'others'].map(authorityOf));
    if (own === undefined || clients === undefined || others === undefined) throw new Error('unreachable');
    const tls = { ...(await of(own, 'CN=localhost')), clientRoots: [others.pem.trimEnd(), clients.pem], clientAuthRequired };
    const logLevels = new LogLevels('info');
    const url = (await served({ tls, logLevels })).replace('http:', 'https:');
    const ask = async (page: string, more: RequestOptions = {}): Promise<number | undefined> => {
      const asked = request(`${url}${page}`, { ca: own.pem, checkServerIdentity: () => undefined, agent: false, ...more }).end();
      const [response] = await once(asked, 'response');
      response.resume();
      return response.statusCode;
    };
    return { ask, known: await of(clients, 'CN=known'), stranger: await of(own, 'CN=stranger'), logLevels };
  }

  it('says how the node is to everybody, and more to known clients only', async () => {
    const { ask, known } = await secured(false);
    const pages = ['/healthz', '/version', '/metrics', '/logspec'];
    expect(await Promise.all(pages.map((page) => ask(page)))).toEqual([200, 200, 401, 401]);
    expect(await Promise.all(pages.map((page) => ask(page, known)))).toEqual([200, 200, 200, 200]);
    expect(await ask('/logspec', { method: 'PUT' })).toBe(401);
  });

  it('refuses a certificate of anybody else, even where none is needed', async () => {
    const { ask, stranger } = await secured(false);
    await expect(ask('/healthz', stranger)).rejects.toThrow();
  });

  it('lets nobody in without a certificate where all need one', async () => {
    const { ask, known, stranger } = await secured(true);
    await expect(ask('/healthz')).rejects.toThrow();
    await expect(ask('/healthz', stranger)).rejects.toThrow();
    expect(await ask('/healthz', known)).toBe(200);
  });

  it('is gone when disposed, in the middle of a handshake', async () => {
    const { cert, key } = await of(await authorityOf('own'), 'CN=localhost');
    const tls = { cert, key, clientRoots: [], clientAuthRequired: false };
    const server = await serveOperations({
      address: '127.0.0.1:0',
      tls,
      metrics: () => '',
      failedChecks: () => [],
      version: '',
      log: silent,
    });
    const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1');
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    await server[Symbol.asyncDispose]();
    await closed;
  });
});
