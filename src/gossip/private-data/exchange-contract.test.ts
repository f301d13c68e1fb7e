import { channelOf, peerSigner, peersOf } from '../../../test/fakes/gossip-peers.ts';
import { MemoryNetwork } from '../../../test/fakes/memory-links.ts';
import { silent } from '../../common/log.ts';
import type { LocalSigner } from '../../msp/identities/local-signer.ts';
import type { Member } from '../peers.ts';
import { exchangeContract } from '../private-exchange.contract.ts';
import { pkiIdOf } from '../wire/ids.ts';
import { PeerPrivateExchange } from './peer-private-exchange.ts';

const memberOf = ({ mspId, serialized: identity }: LocalSigner, endpoint: string): Member => ({
  pkiId: pkiIdOf(identity),
  mspId,
  identity,
  endpoint,
  internalEndpoint: undefined,
  alive: { payload: new Uint8Array(0), signature: new Uint8Array(0) },
  self: false,
});

exchangeContract('gossip', async () => {
  const org = await peersOf('Org1', 3);
  const bundle = await channelOf([org]);
  const network = new MemoryNetwork();
  const peer = async (at: number) => {
    const [signer, endpoint] = [peerSigner(org, at), `peer${at}:7051`];
    const links = await network.join({ signer, endpoints: [endpoint] });
    const bundleOf = (channelId: string) => (channelId === 'small' ? bundle : undefined);
    return { exchange: new PeerPrivateExchange({ links, bundleOf, log: silent }), member: memberOf(signer, endpoint) };
  };
  const [one, other] = [await peer(0), await peer(1)];
  return {
    channelId: 'small',
    one,
    other,
    unreachable: memberOf(peerSigner(org, 2), 'peer2:7051'),
    [Symbol.asyncDispose]: async () => {
      for (const { exchange } of [one, other]) exchange[Symbol.dispose]();
    },
  };
});
