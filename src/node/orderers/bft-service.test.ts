import { beforeAll, describe, expect, it } from 'vitest';
import { bftBlock, bftGenesis, type Signatories, signerOf } from '../../../test/fakes/bft-network.ts';
import { followChannel } from '../../../test/fakes/committing-peer.ts';
import { honest, type OrdererScript, scriptedOrderer } from '../../../test/fakes/scripted-orderer.ts';
import { organization } from '../../../test/fakes/small-network.ts';
import { freePorts } from '../../../test/free-ports.ts';
import { deferred } from '../../common/deferred.ts';
import { Scope } from '../../common/scope.ts';
import type { Organization } from '../../msp/material/organization.ts';
import type { common } from '../../protos/messages.ts';

let member: Organization;
let orgs: readonly Organization[];
beforeAll(async () => {
  member = await organization('peer', 'Org1');
  orgs = await Promise.all(['One', 'Two', 'Three', 'Four'].map((name) => organization('orderer', name)));
});

const signatories = (...ids: readonly number[]): Signatories => ids.map((id) => [id, signerOf(orgs[id - 1] ?? member)]);

/** A channel with four ordering nodes, asked in order, and a peer that follows it. The scripts get the blocks 0 to `blocks`. */
async function follow(
  scope: Scope,
  blocks: number,
  scripts: (chain: readonly common.Block[]) => Promise<readonly OrdererScript[]>,
  delivery: { readonly policy: 'cluster' | 'simple'; readonly withheldMs: number } = { policy: 'cluster', withheldMs: 2_000 },
) {
  const ports = await freePorts(4);
  const genesis = bftGenesis(
    [member],
    orgs.map((org, at) => ({ org, endpoint: `localhost:${ports[at]}` })),
  );
  const chain = [genesis];
  for (let at = 0; at < blocks; at += 1) chain.push(await bftBlock(chain[at] ?? genesis, signatories(1, 2, 3)));
  const all = await scripts(chain);
  const nodes = await Promise.all(
    orgs.map(async (org, at) => scope.use(await scriptedOrderer(org, ports[at] ?? 0, all[at] ?? honest(chain)))),
  );
  const followed = await followChannel(scope, { genesis, member, delivery });
  return { nodes, ...followed };
}

const upTo = (chain: readonly common.Block[], last: number): OrdererScript => honest(chain.slice(0, last + 1));

describe('a BFT ordering service', () => {
  it('is left at a node that holds a block back which another proves', async () => {
    await using scope = new Scope();
    const scripts = async (chain: readonly common.Block[]) => [upTo(chain, 1), upTo(chain, 1), honest(chain)];
    const { nodes, lost, committed } = await follow(scope, 3, scripts, { policy: 'cluster', withheldMs: 300 });
    await committed(3n);
    expect(lost.map(({ code }) => code)).toContain('BLOCKS_WITHHELD');
    expect(lost[0]?.error).toMatch(/holds back block \d, which others have/);
    expect(nodes[0]?.asked).toContain('blocks from 1');
    expect(nodes[2]?.asked.some((what) => what.startsWith('headers from'))).toBe(true);
  });

  it('is left at a node whose blocks a quorum did not sign: one consenter twice, one in the name of another, too few', async () => {
    await using scope = new Scope();
    const first = async (genesis: common.Block, signed: Signatories): Promise<OrdererScript> =>
      honest([genesis, await bftBlock(genesis, signed)]);
    const [two] = signatories(2);
    const { lost, committed } = await follow(scope, 1, async (chain) => {
      const genesis = chain[0] as common.Block;
      const inAnothersName: Signatories = two === undefined ? [] : [...signatories(1, 2), [3, two[1]]];
      return [
        await first(genesis, [...signatories(1, 2), ...signatories(2)]),
        await first(genesis, inAnothersName),
        await first(genesis, signatories(1, 4)),
        honest(chain),
      ];
    });
    await committed(1n);
    expect(lost.map(({ code }) => code)).toEqual(['BLOCK_INVALID', 'BLOCK_INVALID', 'BLOCK_INVALID']);
    for (const { error } of lost) expect(error).toContain('signatures do not satisfy /Channel/Orderer/BlockValidation');
  });

  it('is left at a node that goes on from a block that is not ours', async () => {
    await using scope = new Scope();
    const { lost, committed } = await follow(scope, 2, async (chain) => {
      const genesis = chain[0] as common.Block;
      const other = await bftBlock(genesis, signatories(1, 2, 3));
      return [honest([genesis, chain[1] as common.Block, await bftBlock(other, signatories(1, 2, 3))])];
    });
    await committed(2n);
    expect(lost.map(({ error }) => error)).toEqual([expect.stringContaining('Header.PreviousHash is different')]);
  });

  it('is not left because of headers that prove nothing', async () => {
    await using scope = new Scope();
    const asked = deferred<void>();
    const released = deferred<void>();
    let headers = 0;
    const { lost, committed, nodes } = await follow(
      scope,
      1,
      async (chain) => {
        const genesis = chain[0] as common.Block;
        const forged = await bftBlock(genesis, signatories(4));
        const slow: OrdererScript = {
          give: async (number) => {
            if (number === 1n) await released.promise;
            return chain[Number(number)];
          },
        };
        const liar: OrdererScript = {
          give: (_, headersOnly) => {
            if (!headersOnly) return undefined;
            headers += 1;
            if (headers === 12) asked.resolve();
            return { ...forged, data: undefined };
          },
        };
        return [slow, liar, liar, liar];
      },
      { policy: 'cluster', withheldMs: 300 },
    );
    await asked.promise; // each was believed in vain several times, for longer than a proof would have been given
    released.resolve();
    await committed(1n);
    expect(lost).toEqual([]);
    expect(nodes[0]?.asked).toEqual(['blocks from 1']);
  });

  it('is asked for no headers where the policy is simple', async () => {
    await using scope = new Scope();
    const { nodes, committed } = await follow(scope, 2, async () => [], { policy: 'simple', withheldMs: 0 });
    await committed(2n);
    expect(nodes.map(({ asked }) => asked)).toEqual([['blocks from 1'], [], [], []]);
  });
});
