import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodePlatform } from '../../src/packages/platforms/node/node-platform.ts';

/** An npm registry with one package, `dep` 1.0.0, that counts how often it is fetched. */
export async function openRegistry() {
  const tarball = await tarballOf({
    'package.json': JSON.stringify({ name: 'dep', version: '1.0.0', main: 'i.js' }),
    'i.js': "module.exports = 'from the registry'",
  });
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  let fetched = 0;
  const authorizations = new Set<string | undefined>();
  const server = createServer((request, response) => {
    authorizations.add(request.headers.authorization);
    if (request.url === '/npm/dep') {
      const dist = { tarball: `http://${request.headers.host}/npm/dep/-/dep-1.0.0.tgz`, integrity };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          name: 'dep',
          'dist-tags': { latest: '1.0.0' },
          versions: { '1.0.0': { name: 'dep', version: '1.0.0', main: 'i.js', dist } },
        }),
      );
    } else if (request.url === '/npm/dep/-/dep-1.0.0.tgz') {
      fetched += 1;
      response.end(tarball);
    } else {
      response.writeHead(404).end('{}');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const place = server.address();
  const port = typeof place === 'object' && place !== null ? place.port : 0;
  return {
    url: `http://127.0.0.1:${port}/npm/`,
    integrity,
    /** The `Authorization` headers that came. */
    authorizations,
    get fetched() {
      return fetched;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A tarball as `npm pack` makes it, but under `src/`, which npm strips like any first folder. */
async function tarballOf(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-tarball-'));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    return await new NodePlatform().pack(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
