/** npm registries that do not do what they should, on this machine. */
import { createServer, type RequestListener } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { writeTar } from '../../../src/packages/archive/tar-writer.ts';

export interface WebServer extends AsyncDisposable {
  readonly url: string;
}

export async function webServer(answer: RequestListener): Promise<WebServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const place = server.address();
  const port = typeof place === 'object' ? place?.port : 0;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

export const answering = (status: number, type: string, body: string): Promise<WebServer> =>
  webServer((_, response) => response.writeHead(status, { 'content-type': type }).end(body));

/** One package in one version. */
export async function registryOf(name: string, version: string): Promise<WebServer> {
  const manifest = JSON.stringify({ name, version });
  const tarball = gzipSync(await buffer(writeTar([{ name: 'package/package.json', content: Buffer.from(manifest) }])));
  return webServer((request, response) => {
    if (request.url?.endsWith('.tgz') === true) return void response.end(tarball);
    const dist = { tarball: `http://${request.headers.host}/${name}.tgz` };
    const document = { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
}

/** For the package: npm takes its registry from there, and keeps nothing of it. */
export const npmrc = (registry: string, cache: string): string => `registry=${registry}/\nfetch-retries=0\ncache=${cache}\n`;
