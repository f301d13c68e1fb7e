import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate, submit } from '../../src/client/submit.ts';
import type { PeerView } from '../../src/gossip/peers.ts';
import { parsePolicyText } from '../../src/msp/policies/policy-text.ts';
import { common } from '../../src/protos/messages.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';

/** Resolves when what is known of others is so. */
const changed = (view: PeerView, isSo: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (!isSo()) return;
      listening[Symbol.dispose]();
      resolve();
    };
    const listening = view.onChanged(look);
    look();
  });

describe('two organisations with the policy that both endorse', () => {
  let running: TestNetwork;

  beforeAll(async () => {
    running = await testNetwork({ orgs: 2 });
    const both = common.SignaturePolicyEnvelope.encode(parsePolicyText("AND('Org1MSP.member','Org2MSP.member')"));
    await running.deploy('kv', 'kv-node', both);
  });

  afterAll(() => running?.[Symbol.asyncDispose]());

  const put = async (endorsedBy: readonly number[], key: string) => {
    const { admins, user, orderer, channel } = running.clients;
    const peers = admins.map(({ peer }) => peer);
    const endorsers = peers.filter((_, at) => endorsedBy.includes(at));
    return submit(
      { signer: user.signer, endorsers, orderer, listeners: peers },
      { channelId: channel, chaincode: 'kv', args: ['put', key, 'v'] },
      { signal: never },
    );
  };

  it('commits what both endorsed', async () => {
    expect((await put([0, 1], 'both')).commit?.codeName).toBe('VALID');
  });

  it('flags what one endorsed, and both peers know which organisation is missing', async () => {
    const { commit, proposal } = await put([0], 'one');
    expect(commit?.codeName).toBe('ENDORSEMENT_POLICY_FAILURE');
    for (const peer of running.network.peers)
      expect(peer.explain('mychannel', proposal.txId)?.details['missingPrincipals']).toMatch(/Org2MSP/);
  });

  it('find each other, with heights and what each can endorse', async () => {
    const { peers } = running.network;
    const heights = peers.map(({ peers: view }) => Number(view.membersOf('mychannel').find(({ self }) => self)?.height));
    for (const { peers: view } of peers) {
      const told = (): boolean => {
        const others = view.membersOf('mychannel').filter(({ self }) => !self);
        return others.length === 1 && others.every(({ height }) => heights.includes(Number(height)));
      };
      await changed(view, told);
      expect(
        view
          .members()
          .map(({ mspId }) => mspId)
          .sort(),
      ).toEqual(['Org1MSP', 'Org2MSP']);
      expect(new Set(view.membersOf('mychannel').map(({ endpoint }) => endpoint)).size).toBe(2);
      for (const { chaincodes } of view.membersOf('mychannel')) expect(chaincodes.map(({ name }) => name)).toContain('_lifecycle');
    }
  });

  it('leaves the state as it was where a transaction was flagged', async () => {
    const { commit } = await put([1], 'other');
    expect(commit?.codeName).toBe('ENDORSEMENT_POLICY_FAILURE');
    const { admins, user, channel } = running.clients;
    for (const { peer } of admins) {
      const answer = evaluate(peer, user.signer, { channelId: channel, chaincode: 'kv', args: ['get', 'other'] }, { signal: never });
      expect((await answer).payload).toHaveLength(0);
    }
  });
});
