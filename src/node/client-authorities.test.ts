import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MemoryLedger } from '../../test/fakes/memory-ledger.ts';
import { bundleOf, genesisOf, organization } from '../../test/fakes/small-network.ts';
import type { ChannelRegistry } from '../channel/channel-registry.ts';
import { JoinedChannel } from '../channel/joined-channel.ts';
import { GrpcClient } from '../comm/client.ts';
import { listen } from '../comm/server.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import type { Organization } from '../msp/material/organization.ts';
import { trustMembers } from './client-authorities.ts';

const never = new AbortController().signal;
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

let orgs: readonly [own: Organization, member: Organization, later: Organization, orderer: Organization];
beforeAll(async () => {
  orgs = await Promise.all([
    organization('peer', 'Own'),
    organization('peer', 'Member'),
    organization('peer', 'Later'),
    organization('orderer', 'Orderer'),
  ]);
});

const channelOf = (members: readonly Organization[]): JoinedChannel =>
  new JoinedChannel({ ledger: new MemoryLedger('small'), bundle: bundle(members) });
const bundle = (peers: readonly Organization[]) => bundleOf(genesisOf({ peers, orderers: [[orgs[3], ['localhost:1']]] }));

/** A server of the first organisation that asks for certificates, beside the channels it is in. */
async function server(channels: JoinedChannel[]) {
  const [own] = orgs;
  const node = own.nodes[0]?.tls;
  const clientRoots = [own.tlsCa.certificate.trimEnd()];
  const tls = { key: node?.privateKey ?? '', cert: node?.certificate ?? '', clientRoots };
  const handle = async (request: Uint8Array): Promise<Uint8Array> => request;
  const running = scope.use(
    await listen({ address: '127.0.0.1:0', tls, methods: [{ kind: 'unary', path: '/t/Echo', handle }], log: silent }),
  );
  const joins = new Set<(channel: JoinedChannel) => void>();
  const registry: Pick<ChannelRegistry, 'list' | 'onJoined'> = {
    list: () => channels,
    onJoined: (listener) => {
      joins.add(listener);
      return { [Symbol.dispose]: () => void joins.delete(listener) };
    },
  };
  scope.use(trustMembers(running, registry, clientRoots));
  return {
    join: (channel: JoinedChannel) => {
      channels.push(channel);
      for (const listener of joins) listener(channel);
    },
    /** Whether somebody with a certificate of the organisation is let in. */
    letsIn: async ({ nodes }: Organization): Promise<boolean> => {
      const { privateKey: key, certificate: cert } = nodes[0]?.tls ?? { privateKey: '', certificate: '' };
      using client = new GrpcClient({ address: `localhost:${running.port}`, tls: { roots: own.tlsCa.certificate, key, cert } });
      const answer = client.unary('/t/Echo', new Uint8Array(), { signal: never });
      return await answer.then(
        () => true,
        () => false,
      );
    },
  };
}

describe('clients that show a certificate', () => {
  it('are let in when an organisation of a channel issued it, from the moment it is a member', async () => {
    const [own, member, later, orderer] = orgs;
    const first = channelOf([own, member]);
    const { letsIn, join } = await server([first]);
    const all = () => Promise.all([own, member, later, orderer].map(letsIn));
    expect(await all()).toEqual([true, true, false, false]);
    const second = channelOf([own, later]);
    join(second);
    expect(await all()).toEqual([true, true, true, false]);
    second.replaceBundle(bundle([own]));
    first.replaceBundle(bundle([later]));
    expect(await all()).toEqual([true, false, true, false]);
  });
});
