import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BlockEvent, type ContractEvent, Gateway, type Network, Wallets } from 'fabric-network';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deferred } from '../../src/common/deferred.ts';
import { type TestNetwork, testNetwork } from './network.ts';

/** The SDK of Fabric 2.2, as it comes from npm, with the connection profile and the wallets that `selvage dev` writes. */
describe('fabric-network 2.2, discovery off, TLS on', () => {
  let running: TestNetwork;
  let gateway: Gateway;
  let network: Network;

  beforeAll(async () => {
    running = await testNetwork();
    await running.deploy('kv', 'kv-node');
    gateway = await connect(running);
    network = await gateway.getNetwork('mychannel');
  });

  afterAll(async () => {
    gateway?.disconnect();
    await running?.[Symbol.asyncDispose]();
  });

  it('submits a transaction and evaluates what it wrote', async () => {
    const contract = network.getContract('kv');
    await contract.submitTransaction('put', 'colour', 'blue');
    expect((await contract.evaluateTransaction('get', 'colour')).toString()).toBe('blue');
  });

  it('tells the client the words of a chaincode that refuses', async () => {
    const contract = network.getContract('kv');
    await expect(contract.submitTransaction('error', 'not today')).rejects.toThrow(/not today/);
  });

  it('delivers the contract event of a transaction with its payload', async () => {
    const contract = network.getContract('kv');
    const heard = deferred<ContractEvent>();
    const listener = await contract.addContractListener(async (event) => heard.resolve(event));
    try {
      await contract.submitTransaction('event', 'painted', 'the wall');
      const event = await heard.promise;
      expect({ name: event.eventName, payload: event.payload?.toString(), chaincode: event.chaincodeId }).toEqual({
        name: 'painted',
        payload: 'the wall',
        chaincode: 'kv',
      });
      expect(event.getTransactionEvent().isValid).toBe(true);
    } finally {
      contract.removeContractListener(listener);
    }
  });

  it('delivers blocks to a block listener, in order', async () => {
    const contract = network.getContract('kv');
    const numbers: string[] = [];
    const three = deferred<void>();
    const listener = await network.addBlockListener(
      async (event: BlockEvent) => {
        numbers.push(event.blockNumber.toString());
        if (numbers.length === 3) three.resolve();
      },
      { startBlock: 0 },
    );
    try {
      await contract.submitTransaction('put', 'size', 'large');
      await three.promise;
      expect(numbers.slice(0, 3)).toEqual(['0', '1', '2']);
    } finally {
      network.removeBlockListener(listener);
    }
  });
});

/** The same, but the client is told of one peer and finds out the rest; chaincode is defined by the 2.x lifecycle. */
describe('fabric-network 2.2, discovery on, TLS on', () => {
  let running: TestNetwork;
  let gateway: Gateway;
  let network: Network;

  beforeAll(async () => {
    running = await testNetwork({ format: 'tar.gz' });
    await running.deploy('kv', 'kv-node');
    gateway = await connect(running, { discovery: true });
    network = await gateway.getNetwork('mychannel');
  });

  afterAll(async () => {
    gateway?.disconnect();
    await running?.[Symbol.asyncDispose]();
  });

  it('finds who there is in the wallet of an organisation', async () => {
    const wallet = await Wallets.newFileSystemWallet(join(running.network.folders.root, 'wallets', 'org1'));
    expect((await wallet.list()).sort()).toEqual(['User1', 'admin']);
    expect(await wallet.get('admin')).toMatchObject({ type: 'X.509', mspId: 'Org1MSP' });
  });

  it('submits a transaction to the endorsers that discovery names, and evaluates what it wrote', async () => {
    const contract = network.getContract('kv');
    await contract.submitTransaction('put', 'colour', 'green');
    expect((await contract.evaluateTransaction('get', 'colour')).toString()).toBe('green');
  });

  it('knows the ordering node from discovery alone', () => {
    expect(network.getChannel().getCommitters()).toHaveLength(1);
  });

  it('is refused a plan for chaincode that nobody defined', async () => {
    await expect(network.getContract('absent').submitTransaction('put', 'a', 'b')).rejects.toThrow(
      /failed constructing descriptor for chaincodes:<name:"absent"/,
    );
  });
});

async function connect({ network }: TestNetwork, { discovery = false } = {}): Promise<Gateway> {
  const { folders, profiles } = network;
  const wallet = await Wallets.newFileSystemWallet(join(folders.root, 'wallets', 'org1'));
  const gateway = new Gateway();
  const { orderers, channels, ...known } = JSON.parse(readFileSync(profiles[0]?.json ?? '', 'utf8')) as Record<string, unknown>;
  const profile = discovery ? known : { ...known, orderers, channels };
  await gateway.connect(profile as never, { wallet, identity: 'User1', discovery: { enabled: discovery, asLocalhost: discovery } });
  return gateway;
}
