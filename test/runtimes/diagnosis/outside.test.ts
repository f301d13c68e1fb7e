/** Chaincode that does not run where the peer puts it: services, external builders, development mode. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../../src/comm/server.ts';
import type { ServerTls } from '../../../src/comm/tls.ts';
import { systemClock } from '../../../src/common/clock.ts';
import { silent } from '../../../src/common/log.ts';
import { Scope } from '../../../src/common/scope.ts';
import { CertificateAuthority } from '../../../src/msp/material/certificate-authority.ts';
import { ExternalBuilderRuntime } from '../../../src/runtimes/external-builder/external-builder-runtime.ts';
import { ProgramBuilder } from '../../../src/runtimes/external-builder/program-builder.ts';
import { parseServerSettings } from '../../../src/runtimes/service/server-settings.ts';
import { issue } from '../../certificates.ts';
import { freePort } from '../../free-ports.ts';
import { type BuilderScripts, RUN_FIELD, writeBuilder } from '../builder-scripts.ts';
import { installedSample } from '../installed-sample.ts';
import { ServiceRuntime } from '../service-runtime.ts';
import { StartedProgram } from '../started-program.ts';
import { failingLaunch } from './failing-launch.ts';
import { failingPeer } from './failing-peer.ts';
import type { Symptoms } from './symptoms.ts';

const sample = await installedSample('kv-node');
const CODE = { platform: 'node', codePackage: new Uint8Array(0), path: '' };
const LOST = { code: 'PEER_UNREACHABLE' } as const;

/** A service is its owner's: nothing of it may be left in the peer, and it goes on. */
const dialling = (connection: object, symptoms: Symptoms, startupTimeoutMs = 200_000): Promise<string> => {
  const settings = parseServerSettings(JSON.stringify({ dial_timeout: '4s', ...connection }), 'connection.json');
  const runtime = (): ServiceRuntime => new ServiceRuntime({ settingsOf: async () => settings });
  return failingLaunch({ runtime, code: CODE, parts: { startupTimeoutMs } }, symptoms);
};

