import type { Channels } from '../channel/channel.ts';
import { hex } from '../common/bytes.ts';
import type { Cancellable } from '../common/cancel.ts';
import type { ChannelMember } from '../gossip/peers.ts';
import { protos } from '../protos/messages.ts';
import { OF_STRANGERS } from '../protos/wire.ts';
import type { Connections } from './connections.ts';
import type { Endorser } from './endorser.ts';

/** What answers proposals in this process. */
export interface LocalEndorser {
  processProposal(signed: protos.SignedProposal, options: Cancellable): Promise<protos.ProposalResponseInit>;
}

export interface EndorsersParts {
  readonly local: LocalEndorser;
  /** MSP id of this peer. */
  readonly mspId: string;
  readonly channels: Pick<Channels, 'get'>;
  readonly connections: Connections;
}

const NO_ROOTS: readonly Uint8Array[] = [];

/** Members of channels as those who can be asked: this peer directly, others over a connection. */
export class Endorsers {
  readonly #parts: EndorsersParts;

  constructor(parts: EndorsersParts) {
    this.#parts = parts;
  }

  /** Undefined for a member that has no address for us. */
  of(member: ChannelMember, channelId: string): Endorser | undefined {
    const { local, mspId, channels, connections } = this.#parts;
    const own = member.mspId === mspId;
    const address = (own ? member.internalEndpoint : undefined) || member.endpoint;
    const told = { id: hex(member.pkiId), mspId: member.mspId, address };
    if (member.self)
      return { ...told, processProposal: ({ signed }, options) => local.processProposal(signed, options), leave: () => undefined };
    if (address === '') return undefined;
    const orgs = channels.get(channelId)?.bundle().application?.orgs;
    const target = { address, tlsRoots: orgs?.find((org) => org.mspId === member.mspId)?.tlsRoots ?? NO_ROOTS };
    return {
      ...told,
      processProposal: async ({ encoded }, options) => {
        using leased = connections.lease(target);
        const answer = await leased.client.unary('/protos.Endorser/ProcessProposal', encoded, options);
        return protos.ProposalResponse.decode(answer, OF_STRANGERS);
      },
      leave: () => connections.leave(target),
    };
  }
}
