import type { Method } from '../comm/method.ts';
import { STRANGER_BYTES } from '../gossip/links/limits.ts';
import type { PeerLinks } from '../gossip/links/peer-links.ts';

const EMPTY = new Uint8Array(0);

/**
 * `gossip.Gossip`: the streams of other peers, and a ping that anybody gets answered. What a stream may hold before its other end has
 * proven who it is is little; afterwards it is as much as a peer's largest message.
 */
export const gossipService = (links: Pick<PeerLinks, 'accept'>): Method[] => [
  { kind: 'unary', path: '/gossip.Gossip/Ping', mostHeld: 1024, handle: async () => EMPTY },
  {
    kind: 'bidi',
    path: '/gossip.Gossip/GossipStream',
    mostHeld: STRANGER_BYTES,
    handle: (stream, context) => links.accept(stream, context),
  },
];
