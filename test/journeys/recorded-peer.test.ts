import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { developmentSet as fixtures } from '../fixtures.ts';
import { freePorts } from '../free-ports.ts';
import { RunningCommand, selvage } from './command.ts';

describe.skipIf(fixtures === undefined)('a peer from the recorded v1.1 material (needs the recorded fixtures)', () => {
  let folder: string;
  let peer: RunningCommand;
  let env: Record<string, string>;
  const organization = join(fixtures ?? '', 'v1.1/crypto/peerOrganizations/org1.example.com');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-recorded-'));
    const [port = 0, chaincodePort = 0] = await freePorts(2);
    env = { CORE_PEER_LOCALMSPID: 'Org1MSP', CORE_PEER_ADDRESS: `127.0.0.1:${port}` };
    peer = new RunningCommand(['node', 'start'], {
      ...env,
      CORE_PEER_ID: 'peer0.org1.example.com',
      CORE_PEER_LISTENADDRESS: `127.0.0.1:${port}`,
      CORE_PEER_CHAINCODELISTENADDRESS: `127.0.0.1:${chaincodePort}`,
      CORE_PEER_MSPCONFIGPATH: join(organization, 'peers/peer0.org1.example.com/msp'),
      CORE_PEER_FILESYSTEMPATH: folder,
      // The recorded chaincode is of a time whose native modules nobody can build now: its build is to fail at once.
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_fetch_retries: '0',
    });
    await peer.line((line) => line.includes('peer is ready'));
  });

  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const as = (user: string) => ({ env: { ...env, CORE_PEER_MSPCONFIGPATH: join(organization, `users/${user}@org1.example.com/msp`) } });

  it('refuses to join for somebody who is no Admin, and joins for the Admin', async () => {
    const block = join(fixtures ?? '', 'v1.1/config/channel.block');
    const refused = await selvage(['channel', 'join', '-b', block], as('User1'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('access denied for [JoinChain][mychannel]: [');
    expect(await selvage(['channel', 'join', '-b', block], as('Admin'))).toMatchObject({ code: 0 });
    const { stdout } = await selvage(['channel', 'list'], as('Admin'));
    expect(stdout.split('\n')).toContain('mychannel');
  });

  it('has the block it joined with', async () => {
    const { stdout, code } = await selvage(['channel', 'getinfo', '-c', 'mychannel'], as('Admin'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Blockchain info: \{"height":1,"currentBlockHash":"[A-Za-z0-9+/]{43}="\}/);
  });

  it('installs the recorded package, says that it cannot be built here, and lists it with the recorded id', async () => {
    const installed = await selvage(['chaincode', 'install', join(fixtures ?? '', 'v1.1/packages/kvnode-1.0.cds.pak')], as('Admin'));
    expect(installed.stderr).toContain('chaincode installed to peer but could not build chaincode');
    const { stdout } = await selvage(['chaincode', 'list', '--installed'], as('Admin'));
    expect(stdout).toMatch(/Name: kvnode, Version: 1\.0, .*Id: [0-9a-f]{64}/);
  });
});
