import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort, listening } from '../../../test/free-ports.ts';
import { sampleOrSkip } from '../../../test/runtimes/installed-sample.ts';
import { ServiceRuntime } from '../../../test/runtimes/service-runtime.ts';
import { StartedProgram } from '../../../test/runtimes/started-program.ts';
import { testPeer } from '../../../test/runtimes/test-peer.ts';
import { connectionContract } from '../../chaincode/ports/connection.contract.ts';
import { receiveMessages } from '../../chaincode/ports/connection.ts';
import type { ChaincodeRuntime } from '../../chaincode/ports/runtime.ts';
import type { ByteStream } from '../../comm/method.ts';
import { listen } from '../../comm/server.ts';
import { systemClock } from '../../common/clock.ts';
import { deferred } from '../../common/deferred.ts';
import { silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { CertificateAuthority } from '../../msp/material/certificate-authority.ts';
import { parseServerSettings } from './server-settings.ts';
import { ServiceInstance } from './service-instance.ts';

const never = new AbortController().signal;
const ID = 'kv_1.0:abcdef';
const sample = await sampleOrSkip('kv-node');

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const settings = (connection: object) => parseServerSettings(JSON.stringify({ dial_timeout: '200s', ...connection }), 'connection.json');

const runtimeFor = (connection: object): ChaincodeRuntime =>
  scope.use(new ServiceRuntime({ settingsOf: async () => settings(connection) }));

connectionContract('service', async () => {
  const streams = deferred<ByteStream>();
  const over = deferred<void>();
  const handle = async (stream: ByteStream) => {
    streams.resolve(stream);
    await over.promise;
  };
  const server = scope.use(
    await listen({ address: '127.0.0.1:0', methods: [{ kind: 'bidi', path: '/protos.Chaincode/Connect', handle }], log: silent }),
  );
  const instance = scope.use(new ServiceInstance({ ccid: ID, settings: settings({ address: `127.0.0.1:${server.port}` }) }));
  const peer = await instance.connect({ signal: never });
  const stream = await streams.promise;
  const chaincode = {
    incoming: receiveMessages(stream.incoming),
    send: async (m: Uint8Array) => stream.send(m),
    close: () => over.resolve(),
  };
  return { peer, chaincode };
});

it('has nothing to build, and says so when the package names no service', async () => {
  const spec = { ccid: ID, name: 'kv', version: '1.0', platform: 'ccaas', codePackage: new Uint8Array(), path: '' };
  await runtimeFor({ address: '127.0.0.1:1' }).build(spec, { signal: never });
  await expect(runtimeFor({}).build(spec, { signal: never })).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID' });
});

describe.skipIf(sample === undefined)('chaincode as a service, with the released shim (skipped without fixtures or npm)', () => {
  const startServer = (port: number, env: Record<string, string> = {}, id = ID): StartedProgram =>
    scope.use(
      new StartedProgram(process.execPath, ['index.js'], {
        cwd: sample ?? '',
        env: { CHAINCODE_SERVER_ADDRESS: `127.0.0.1:${port}`, CHAINCODE_ID: id, ...env },
      }),
    );

  it('is dialled, answers, and is dialled again after it was killed', async () => {
    const port = await freePort();
    const first = startServer(port);
    const peer = scope.use(await testPeer({ runtime: runtimeFor({ address: `127.0.0.1:${port}` }) }));
    expect((await peer.call(ID, 'put', 'a', '1')).writes).toEqual(['put kv_1.0/a=1']);
    expect((await peer.call(ID, 'get', 'a')).text).toBe('1');
    await first[Symbol.asyncDispose]();
    startServer(port);
    expect((await peer.call(ID, 'get', 'a')).text).toBe('1');
  });

  it('serves two peers at a time', async () => {
    const port = await freePort();
    startServer(port);
    const peers = [1, 2].map(() => testPeer({ runtime: runtimeFor({ address: `127.0.0.1:${port}` }) }));
    for (const peer of await Promise.all(peers)) expect((await scope.use(peer).call(ID, 'put', 'a', '1')).text).toBe('ok');
  });

  it('fails the transactions that run when the service dies, with the cause', async () => {
    const port = await freePort();
    const server = startServer(port);
    const peer = scope.use(await testPeer({ runtime: runtimeFor({ address: `127.0.0.1:${port}` }) }));
    await peer.call(ID, 'noop');
    const call = peer.call(ID, 'sleep', '60000');
    await expect.poll(() => peer.support.states().get(ID)?.at).toBe('ready');
    server.kill('SIGKILL');
    await expect(call).rejects.toMatchObject({
      code: 'CHAINCODE_STREAM_ENDED',
      message: expect.stringContaining('chaincode stream terminated'),
    });
  });

  it('refuses a service that calls itself something else, and says what to do', async () => {
    const port = await freePort();
    startServer(port, {}, 'other:1');
    const peer = scope.use(await testPeer({ runtime: runtimeFor({ address: `127.0.0.1:${port}` }) }));
    await expect(peer.call(ID, 'noop')).rejects.toMatchObject({
      message: expect.stringContaining(`could not launch chaincode ${ID}: chaincode registration failed: connection to ${ID} terminated`),
      details: expect.objectContaining({ registrationRefused: expect.stringContaining('other:1') }),
    });
    await expect(peer.call(ID, 'noop')).rejects.toThrow(`--chaincode-id ${ID}`);
  });

  describe('with TLS', () => {
    let folder: string;
    let authority: CertificateAuthority;
    let files: Record<string, string>;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'selvage-service-'));
      scope.defer(() => rm(folder, { recursive: true }));
      authority = await CertificateAuthority.create({ commonName: 'service-ca', organization: 'test' }, systemClock.now());
      const { certificate, privateKey } = await authority.tls({ commonName: 'service', hosts: ['service.example.com'] });
      files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem'), ca: join(folder, 'ca.pem') };
      await writeFile(files['key'] ?? '', privateKey);
      await writeFile(files['cert'] ?? '', certificate);
      await writeFile(files['ca'] ?? '', authority.own.certificate);
    });

    const serverTls = () => ({
      CHAINCODE_TLS_DISABLED: 'false',
      CHAINCODE_TLS_KEY: files['key'] ?? '',
      CHAINCODE_TLS_CERT: files['cert'] ?? '',
    });
    const clientTls = async () => {
      const { certificate, privateKey } = await authority.tls({ commonName: 'peer', hosts: [] });
      return { client_auth_required: true, client_cert: certificate, client_key: privateKey };
    };
    const trusting = (port: number) => ({
      address: `127.0.0.1:${port}`,
      tls_required: true,
      root_cert: authority.own.certificate,
      domain: 'service.example.com',
    });

    it('shows the service a client certificate', async () => {
      const port = await freePort();
      startServer(port, { ...serverTls(), CHAINCODE_CLIENT_CA_CERT: files['ca'] ?? '' });
      const peer = scope.use(await testPeer({ runtime: runtimeFor({ ...trusting(port), ...(await clientTls()) }) }));
      expect((await peer.call(ID, 'put', 'a', '1')).text).toBe('ok');
    });

    /** A peer that dials a service which listens already: what it says is about the connection, not about the time. */
    const dialling = async (port: number, connection: object) => {
      await listening(port);
      return scope.use(await testPeer({ runtime: runtimeFor({ ...connection, dial_timeout: '5s' }) }));
    };

    it('says which certificate is wrong', async () => {
      const port = await freePort();
      startServer(port, serverTls());
      const other = await CertificateAuthority.create({ commonName: 'other-ca', organization: 'test' }, systemClock.now());
      const peer = await dialling(port, { ...trusting(port), root_cert: other.own.certificate });
      await expect(peer.call(ID, 'noop')).rejects.toMatchObject({
        code: 'PEER_UNREACHABLE',
        message: expect.stringMatching(
          /error creating grpc connection to 127\.0\.0\.1:\d+: failed to create new connection: .*certificate[\s\S]*root_cert/,
        ),
      });
    });

    it('does not take a service under another name than its certificate has', async () => {
      const port = await freePort();
      startServer(port, serverTls());
      const { domain: _, ...noDomain } = trusting(port);
      const peer = await dialling(port, noDomain);
      await expect(peer.call(ID, 'noop')).rejects.toMatchObject({
        code: 'PEER_UNREACHABLE',
        message: expect.stringMatching(/altnames[\s\S]*Set domain in connection.json/),
      });
    });

    it('says that the certificate of the service has expired', async () => {
      const port = await freePort();
      const elevenYears = 11 * 366 * 24 * 3_600_000;
      const old = new Date(systemClock.now().getTime() - elevenYears);
      const expired = await CertificateAuthority.create({ commonName: 'old-ca', organization: 'test' }, old);
      const { certificate, privateKey } = await expired.tls({ commonName: 'service', hosts: ['service.example.com'] });
      await writeFile(files['key'] ?? '', privateKey);
      await writeFile(files['cert'] ?? '', certificate);
      startServer(port, serverTls());
      const peer = await dialling(port, { ...trusting(port), root_cert: expired.own.certificate });
      await expect(peer.call(ID, 'noop')).rejects.toThrow("The service's certificate has expired");
    });

    it('says that the service asks for a client certificate', async () => {
      const port = await freePort();
      startServer(port, { ...serverTls(), CHAINCODE_CLIENT_CA_CERT: files['ca'] ?? '' });
      const peer = await dialling(port, trusting(port));
      await expect(peer.call(ID, 'noop')).rejects.toThrow('client_auth_required');
    });

    it('says when only one of both speaks TLS', async () => {
      const [plain, secured] = [await freePort(), await freePort()];
      startServer(plain);
      startServer(secured, serverTls());
      const peers = [await dialling(plain, trusting(plain)), await dialling(secured, { address: `127.0.0.1:${secured}` })];
      await expect(peers[0]?.call(ID, 'noop')).rejects.toThrow('What answers there speaks no TLS');
      await expect(peers[1]?.call(ID, 'noop')).rejects.toThrow('set tls_required and root_cert');
    });
  });
});

