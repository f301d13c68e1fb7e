import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Scope } from '../common/scope.ts';
import { LogLevels } from './logging.ts';
import { type OperationsParts, serveOperations } from './operations.ts';

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function served(parts: Partial<OperationsParts> = {}): Promise<string> {
  const all = { address: '127.0.0.1:0', metrics: async () => 'selvage_up 1\n', failedChecks: () => [], version: '1.2.3', ...parts };
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

  it('gives metrics and version', async () => {
    const url = await served();
    const metrics = await fetch(`${url}/metrics?name[]=x`);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await metrics.text()).toBe('selvage_up 1\n');
    expect(await (await fetch(`${url}/version`)).json()).toEqual({ Version: '1.2.3' });
  });

  it('answers a failure of the metrics with 500 and goes on', async () => {
    const url = await served({ metrics: () => Promise.reject(new Error('no')) });
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
    const server = await serveOperations({ address: '127.0.0.1:0', metrics: async () => '', failedChecks: () => [], version: '' });
    const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1');
    await new Promise<void>((resolve) => socket.write('GET /version HTTP/1.1\r\n', () => resolve()));
    await (await fetch(`http://${server.address}/version`)).text(); // by then the server has accepted the socket before it
    const closed = once(socket, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
    await expect(fetch(`http://${server.address}/version`)).rejects.toThrow();
  });
});
