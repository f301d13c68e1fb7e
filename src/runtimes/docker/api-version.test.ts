import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { apiPrefix } from './api-version.ts';
import { HttpEngine } from './http-engine.ts';

const never = new AbortController().signal;

it.each([
  ['Docker 20.10', { ApiVersion: '1.41', MinAPIVersion: '1.12' }, '/v1.41'],
  ['Docker 29', { ApiVersion: '1.52', MinAPIVersion: '1.44' }, '/v1.52'],
  ['one that came later', { ApiVersion: '1.60', MinAPIVersion: '1.44' }, '/v1.52'],
  ['one that speaks nothing we know', { ApiVersion: '2.3', MinAPIVersion: '2.0' }, '/v2.3'],
  ['one of long ago', { ApiVersion: '1.9' }, '/v1.9'],
  ['one that does not say', {}, ''],
])('speaks the version of %s', (_, facts, prefix) => {
  expect(apiPrefix(facts)).toBe(prefix);
});

it('agrees on a version once, and again when the engine has become another', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-engine-'));
  const asked: string[] = [];
  let version = '1.41';
  const server = createServer(({ url = '' }, answer) => {
    asked.push(url.replace(/[?].*/, ''));
    const known = url.startsWith('/version') || url.startsWith(`/v${version}/`);
    answer.statusCode = known ? 200 : 400;
    const message = `client version 1.41 is too old. Minimum supported API version is ${version}`;
    answer.end(JSON.stringify(known ? { ApiVersion: version, MinAPIVersion: '1.12' } : { message }));
  });
  try {
    server.listen(join(folder, 'engine.sock'));
    await once(server, 'listening');
    const engine = new HttpEngine({ endpoint: `unix://${join(folder, 'engine.sock')}` });
    await engine.start('a', { signal: never });
    await engine.start('b', { signal: never });
    version = '1.44';
    await expect(engine.start('c', { signal: never })).rejects.toMatchObject({ code: 'DOCKER_REFUSED' });
    await engine.start('d', { signal: never });
    expect(asked).toEqual([
      '/version',
      '/v1.41/containers/a/start',
      '/v1.41/containers/b/start',
      '/v1.41/containers/c/start',
      '/version',
      '/v1.44/containers/d/start',
    ]);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
