/** `--peer-chaincodedev`: the peer starts nothing, the developer starts the chaincode. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { approveProposal, commitProposal, installedPackages } from '../../src/client/lifecycle-calls.ts';
import type { ProposalSpec } from '../../src/client/proposal.ts';
import { submit } from '../../src/client/submit.ts';
import { textOf } from '../../src/common/bytes.ts';
import { Scope } from '../../src/common/scope.ts';
import type { DevClient } from '../../src/node/dev/dev-clients.ts';
import { protos } from '../../src/protos/messages.ts';
import { installedSample } from '../runtimes/installed-sample.ts';
import { StartedProgram } from '../runtimes/started-program.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';

const sample = await installedSample('kv-node');

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const inDevelopment = async (options: { readonly tls: boolean }): Promise<TestNetwork> =>
  scope.use(await testNetwork({ ...options, settings: { chaincode: { mode: 'dev' } } }));

/** What a developer types: the id and the address of the peer, nothing else. */
async function startByHand({ network }: TestNetwork, ccid: string): Promise<StartedProgram> {
  const address = `127.0.0.1:${network.plan.peers[0]?.chaincodePort}`;
  const env = { CORE_CHAINCODE_ID_NAME: ccid, CORE_PEER_TLS_ENABLED: 'false', CORE_CHAINCODE_LOGGING_LEVEL: 'info' };
  const program = scope.use(new StartedProgram(process.execPath, ['index.js', '--peer.address', address], { cwd: sample ?? '', env }));
  await program.line(/ready|duplicate chaincodeID/);
  return program;
}

async function invoke({ clients }: TestNetwork, ...args: readonly string[]): Promise<string> {
  const { orderer, user, admins } = clients;
  const endorsers = admins.map(({ peer }) => peer);
  const parts = { signer: user.signer, endorsers, orderer, listeners: endorsers };
  const { response } = await submit(parts, { channelId: clients.channel, chaincode: 'kv', args }, { signal: never });
  return textOf(response.payload);
}

function adminOf({ clients }: TestNetwork): DevClient {
  const [admin] = clients.admins;
  if (admin === undefined) throw new Error('the network has no organisation');
  return admin;
}

async function sendAsAdmin(net: TestNetwork, proposal: ProposalSpec): Promise<void> {
  const { signer, peer } = adminOf(net);
  const parts = { signer, endorsers: [peer], orderer: net.clients.orderer, listeners: [peer] };
  const { commit } = await submit(parts, proposal, { signal: never });
  expect(commit?.codeName).toBe('VALID');
}

describe.skipIf(sample === undefined)('chaincode that the developer starts (skipped without npm)', () => {
  it.each([{ tls: false }, { tls: true }])('answers, and can be stopped, changed and started again: peer with %j', async ({ tls }) => {
    const net = await inDevelopment({ tls });
    const first = await startByHand(net, 'kv:1');
    expect(await net.deploy('kv', 'kv-node')).toMatchObject({ did: 'instantiated', version: '1' });
    expect(await invoke(net, 'put', 'a', '1')).toBe('ok');
    await first[Symbol.asyncDispose]();
    await expect(invoke(net, 'get', 'a')).rejects.toThrow('handler not found for chaincode kv:1');
    await startByHand(net, 'kv:1');
    expect(await invoke(net, 'get', 'a')).toBe('1');
  });

  it('is told what to start while nothing runs', async () => {
    const net = await inDevelopment({ tls: false });
    await expect(net.deploy('kv', 'kv-node')).rejects.toThrow('start it with CORE_CHAINCODE_ID_NAME=kv:1 and peer address');
  });

  it('goes by NAME:VERSION on a channel with the 2.x lifecycle, where no package is approved', async () => {
    const net = scope.use(await testNetwork({ format: 'tar.gz', settings: { chaincode: { mode: 'dev' } } }));
    await startByHand(net, 'kv:7');
    const { clients } = net;
    const validationParameter = protos.ApplicationPolicy.encode({ channelConfigPolicyReference: '/Channel/Application/Endorsement' });
    const definition = { channelId: clients.channel, name: 'kv', version: '7', sequence: 1n, validationParameter, initRequired: false };
    for (const proposal of [approveProposal(definition, undefined), commitProposal(definition)]) await sendAsAdmin(net, proposal);
    expect(await invoke(net, 'put', 'a', '1')).toBe('ok');
    expect(await invoke(net, 'get', 'a')).toBe('1');
  });

  it('goes by the package id where a package is approved', async () => {
    const net = scope.use(await testNetwork({ format: 'tar.gz', settings: { chaincode: { mode: 'dev' } } }));
    await expect(net.deploy('kv', 'kv-node').then(() => invoke(net, 'get', 'a'))).rejects.toThrow(
      /handler not found for chaincode kv:[0-9a-f]{64}/,
    );
    const { installedChaincodes } = await installedPackages(adminOf(net), { signal: never });
    await startByHand(net, installedChaincodes[0]?.packageId ?? '');
    expect(await invoke(net, 'put', 'a', '1')).toBe('ok');
  });

  it('keeps its name when a second one claims it', async () => {
    const net = await inDevelopment({ tls: false });
    await startByHand(net, 'kv:1');
    expect(await net.deploy('kv', 'kv-node')).toMatchObject({ did: 'instantiated', version: '1' });
    const second = await startByHand(net, 'kv:1');
    expect((await second.ended()).join('\n')).toContain('duplicate chaincodeID');
    expect(await invoke(net, 'put', 'a', '1')).toBe('ok');
  });
});
