import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeImage } from '../../../test/docker.ts';
import { freePort } from '../../../test/free-ports.ts';
import { noOwnEngine, OwnEngine } from '../../../test/own-engine.ts';
import { openDocker } from '../../../test/runtimes/docker-fixture.ts';
import { Listener } from '../../chaincode/ports/runtime.contract.ts';
import { CertificateAuthority } from '../../msp/material/certificate-authority.ts';
import type { EngineTls } from './engine-http.ts';
import { HttpEngine } from './http-engine.ts';

const never = new AbortController().signal;
const skipped = noOwnEngine === undefined ? '' : ` (skipped: ${noOwnEngine})`;

/** Says hello to the address that it is given, as chaincode dials its peer. */
const HELLO = `const [host, port] = process.argv.at(-1).split(':'); require('net').connect(port, host, function () { this.end('hello'); }); setInterval(() => {}, 1e6);`;
const CHAINCODE = {
  'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js' } }),
  'index.js': HELLO,
};

describe.skipIf(noOwnEngine !== undefined)(`an engine elsewhere${skipped}`, () => {
  let folder: string;
  let engine: OwnEngine;
  let endpoint: string;
  let tls: EngineTls;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-tls-'));
    const authority = await CertificateAuthority.create({ commonName: 'engine ca', organization: 'test' }, new Date());
    const server = await authority.tls({ commonName: 'engine', hosts: ['127.0.0.1'] });
    const client = await authority.tls({ commonName: 'peer', hosts: [] });
    tls = { ca: authority.own.certificate, cert: client.certificate, key: client.privateKey };
    await writeFile(join(folder, 'ca.pem'), authority.own.certificate);
    await writeFile(join(folder, 'cert.pem'), server.certificate);
    await writeFile(join(folder, 'key.pem'), server.privateKey, { mode: 0o600 });
    endpoint = `tcp://127.0.0.1:${await freePort()}`;
    const files = ['--tlscacert', join(folder, 'ca.pem'), '--tlscert', join(folder, 'cert.pem'), '--tlskey', join(folder, 'key.pem')];
    engine = await OwnEngine.open(['--host', endpoint, '--tlsverify', ...files]);
  });
  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('builds and runs chaincode over TLS, with both sides known to each other', async () => {
    const over = new HttpEngine({ endpoint, tls });
    await using fixture = await openDocker({ engine: over, image: await nodeImage(over) });
    await using listener = await Listener.open();
    const instance = await fixture.runtime.launch(await fixture.packed(CHAINCODE, listener.address), { signal: never });
    await listener.line('hello');
    await instance[Symbol.asyncDispose]();
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('says so when they do not know each other', async () => {
    const stranger = await CertificateAuthority.create({ commonName: 'stranger', organization: 'test' }, new Date());
    const { certificate, privateKey } = await stranger.tls({ commonName: 'peer', hosts: [] });
    const advice = expect.stringContaining('vm.docker.tls');
    const attempts: Readonly<Record<string, EngineTls | undefined>> = {
      'the engine is not trusted': { ...tls, ca: stranger.own.certificate },
      'the peer is not trusted': { ...tls, cert: certificate, key: privateKey },
      'no TLS': undefined,
    };
    for (const [how, attempt] of Object.entries(attempts)) {
      const version = new HttpEngine({ endpoint, tls: attempt }).version({ signal: never });
      await expect(version, how).rejects.toMatchObject({ code: 'DOCKER_UNAVAILABLE', advice });
    }
  });

  it('runs chaincode in a network of its own, where the machine has one to give', async ({ skip }) => {
    const refused = await engine.docker('network', 'create', 'selvage-test').then(
      () => undefined,
      (thrown: Error) => thrown.message,
    );
    if (refused !== undefined) return skip(refused);
    try {
      const gateway = await engine.docker('network', 'inspect', 'selvage-test', '--format', '{{(index .IPAM.Config 0).Gateway}}');
      const server = createServer();
      const called = once(server, 'connection');
      server.listen(0, gateway);
      await once(server, 'listening');
      const place = server.address();
      const address = `${gateway}:${typeof place === 'object' && place !== null ? place.port : 0}`;
      const own = new HttpEngine({ endpoint: engine.endpoint });
      const hostConfig = { networkmode: 'selvage-test' };
      await using fixture = await openDocker({ endpoint: engine.endpoint, image: await nodeImage(own), hostConfig });
      await fixture.runtime.launch(await fixture.packed(CHAINCODE, address), { signal: never });
      const [socket] = await called;
      expect(await text(socket)).toBe('hello');
      server.close();
    } finally {
      await engine.docker('network', 'rm', 'selvage-test');
    }
  });
});
