import { joinAddress } from '../../common/address.ts';
import type { Logger } from '../../common/log.ts';
import type { OwnChannel } from '../channels/own-channels.ts';
import type { Contact } from './contacts.ts';

export interface NamedContactsParts {
  readonly mspId: string;
  readonly bootstrap: readonly string[];
  /** Peers of any organisation that it is told of beside its channels. */
  readonly also?: readonly Omit<Contact, 'kind'>[] | undefined;
  readonly channels: readonly OwnChannel[];
  readonly log: Logger;
}

/**
 * The endpoints that the configuration of this peer and those of its channels name.
 * @see learnAnchorPeers in hyperledger/fabric v2.5, gossip/gossip/gossip_impl.go
 */
export function namedContacts({ mspId, bootstrap, also = [], channels, log }: NamedContactsParts): readonly Contact[] {
  const named = bootstrap.map((endpoint): Contact => ({ endpoint, mspId, kind: 'bootstrap peer' }));
  const told = also.map((contact): Contact => ({ ...contact, kind: 'anchor peer' }));
  return [...named, ...told, ...channels.flatMap((channel) => anchorsOf(channel, mspId, log))];
}

/** None where the own organisation is not in the channel. */
function anchorsOf(channel: OwnChannel, ownMspId: string, log: Logger): readonly Contact[] {
  const organizations = channel.bundle().application?.orgs ?? [];
  if (!organizations.some(({ mspId }) => mspId === ownMspId)) return [];
  return organizations.flatMap(({ mspId, anchorPeers }) =>
    anchorPeers.flatMap(({ host, port }): Contact[] => {
      if (host !== '' && port !== 0) return [{ endpoint: joinAddress({ host, port }), mspId, kind: 'anchor peer' }];
      log.debug('an anchor peer without host or port is skipped', { channel: channel.id, mspId, host, port });
      return [];
    }),
  );
}
