import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silent } from '../../src/common/log.ts';
import { unmeasured } from '../../src/common/metrics.ts';
import { Scope } from '../../src/common/scope.ts';
import { connectClients, joinAll } from '../../src/node/dev/dev-clients.ts';
import { deployChaincode } from '../../src/node/dev/dev-deploy.ts';
import { type DevNetwork, startDevNetwork } from '../../src/node/dev/dev-network.ts';
import { gatewayClient } from './gateway-client.ts';
import { chaincodeCache, never, repository } from './network.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

describe('fabric-gateway with mutual TLS', () => {
  const scope = new Scope();
  let network: DevNetwork;

  /** The network's own clients show certificates as well: they deploy. */
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvage-journey-'));
    scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    const parts = { log: silent, metrics: unmeasured, cacheFolder: chaincodeCache, signal: never };
    const wanted = { channel: 'mychannel', orgs: 1, tls: true, mutualTls: true, portBase: 0, block: 'instant', lifecycle: 2 } as const;
    network = scope.use(await startDevNetwork(folder, wanted, parts));
    using clients = await connectClients(network.folders, network.plan);
    await joinAll(clients, network.folders, { signal: never });
    await deployChaincode(clients, { name: 'kv', folder: join(repository, 'chaincodes', 'kv-node'), init: [] }, { signal: never });
  });

  afterAll(() => scope[Symbol.asyncDispose]());

  it('transacts and follows events with the certificate of the user', async () => {
    using client = gatewayClient(network, { clientCertificate: true });
    const channel = client.gateway.getNetwork('mychannel');
    const contract = channel.getContract('kv');
    expect(text(await contract.submitTransaction('event', 'painted', 'the wall'))).toBe('sent');
    const events = await channel.getChaincodeEvents('kv', { startBlock: 0n });
    for await (const { eventName } of events) {
      expect(eventName).toBe('painted');
      break;
    }
    events.close();
    const blocks = await channel.getFilteredBlockEvents({ startBlock: 0n }); // bound to the certificate by its hash
    for await (const block of blocks) {
      expect(block.getNumber()).toBe(0);
      break;
    }
    blocks.close();
  });

  it('lets nobody in without one', async () => {
    using client = gatewayClient(network);
    await expect(client.gateway.getNetwork('mychannel').getContract('kv').evaluateTransaction('get', 'x')).rejects.toMatchObject({
      code: 14,
    });
  });
});
