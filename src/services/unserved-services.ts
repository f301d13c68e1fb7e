import type { Method } from '../comm/method.ts';
import { SelvageError } from '../common/errors.ts';

interface Unserved {
  readonly methods: readonly string[];
  /** What its absence means to who calls it, as the rest of a sentence. */
  readonly instead: string;
}

/** Services of Fabric peers that clients call, and that are not here or are switched off. */
const UNSERVED: Readonly<Record<string, Unserved>> = {
  'discovery.Discovery': {
    methods: ['Discover'],
    instead: 'set peer.discovery.enabled, or switch discovery off in the client and name the peers to ask for endorsements',
  },
  'gateway.Gateway': {
    methods: ['Evaluate', 'Endorse', 'Submit', 'CommitStatus', 'ChaincodeEvents'],
    instead: 'set peer.gateway.enabled, or call the gateway of another peer',
  },
  'protos.Snapshot': { methods: ['Generate', 'Cancel', 'QueryPendings'], instead: 'this peer neither makes snapshots nor joins by them' },
  'protos.Admin': {
    methods: ['GetStatus', 'StartServer', 'GetModuleLogLevel', 'SetModuleLogLevel', 'RevertLogLevels', 'GetLogSpec', 'SetLogSpec'],
    instead: 'ask the operations endpoint: /healthz, /logspec, /version',
  },
  'protos.Events': { methods: ['Chat'], instead: 'events come with the blocks of protos.Deliver' },
};

/**
 * Answers what nothing serves with a sentence, instead of the library's one. Nothing of the request is read.
 * @param served what is answered otherwise
 */
export function unservedServices(served: readonly Method[] = []): Method[] {
  const paths = new Set(served.map(({ path }) => path));
  return Object.entries(UNSERVED)
    .flatMap(([service, { methods, instead }]) => methods.map((name) => unserved(`/${service}/${name}`, service, instead)))
    .filter(({ path }) => !paths.has(path));
}

const unserved = (path: string, service: string, instead: string): Method => ({
  kind: 'bidi', // whatever the client takes it for: the answer is a status alone
  path,
  handle: async () => {
    throw new SelvageError('UNIMPLEMENTED', `this peer does not serve ${service}: ${instead}`);
  },
});