describe('a service that is not there', () => {
  it('is refused with the reason once the dial timeout is over', async () => {
    const port = await freePort();
    const instance = scope.use(
      new ServiceInstance({ ccid: ID, settings: settings({ address: `127.0.0.1:${port}`, dial_timeout: '300ms' }) }),
    );
    await expect(instance.connect({ signal: never })).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
      advice: expect.stringContaining('Start the chaincode service'),
      details: expect.objectContaining({ reason: 'nothing listens at the address of the service' }),
    });
  });

  it('gives up at once when nobody waits any more', async () => {
    const port = await freePort();
    const instance = scope.use(new ServiceInstance({ ccid: ID, settings: settings({ address: `127.0.0.1:${port}`, dial_timeout: '1h' }) }));
    const gone = new AbortController();
    const connecting = instance.connect({ signal: gone.signal });
    gone.abort(new Error('caller left'));
    await expect(connecting).rejects.toThrow('caller left');
  });

  it('fails the launch when it listens and never registers', async () => {
    const silentServer = scope.use(
      await listen({
        address: '127.0.0.1:0',
        methods: [{ kind: 'bidi', path: '/protos.Chaincode/Connect', handle: () => new Promise(() => undefined) }],
        log: silent,
      }),
    );
    const runtime = runtimeFor({ address: `127.0.0.1:${silentServer.port}` });
    const peer = scope.use(await testPeer({ runtime, parts: { startupTimeoutMs: 500 } }));
    await expect(peer.support.makeReady({ name: 'kv', version: '1', ccid: ID }, { signal: never })).rejects.toMatchObject({
      message: expect.stringContaining(`timeout expired while starting chaincode ${ID} for transaction`),
    });
  });

  it('says when something else answers there', async () => {
    const other = scope.use(await listen({ address: '127.0.0.1:0', methods: [], log: silent }));
    const peer = scope.use(await testPeer({ runtime: runtimeFor({ address: `127.0.0.1:${other.port}` }) }));
    await expect(peer.support.makeReady({ name: 'kv', version: '1', ccid: ID }, { signal: never })).rejects.toMatchObject({
      message: expect.stringContaining(`connection to ${ID} terminated`),
      details: expect.objectContaining({ reason: expect.stringContaining('terminated') }),
    });
  });
});
