import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProposal } from '../../src/client/proposal.ts';
import { evaluate, submit } from '../../src/client/submit.ts';
import type { PeerView } from '../../src/gossip/peers.ts';
import { parsePolicyText } from '../../src/msp/policies/policy-text.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { selvage, sourced } from './command.ts';
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

  it('answer the same call alike, as a command finds that asks both, and another one that was kept otherwise', async () => {
    const { network, clients } = running;
    const { file } = network.envFiles[0] ?? { file: '' };
    const env = sourced(file);
    const call = (value: string) => ['-C', 'mychannel', '-n', 'kv', '-c', JSON.stringify({ Args: ['put', 'json', value] })];
    const same = await selvage(['diff', ...call('{"a":1}')], { env });
    expect(same).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Org1MSP \(\S+\) and Org2MSP \(\S+\) answer the same\n$/) });
    const folder = await mkdtemp(join(tmpdir(), 'selvage-diff-'));
    try {
      const files = await Promise.all(
        clients.admins.map(async ({ peer }, at) => {
          const args = ['put', 'json', JSON.stringify({ owner: { at } })];
          const { signed } = await createProposal(clients.user.signer, { channelId: clients.channel, chaincode: 'kv', args });
          const kept = join(folder, `org${at + 1}.pb`);
          await writeFile(kept, protos.ProposalResponse.encode(await peer.endorse(signed, { signal: never })));
          return kept;
        }),
      );
      const { code, stdout, stderr } = await selvage(['diff', ...files]);
      expect({ code, stderr }).toEqual({ code: 1, stderr: 'Error: 1 of 2 answers differs from the first\n' });
      expect(stdout).toContain('org1.pb and org2.pb differ in one place\n  the write of "json" of kv\n    owner.at: 0 → 1\n');
    } finally {
      await rm(folder, { recursive: true, force: true });
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
