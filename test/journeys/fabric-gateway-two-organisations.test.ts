import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contract, EndorseError, Transaction } from '@hyperledger/fabric-gateway';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../src/common/scope.ts';
import { common, gateway, msp, protos } from '../../src/protos/messages.ts';
import { gatewayClient } from './gateway-client.ts';
import { type TestNetwork, testNetwork } from './network.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Does as it is told; what it writes for `differ` is another thing at every peer. */
const CHAINCODE = `
const shim = require('fabric-shim');
shim.start({
  Init: async () => shim.success(),
  Invoke: async (stub) => {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'put') await stub.putState(params[0], Buffer.from(params[1]));
    if (fcn === 'differ') await stub.putState(params[0], Buffer.from(require('node:crypto').randomUUID()));
    if (fcn === 'keep') await stub.putPrivateData('_implicit_org_Org1MSP', params[0], Buffer.from(stub.getTransient().get('secret')));
    if (fcn === 'kept') return shim.success(await stub.getPrivateData('_implicit_org_Org1MSP', params[0]));
    if (fcn === 'own') {
      const policy = new shim.KeyEndorsementPolicy();
      policy.addOrgs('PEER', params[1]);
      await stub.setStateValidationParameter(params[0], policy.getPolicy());
    }
    if (fcn === 'get') return shim.success(await stub.getState(params[0]));
    return shim.success(Buffer.from('ok'));
  },
});
`;

/** Transactions that both organisations have to endorse, by a client that knows one peer. */
describe.each([{ tls: true }, { tls: false }])('the gateway of one organisation and the peer of another, TLS $tls', ({ tls }) => {
  const scope = new Scope();
  let running: TestNetwork;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvage-journey-'));
    scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    await writeFile(join(folder, 'index.js'), CHAINCODE);
    const scripts = { start: 'node index.js' };
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'both', version: '1.0.0', scripts, dependencies: { 'fabric-shim': '2.5.8' } }),
    );
    running = scope.use(await testNetwork({ format: 'tar.gz', orgs: 2, tls }));
    await running.deployFolder('both', folder);
    for (const { peers } of running.network.peers) await until(peers, () => peers.membersOf('mychannel').filter(hasChaincode).length === 2);
  });

  afterAll(() => scope[Symbol.asyncDispose]());

  const contractAt = (org: number): Contract => {
    const client = scope.use(gatewayClient(running.network, { org }));
    return client.gateway.getNetwork('mychannel').getContract('both');
  };

  it.each([0, 1])('a transaction gets both endorsements, whichever peer is asked (%i)', async (org) => {
    const contract = contractAt(org);
    const transaction = await contract.newProposal('put', { arguments: [`key ${org}`, 'value'] }).endorse();
    const commit = await transaction.submit();
    expect(await commit.getStatus()).toMatchObject({ successful: true });
    expect(text(await contract.evaluateTransaction('get', `key ${org}`))).toBe('value');
  });

  it('what peers do not agree on is named', async () => {
    const failed = (await contractAt(0)
      .submitTransaction('differ', 'colour')
      .catch((thrown: unknown) => thrown)) as EndorseError;
    const [first, second] = running.network.plan.peers;
    expect(failed).toMatchObject({
      code: 10,
      details: [
        {
          address: `localhost:${second?.port}`,
          mspId: 'Org2MSP',
          message: `ProposalResponsePayloads do not match: unlike at localhost:${first?.port} (Org1MSP), the write of "colour" of both is another`,
        },
      ],
    });
  });

  it('private data are endorsed by members of the collection alone, and stay out of the transaction', async () => {
    const contract = contractAt(0);
    const transientData = { secret: Buffer.from('s3cret') };
    const transaction = await contract.newProposal('keep', { arguments: ['secret'], transientData }).endorse();
    expect(endorsersIn(transaction)).toEqual(['Org1MSP']);
    expect(Buffer.from(transaction.getBytes()).includes('s3cret')).toBe(false);
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true });
    expect(text(await contract.evaluateTransaction('kept', 'secret'))).toBe('s3cret');
  });

  it('a key with a policy of its own is endorsed by whom that names', async () => {
    const contract = contractAt(0);
    await contract.submitTransaction('put', 'owned', 'first');
    await contract.submitTransaction('own', 'owned', 'Org2MSP');
    const transaction = await contract.newProposal('put', { arguments: ['owned', 'second'] }).endorse();
    expect(endorsersIn(transaction)).toContain('Org2MSP');
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true });
  });

  it('a client may name the organisations', async () => {
    const contract = contractAt(0);
    const proposal = contract.newProposal('put', { arguments: ['named', 'x'], endorsingOrganizations: ['Org2MSP'] });
    const commit = await (await proposal.endorse()).submit();
    expect(await commit.getStatus()).toMatchObject({ successful: false, code: protos.TxValidationCode.ENDORSEMENT_POLICY_FAILURE });
    await expect(contract.submit('put', { arguments: ['x', 'y'], endorsingOrganizations: ['Org3MSP'] })).rejects.toMatchObject({
      code: 14,
      cause: { details: 'failed to find any endorsing peers for org(s): Org3MSP' },
    });
  });

  it('a client of one organisation may ask the peer of another', async () => {
    using client = gatewayClient(running.network, { org: 1, userOrg: 0 });
    const contract = client.gateway.getNetwork('mychannel').getContract('both');
    expect(text(await contract.submitTransaction('put', 'from outside', 'x'))).toBe('ok');
  });
});

/** MSP ids. */
function endorsersIn(transaction: Transaction): readonly string[] {
  const { envelope } = gateway.PreparedTransaction.decode(transaction.getBytes());
  const { data } = common.Payload.decode(envelope?.payload ?? new Uint8Array());
  const [action] = protos.Transaction.decode(data).actions;
  const { action: endorsed } = protos.ChaincodeActionPayload.decode(action?.payload ?? new Uint8Array());
  return (endorsed?.endorsements ?? []).map(({ endorser }) => msp.SerializedIdentity.decode(endorser).mspid).sort();
}

const hasChaincode = ({ chaincodes }: { readonly chaincodes: readonly { readonly name: string }[] }): boolean =>
  chaincodes.some(({ name }) => name === 'both');

function until(peers: { onChanged(listener: () => void): Disposable }, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      listening[Symbol.dispose]();
      resolve();
    };
    const listening = peers.onChanged(look);
    look();
  });
}
