/** Private data of a peer that knows of nobody else. */
import { SelvageError } from '../../src/common/errors.ts';
import type { ChannelMember, PeerView } from '../../src/gossip/peers.ts';
import type { PrivateDataExchange } from '../../src/gossip/private-exchange.ts';
import { MemberDistributor } from '../../src/privdata/member-distributor.ts';

export const nobody: Pick<PeerView, 'membersOf'> = { membersOf: (): readonly ChannelMember[] => [] };

const unreachable = async (): Promise<never> => {
  throw new SelvageError('PEER_UNREACHABLE', 'nobody is reached');
};

export const noExchange: PrivateDataExchange = {
  push: unreachable,
  pull: unreachable,
  serve: () => ({ [Symbol.dispose]: () => undefined }),
};

/** Keeps private writes here alone. */
export const keptHere = new MemberDistributor({ peers: nobody, exchange: noExchange, mspId: 'Org1MSP' });