describe('chaincode as a service', () => {
  let authority: CertificateAuthority;
  let other: CertificateAuthority;
  beforeAll(async () => {
    const create = (commonName: string) => CertificateAuthority.create({ commonName, organization: 'test' }, systemClock.now());
    [authority, other] = await Promise.all([create('service-ca'), create('other-ca')]);
  });

  const identity = async (hosts: readonly string[], of = authority): Promise<{ key: string; cert: string }> => {
    const { certificate, privateKey } = await of.tls({ commonName: 'service', hosts: [...hosts] });
    return { key: privateKey, cert: certificate };
  };
  /** A service that is there and speaks gRPC; what it says does not matter where nobody gets through to it. */
  async function served(tls: ServerTls | undefined, connection: (address: string) => object, symptoms: Symptoms): Promise<void> {
    const handle = (): Promise<void> => new Promise(() => undefined);
    await using server = await listen({
      address: '127.0.0.1:0',
      tls,
      methods: [{ kind: 'bidi', path: '/protos.Chaincode/Connect', handle }],
      log: silent,
    });
    await dialling(connection(`127.0.0.1:${server.port}`), symptoms, 10_000);
  }
  const trusting = (address: string) => ({ address, tls_required: true, root_cert: authority.own.certificate });

  it('where nothing listens', async () => {
    await dialling(
      { address: `127.0.0.1:${await freePort()}` },
      { ...LOST, reason: 'nothing listens at the address of the service', advice: /Start the chaincode service/ },
    );
  });

  it('at a host that nobody knows', () =>
    dialling(
      { address: 'service.invalid:9999' },
      { ...LOST, reason: 'the peer cannot resolve the name of the service', advice: /address in connection\.json/ },
    ));

  it('whose certificate was issued by somebody else', async () => {
    await served(await identity(['127.0.0.1'], other), trusting, {
      ...LOST,
      reason: "the service's certificate was not issued by root_cert",
      advice: /root_cert in connection\.json/,
    });
  });

  it('whose certificate is for another name', async () => {
    await served(await identity(['service.example.com']), trusting, {
      ...LOST,
      reason: "the service's certificate is for another name",
      advice: /domain in connection\.json/,
    });
    await served(await identity(['127.0.0.1']), (address) => ({ ...trusting(address), domain: 'service.example.com' }), {
      ...LOST,
      reason: "the service's certificate is for another name",
      advice: /domain in connection\.json/,
    });
  });

  it('whose certificate has expired', async () => {
    const ca = await issue({ subject: 'CN=ca', ca: true, notBefore: '2020-01-01T00:00:00Z' });
    const old = await issue({
      subject: 'CN=service',
      issuer: ca,
      notBefore: '2020-01-01T00:00:00Z',
      notAfter: '2021-01-01T00:00:00Z',
    });
    const key = old.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    await served({ key, cert: old.pem }, (address) => ({ ...trusting(address), root_cert: ca.pem }), {
      ...LOST,
      reason: "the service's certificate has expired, or is not valid yet",
      advice: /Renew it/,
    });
  });

  it('that speaks no TLS, and should', () =>
    served(undefined, trusting, { ...LOST, reason: 'what answers there speaks no TLS', advice: /tls_required/ }));

  it('that speaks TLS, and should not', async () => {
    await served(await identity(['127.0.0.1']), (address) => ({ address }), {
      ...LOST,
      reason: /^the service accepted the connection and closed it: it speaks TLS/,
      advice: /tls_required and root_cert/,
    });
  });

  it('that wants a client certificate', async () => {
    const tls = { ...(await identity(['127.0.0.1'])), clientRoots: [authority.own.certificate] };
    await served(tls, trusting, { ...LOST, reason: 'the service asks for a client certificate', advice: /client_auth_required/ });
  });

  it('that never registers', () =>
    served(undefined, (address) => ({ address }), {
      code: 'DEADLINE_EXCEEDED',
      reason: 'the service was reached and did not register within 10 s',
      advice: /log of the service/,
    }));

  it('that is something else', async () => {
    await using server = await listen({ address: '127.0.0.1:0', methods: [], log: silent });
    await dialling(
      { address: `127.0.0.1:${server.port}` },
      { code: 'CHAINCODE_LAUNCH_FAILED', reason: /^connection to failing:1 terminated/, advice: /look at its log/ },
    );
  });

  it.skipIf(sample === undefined)('that calls itself something else (skipped without npm)', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const env = { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: 'other:1' };
    await using _ = new StartedProgram(process.execPath, ['index.js'], { cwd: sample ?? '', env });
    await dialling(
      { address, dial_timeout: '200s' },
      {
        code: 'CHAINCODE_LAUNCH_FAILED',
        reason: 'it registered as other:1 instead of failing:1',
        advice: /CHAINCODE_ID=failing:1/,
      },
    );
  });
});

