import type { Method } from '../comm/method.ts';
import { SelvageError } from '../common/errors.ts';

interface Unserved {
  readonly methods: readonly string[];
  /** What its absence means to who calls it, as the rest of a sentence. */
  readonly instead: string;
}

/** Services of Fabric peers that clients call and that are not here. */
const UNSERVED: Readonly<Record<string, Unserved>> = {
  'discovery.Discovery': {
    methods: ['Discover'],
    instead: 'switch discovery off in the client and name the peers to ask for endorsements',
  },
  'gossip.Gossip': { methods: ['GossipStream', 'Ping'], instead: 'this peer takes its blocks from the ordering service alone' },
  'protos.Snapshot': { methods: ['Generate', 'Cancel', 'QueryPendings'], instead: 'this peer neither makes snapshots nor joins by them' },
  'protos.Admin': {
    methods: ['GetStatus', 'StartServer', 'GetModuleLogLevel', 'SetModuleLogLevel', 'RevertLogLevels', 'GetLogSpec', 'SetLogSpec'],
    instead: 'ask the operations endpoint: /healthz, /logspec, /version',
  },
  'protos.Events': { methods: ['Chat'], instead: 'events come with the blocks of protos.Deliver' },
};

/** Answers what nothing serves yet with a sentence, instead of the library's one. Nothing of the request is read. */
export const unservedServices = (): Method[] =>
  Object.entries(UNSERVED).flatMap(([service, { methods, instead }]) =>
    methods.map((name): Method => {
      const message = `this peer does not serve ${service}: ${instead}`;
      return {
        kind: 'bidi', // whatever the client takes it for: the answer is a status alone
        path: `/${service}/${name}`,
        handle: async () => {
          throw new SelvageError('UNIMPLEMENTED', message);
        },
      };
    }),
  );
