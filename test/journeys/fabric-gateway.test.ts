import { CommitError, type Contract, checkpointers, EndorseError, GatewayError, type Network } from '@hyperledger/fabric-gateway';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayClient, gatewayClient } from './gateway-client.ts';
import { type TestNetwork, testNetwork } from './network.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** The client library of today, unmodified, as applications use it. */
describe.each([{ tls: true }, { tls: false }])('fabric-gateway, TLS $tls', ({ tls }) => {
  let running: TestNetwork;
  let client: GatewayClient;
  let network: Network;
  let contract: Contract;

  beforeAll(async () => {
    running = await testNetwork({ format: 'tar.gz', tls });
    await running.deploy('kv', 'kv-node');
    client = gatewayClient(running.network);
    network = client.gateway.getNetwork('mychannel');
    contract = network.getContract('kv');
  });

  afterAll(async () => {
    client?.[Symbol.dispose]();
    await running?.[Symbol.asyncDispose]();
  });

  it('submits a transaction, waits for its commit and evaluates what it wrote', async () => {
    expect(text(await contract.submitTransaction('put', 'colour', 'blue'))).toBe('ok');
    expect(text(await contract.evaluateTransaction('get', 'colour'))).toBe('blue');
  });

  it('gives the commit status with its block', async () => {
    const submitted = await contract.submitAsync('put', { arguments: ['size', 'large'] });
    const status = await submitted.getStatus();
    expect(status).toMatchObject({ successful: true, code: 0, transactionId: submitted.getTransactionId() });
    const again = await client.gateway.newCommit(submitted.getBytes()).getStatus();
    expect(again).toEqual(status);
  });

  it('tells of a transaction that was invalidated', async () => {
    const first = await contract.newProposal('incr', { arguments: ['counter'] }).endorse();
    const second = await contract.newProposal('incr', { arguments: ['counter'] }).endorse();
    expect(await (await first.submit()).getStatus()).toMatchObject({ successful: true });
    expect(await (await second.submit()).getStatus()).toMatchObject({ successful: false, code: 11 });
    await contract.submitTransaction('incr', 'counter');
    expect(CommitError.prototype).toBeInstanceOf(Error);
  });

  it('has more calls at a time than the 500 of a sample core.yaml, as the test network', async () => {
    await contract.submitTransaction('event', 'crowd', 'heard');
    const streams = await Promise.all(Array.from({ length: 520 }, () => network.getChaincodeEvents('kv', { startBlock: 0n })));
    const firsts = await Promise.all(streams.map((stream) => stream[Symbol.asyncIterator]().next()));
    for (const stream of streams) stream.close();
    expect(new Set(firsts.map(({ value }) => value?.eventName)).size).toBe(1);
  }, 120_000);

  it('works with a client that signs elsewhere', async () => {
    const { sign, offline } = client;
    const away = offline();
    const signed = async (message: { getDigest(): Uint8Array }) => Buffer.from(await sign(message.getDigest()));
    const unsigned = away
      .getNetwork('mychannel')
      .getContract('kv')
      .newProposal('put', { arguments: ['offline', 'yes'] });
    const proposal = away.newSignedProposal(unsigned.getBytes(), await signed(unsigned));
    const prepared = await proposal.endorse();
    const transaction = away.newSignedTransaction(prepared.getBytes(), await signed(prepared));
    const commit = await transaction.submit();
    const asked = away.newSignedCommit(commit.getBytes(), await signed(commit));
    expect(await asked.getStatus()).toMatchObject({ successful: true });
    const query = away
      .getNetwork('mychannel')
      .getContract('kv')
      .newProposal('get', { arguments: ['offline'] });
    expect(text(await away.newSignedProposal(query.getBytes(), await signed(query)).evaluate())).toBe('yes');
  });

  it('keeps transient data out of the transaction', async () => {
    const options = { transientData: { secret: Buffer.from('s3cret') } };
    expect(JSON.parse(text(await contract.evaluate('transient', options)))).toEqual({ secret: Buffer.from('s3cret').toString('hex') });
    const transaction = await contract.newProposal('transient', options).endorse();
    expect(Buffer.from(transaction.getBytes()).includes('s3cret')).toBe(false);
  });

  it('tells which peer refused, and with which words', async () => {
    const refused = await contract.evaluateTransaction('error', 'not today').catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(GatewayError);
    const host = running.network.plan.peers[0];
    const detail = { address: `localhost:${host?.port}`, mspId: 'Org1MSP', message: expect.stringContaining('not today') };
    expect(refused).toMatchObject({
      code: 2,
      cause: { details: expect.stringMatching(/^evaluate call to endorser returned error: chaincode response 500, .*not today/) },
      details: [detail],
    });
    const unendorsed = await contract.submitTransaction('error', 'not today').catch((thrown: unknown) => thrown);
    expect(unendorsed).toBeInstanceOf(EndorseError);
    expect(unendorsed).toMatchObject({
      code: 10,
      cause: { details: 'failed to endorse transaction, see attached details for more info' },
      details: [detail],
    });
  });

  it('tells what is wrong with the name of the chaincode or the channel', async () => {
    await expect(network.getContract('ghost').evaluateTransaction('get', 'x')).rejects.toMatchObject({
      code: 9,
      cause: { details: 'no peers available to evaluate chaincode ghost in channel mychannel' },
    });
    await expect(client.gateway.getNetwork('nowhere').getContract('kv').evaluateTransaction('get', 'x')).rejects.toMatchObject({
      code: 14,
      cause: { details: 'failed to get config for channel [nowhere]: could not get last config for channel nowhere' },
    });
  });

  it('streams chaincode events, from a block on and after a checkpoint', async () => {
    const checkpointer = checkpointers.inMemory();
    const before = await contract.submitAsync('event', { arguments: ['one', 'the first'] });
    const { blockNumber } = await before.getStatus();
    await contract.submitTransaction('event', 'two', 'the second');
    {
      const events = await network.getChaincodeEvents('kv', { startBlock: blockNumber });
      for await (const event of events) {
        expect({ ...event, payload: text(event.payload) }).toMatchObject({
          blockNumber,
          chaincodeName: 'kv',
          eventName: 'one',
          payload: 'the first',
          transactionId: before.getTransactionId(),
        });
        await checkpointer.checkpointChaincodeEvent(event);
        break;
      }
      events.close();
    }
    const rest = await network.getChaincodeEvents('kv', { checkpoint: checkpointer });
    const three = contract.submitTransaction('event', 'three', 'the third');
    const seen: string[] = [];
    for await (const { eventName } of rest) if (seen.push(eventName) === 2) break;
    rest.close();
    await three;
    expect(seen).toEqual(['two', 'three']);
  });

  it('streams block events, whole, filtered and with private data', async () => {
    const numbers: string[] = [];
    const blocks = await network.getBlockEvents({ startBlock: 0n });
    for await (const block of blocks) if (numbers.push(String(block.getHeader()?.getNumber())) === 3) break;
    blocks.close();
    const filtered = await network.getFilteredBlockEvents({ startBlock: 1n });
    for await (const block of filtered) if (numbers.push(String(block.getNumber())) === 5) break;
    filtered.close();
    const withData = await network.getBlockAndPrivateDataEvents({ startBlock: 2n });
    for await (const block of withData) {
      numbers.push(String(block.getBlock()?.getHeader()?.getNumber()));
      break;
    }
    withData.close();
    expect(numbers).toEqual(['0', '1', '2', '1', '2', '2']);
  });
});