describe.skipIf(process.platform === 'win32')('chaincode by an external builder', () => {
  async function building(scripts: BuilderScripts, symptoms: Symptoms, startupTimeoutMs = 200_000): Promise<void> {
    await using scope = new Scope();
    const path = await mkdtemp(join(tmpdir(), 'selvage-builder-'));
    scope.defer(() => rm(path, { recursive: true, force: true }));
    await writeBuilder(path, { detect: 'exit 0', build: 'exit 0', ...scripts });
    const directory = join(path, 'runtime');
    const runtime = (): ExternalBuilderRuntime =>
      new ExternalBuilderRuntime({
        directory,
        builders: [new ProgramBuilder({ name: 'mine', path, propagateEnvironment: [] }, process.env)],
        fallback: undefined,
        mspId: 'Org1MSP',
        graceMs: 1_000,
      });
    const files = { 'package.json': '{"name":"cc","version":"1.0.0","scripts":{"start":"node ."}}', 'index.js': '' };
    const leftovers = async (): Promise<readonly string[]> => readdir(join(directory, 'runs')).catch(() => []);
    await failingLaunch({ runtime, directory, files, leftovers, parts: { startupTimeoutMs } }, symptoms);
  }

  it('that does not build', () =>
    building(
      { build: 'echo this does not go well >&2; exit 9' },
      {
        code: 'CHAINCODE_BUILD_FAILED',
        exitCode: 9,
        reason: "bin/build of external builder 'mine' failed",
        advice: /by hand on the unpacked package/,
        output: /^this does not go well$/,
      },
    ));

  it('that does not build, because the disk is full', () =>
    building(
      { build: 'head -c 100 /dev/zero > /dev/full' },
      {
        code: 'DISK_FULL',
        reason: 'the disk is full',
        advice: /Make room in the folders of the peer, of the builder/,
        output: /No space left/,
      },
    ));

  it('that is not released', () =>
    building(
      { release: 'exit 3' },
      { code: 'CHAINCODE_BUILD_FAILED', exitCode: 3, reason: "bin/release of external builder 'mine' failed", advice: /by hand/ },
    ));

  it('whose builder cannot run it', () =>
    building(
      {},
      {
        code: 'CHAINCODE_LAUNCH_FAILED',
        reason: "bin/run of external builder 'mine' could not be run",
        advice: /must be there and executable/,
      },
    ));

  it('that ends before it registers', () =>
    building(
      { run: 'echo so much for that; exit 4' },
      {
        code: 'CHAINCODE_LAUNCH_FAILED',
        exitCode: 4,
        reason: 'the chaincode ended before it registered with the peer',
        advice: /by hand/,
        output: /^so much for that$/,
      },
    ));

  it('that is killed by a signal', () =>
    building(
      { run: 'kill -9 $$' },
      {
        code: 'CHAINCODE_LAUNCH_FAILED',
        signal: 'SIGKILL',
        reason: 'the chaincode was killed from outside, as the kernel does when memory runs out',
        advice: /dmesg/,
      },
    ));

  it('that never registers', () =>
    building(
      { run: 'echo hello; exec sleep 1000' },
      {
        code: 'DEADLINE_EXCEEDED',
        reason: 'the chaincode was started and did not register with the peer within 10 s',
        advice: /has to call the shim/,
        output: /^hello$/,
      },
      10_000,
    ));

  it.skipIf(sample === undefined)('that registers under another name (skipped without npm)', () =>
    building(
      {
        run: [
          RUN_FIELD,
          'export CORE_CHAINCODE_ID_NAME=other:1 CORE_PEER_TLS_ENABLED=false',
          `cd '${sample}' && exec node index.js --peer.address "$(field peer_address)"`,
        ].join('\n'),
      },
      {
        code: 'CHAINCODE_LAUNCH_FAILED',
        reason: 'it registered as other:1 instead of failing:1',
        advice: /except in dev mode|CORE_CHAINCODE_ID_NAME|chaincode\.mode/,
        output: /other:1/,
      },
    ),
  );
});

describe('chaincode in development mode', () => {
  const peer = failingPeer({ settings: () => ({ chaincode: { mode: 'dev' } }) });
  afterAll(async () => (await peer)[Symbol.asyncDispose]());

  it('that nobody started', async () => {
    const told = await (await peer).failure(
      { 'package.json': '{"name":"cc","version":"1.0.0","scripts":{"start":"node ."}}', 'index.js': '' },
      {
        code: 'CHAINCODE_LAUNCH_FAILED',
        reason: 'failed to init chaincode: handler not found for chaincode failing1:1',
        advice: /start it with CORE_CHAINCODE_ID_NAME=failing1:1 and peer address 127\.0\.0\.1:\d+/,
      },
    );
    expect(told).toContain('failed to init chaincode: handler not found for chaincode failing1:1');
  });
});
