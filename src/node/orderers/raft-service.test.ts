import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { signerOf } from '../../../test/fakes/bft-network.ts';
import { followChannel } from '../../../test/fakes/committing-peer.ts';
import { honest, type OrdererScript, scriptedOrderer } from '../../../test/fakes/scripted-orderer.ts';
import { genesisOf, organization } from '../../../test/fakes/small-network.ts';
import { freePorts, listenAgain } from '../../../test/free-ports.ts';
import { Scope } from '../../common/scope.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { buildBlock } from '../../orderer/block-builder.ts';
import { common } from '../../protos/messages.ts';

let member: Organization;
let orgs: readonly Organization[];
beforeAll(async () => {
  member = await organization('peer', 'Org1');
  orgs = await Promise.all(['One', 'Two', 'Three'].map((name) => organization('orderer', name)));
});

const delivery = { policy: 'cluster', withheldMs: 30_000 } as const;

/** The block after `previous`, signed by a node of `org`. */
async function blockOf(previous: common.Block, org: Organization): Promise<common.Block> {
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.ENDORSER_TRANSACTION, channelId: 'small' });
  const payload = common.Payload.encode({ header: { channelHeader }, data: randomBytes(100) });
  const envelopes = [common.Envelope.encode({ payload, signature: randomBytes(70) })];
  if (previous.header === undefined) throw new Error('no header');
  const parts = { signer: signerOf(org), form: '2.x', nonce: () => randomBytes(24) } as const;
  return buildBlock({ previous: previous.header, envelopes, lastConfig: 0n }, parts);
}

/** Three nodes of three organisations, and the blocks 0 to 3 that all of them have. */
async function service() {
  const ports = await freePorts(3);
  const orderers = orgs.map((org, at) => [org, [`localhost:${ports[at]}`]] as const);
  const genesis = common.Block.decode(common.Block.encode(genesisOf({ peers: [member], orderers })));
  const chain = [genesis];
  for (const org of orgs) chain.push(await blockOf(chain.at(-1) ?? genesis, org));
  const node = (at: number, script: OrdererScript) => scriptedOrderer(orgs[at] ?? member, ports[at] ?? 0, script);
  return { genesis, chain, node };
}

describe('an ordering service of several nodes', () => {
  it('is gone on with at the next node when one dies, and at the first when it is back', async () => {
    await using scope = new Scope();
    const { genesis, chain, node } = await service();
    const first = await node(0, honest(chain.slice(0, 2)));
    const { lost, committed } = await followChannel(scope, { genesis, member, delivery });
    await committed(1n);
    const second = await node(1, honest(chain.slice(0, 3)));
    await first[Symbol.asyncDispose](); // the third has never been there
    await committed(2n);
    expect(second.asked).toEqual(['blocks from 2']);
    const again = scope.use(await listenAgain(() => node(0, honest(chain))));
    await second[Symbol.asyncDispose]();
    await committed(3n);
    expect(again.asked).toEqual(['blocks from 3']);
    expect(new Set(lost.map(({ code }) => code))).toEqual(new Set(['PEER_UNREACHABLE']));
  });

  it('is left at a node whose blocks nobody of the service signed, or that are of another chain', async () => {
    await using scope = new Scope();
    const { genesis, chain, node } = await service();
    const [, one] = chain;
    if (one === undefined) throw new Error('no block');
    const strange = await blockOf(genesis, await organization('orderer', 'One'));
    const fork = await blockOf(await blockOf(genesis, orgs[1] ?? member), orgs[1] ?? member);
    scope.use(await node(0, honest([genesis, strange])));
    scope.use(await node(1, honest([genesis, one, fork])));
    scope.use(await node(2, honest(chain)));
    const { lost, committed } = await followChannel(scope, { genesis, member, delivery });
    await committed(3n);
    expect(
      lost.map(
        ({ error }) =>
          String(error)
            .replace(/^.*?: /, '')
            .split(':')[0],
      ),
    ).toEqual([
      'signatures do not satisfy /Channel/Orderer/BlockValidation',
      'Header.PreviousHash is different from Hash(block.Header) of the previous block',
    ]);
  });

  it('is left at a node whose blocks have more parts than any has', async () => {
    await using scope = new Scope();
    const { genesis, chain, node } = await service();
    const [, one] = chain;
    if (one === undefined) throw new Error('no block');
    scope.use(await node(0, honest([genesis, { ...one, data: { data: new Array<Uint8Array>(200_001).fill(new Uint8Array()) } }])));
    scope.use(await node(1, honest(chain)));
    const { lost, committed } = await followChannel(scope, { genesis, member, delivery });
    await committed(3n);
    expect(lost.map(({ error }) => error)).toEqual([expect.stringContaining('more than 200000 fields')]);
  });
});
