import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../free-ports.ts';
import { RunningCommand, selvage } from './command.ts';
import { chaincodeCache, repository, testNetwork } from './network.ts';

/** What somebody reads whose peer does not start. */
describe('a start that fails', () => {
  let folder: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-failures-'));
    await using made = await testNetwork();
    const peer = join(made.network.folders.organizations, 'peerOrganizations/org1.example.com/peers/peer0.org1.example.com');
    await cp(peer, join(folder, 'peer'), { recursive: true });
    const [port = 0, chaincodePort = 0] = await freePorts(2);
    env = {
      FABRIC_CFG_PATH: folder,
      CORE_PEER_LOCALMSPID: 'Org1MSP',
      CORE_PEER_ADDRESS: `127.0.0.1:${port}`,
      CORE_PEER_LISTENADDRESS: `127.0.0.1:${port}`,
      CORE_PEER_CHAINCODELISTENADDRESS: `127.0.0.1:${chaincodePort}`,
      CORE_PEER_MSPCONFIGPATH: 'peer/msp',
      CORE_PEER_FILESYSTEMPATH: 'data',
      FABRIC_LOGGING_SPEC: 'fatal',
    };
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (changed: Record<string, string>) => selvage(['node', 'start'], { env: { ...env, ...changed } });

  it('lists every file and folder that is missing, with its variable', async () => {
    const { code, stderr } = await start({
      CORE_PEER_MSPCONFIGPATH: 'absent',
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_PEER_TLS_CERT_FILE: 'absent.crt',
      CORE_PEER_TLS_KEY_FILE: 'peer/tls/server.key',
      CORE_PEER_TLS_ROOTCERT_FILE: 'absent-ca.crt',
    });
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      'Error: the configuration is not valid:',
      `  peer.mspConfigPath: there is no ${join(folder, 'absent')} (CORE_PEER_MSPCONFIGPATH)`,
      `  peer.tls.cert.file: there is no ${join(folder, 'absent.crt')} (CORE_PEER_TLS_CERT_FILE)`,
      `  peer.tls.rootcert.file: there is no ${join(folder, 'absent-ca.crt')} (CORE_PEER_TLS_ROOTCERT_FILE)`,
      'Correct core.yaml (in FABRIC_CFG_PATH) or set the CORE_ variable named above.',
      '',
    ]);
  });

  it('names the part of an MSP folder that is missing', async () => {
    await mkdir(join(folder, 'empty'), { recursive: true });
    const { code, stderr } = await start({ CORE_PEER_MSPCONFIGPATH: 'empty' });
    expect(code).toBe(1);
    expect(stderr).toContain(join(folder, 'empty', 'cacerts'));
  });

  it('says that the folder of core.yaml is not there, and starts with a warning when only the file is not', async () => {
    const { code, stderr } = await start({ FABRIC_CFG_PATH: '/not/mounted' });
    expect(code).toBe(1);
    expect(stderr).toContain('Error: FABRIC_CFG_PATH /not/mounted does not exist\n');
    await using peer = new RunningCommand(['node', 'start'], { ...env, FABRIC_LOGGING_SPEC: 'info' });
    const warning = JSON.parse(await peer.line((line) => line.includes('there is no core.yaml')));
    expect(warning).toMatchObject({ level: 'warn', folder });
    await peer.line((line) => line.includes('peer is ready'));
  });

  it('starts when config.yaml of its MSP names a certificate that is not there, with a warning for each', async () => {
    const msp = join(folder, 'renamed-ca');
    await cp(join(folder, 'peer/msp'), msp, { recursive: true });
    const config = (await readFile(join(msp, 'config.yaml'), 'utf8')).replace(
      /Certificate: .*/g,
      'Certificate: cacerts/localhost-7054-ca-org1.pem',
    );
    await writeFile(join(msp, 'config.yaml'), config);
    await using peer = new RunningCommand(['node', 'start'], { ...env, FABRIC_LOGGING_SPEC: 'info', CORE_PEER_MSPCONFIGPATH: msp });
    await peer.line((line) => line.includes('peer is ready'));
    const warned = peer.lines.filter((line) => line.includes(join(msp, 'cacerts/localhost-7054-ca-org1.pem')));
    expect(warned.map((line) => JSON.parse(line).role)).toEqual([
      'ClientOUIdentifier',
      'PeerOUIdentifier',
      'AdminOUIdentifier',
      'OrdererOUIdentifier',
    ]);
  });

  it('names the address that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const key of ['CORE_PEER_LISTENADDRESS', 'CORE_PEER_CHAINCODELISTENADDRESS', 'CORE_OPERATIONS_LISTENADDRESS']) {
      const { code, stderr } = await start({ [key]: taken });
      expect(code).toBe(1);
      expect(stderr).toContain(`cannot listen on ${taken}`);
    }
    await once(server.close(), 'close');
  });

  it('names the process that holds the ledger; health is served meanwhile', async () => {
    await using peer = new RunningCommand(['node', 'start'], {
      ...env,
      FABRIC_LOGGING_SPEC: 'info',
      CORE_OPERATIONS_LISTENADDRESS: '127.0.0.1:0',
    });
    const ready = JSON.parse(await peer.line((line) => line.includes('peer is ready')));
    const health = await fetch(`http://${ready.operationsAddress}/healthz`);
    expect(await health.json()).toMatchObject({ status: 'OK' });
    expect((await fetch(`http://${ready.operationsAddress}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`http://${ready.operationsAddress}/metrics`)).text();
    expect(metrics).toContain('process_resident_memory_bytes');
    const { code, stderr } = await start({});
    expect(code).toBe(1);
    expect(stderr).toMatch(/the ledger folder is in use by process \d+/);
    expect(await peer.interrupt()).toBe(0);
  });

  it('keeps the log of a temporary network whose chaincode does not start', async () => {
    const source = join(folder, 'broken');
    await cp(join(repository, 'chaincodes/kv-node'), source, { recursive: true, filter: (path) => !path.includes('node_modules') });
    await writeFile(join(source, 'index.js'), "throw new Error('broken on purpose');\n");
    const temporary = join(folder, 'tmp');
    await mkdir(temporary, { recursive: true });
    const dev = ['dev', source, '--once', '--port-base', '0'];
    const { code, stderr } = await selvage(dev, { env: { SELVAGE_CACHE: chaincodeCache, TMPDIR: temporary } });
    expect(code).toBe(1);
    const [, log = ''] = /^Log: (.*)$/m.exec(stderr) ?? [];
    expect(await readFile(log, 'utf8')).toContain('broken on purpose');
    expect(existsSync(log.replace(/\.log$/, ''))).toBe(false);
  });
});
