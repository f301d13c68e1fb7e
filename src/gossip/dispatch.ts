import { hex } from '../common/bytes.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { MaybePromise } from '../common/maybe.ts';
import { gossip } from '../protos/messages.ts';
import type { Presences } from './channels/presence.ts';
import type { Links, Neighbour } from './links.ts';
import type { IdentityPuller } from './membership/identity-puller.ts';
import type { IdentityServer } from './membership/identity-server.ts';
import type { Membership } from './membership/membership.ts';
import { type ReceivedMessage, readEnvelope } from './wire/envelope.ts';
import { kindOf } from './wire/message-kind.ts';
import { tagProblem } from './wire/tags.ts';

export interface DispatchParts {
  readonly links: Pick<Links, 'close'>;
  readonly membership: Membership;
  readonly server: IdentityServer;
  readonly puller: IdentityPuller;
  readonly presences: Presences;
  readonly log: Logger;
}

/**
 * Gives each message to whom it concerns. Blocks, elections and state transfer are for peers that do such things: they are not answered,
 * which is a legal answer. Private data and acknowledgements have listeners of their own.
 * @see handleMessage in hyperledger/fabric v2.5, gossip/gossip/gossip_impl.go
 */
export class Dispatch {
  readonly #parts: DispatchParts;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /** Resolves when the next message of the same neighbour may come. */
  async take(from: Neighbour, envelope: Uint8Array): Promise<void> {
    const received = this.#read(from, envelope);
    if (received === undefined) return;
    const problem = tagProblem(received.message);
    if (problem === undefined) await this.#give(from, received);
    else this.#parts.log.debug(`Tag of ${kindOf(received.message) ?? 'a message'} isn't legal: ${problem}`, { from: hex(from.pkiId) });
  }

  #read(from: Neighbour, envelope: Uint8Array): ReceivedMessage | undefined {
    try {
      return readEnvelope(envelope);
    } catch (thrown) {
      if (!(thrown instanceof SelvageError)) throw thrown;
      this.#parts.log.debug('Got error, aborting', { from: hex(from.pkiId), error: messageOf(thrown).slice(0, 300) });
      this.#parts.links.close(from.pkiId);
      return undefined;
    }
  }

  #give(from: Neighbour, received: ReceivedMessage): MaybePromise<void> {
    const { membership, presences } = this.#parts;
    const { message } = received;
    if (message.aliveMsg !== undefined) return membership.handleAlive(from, received);
    if (message.memReq !== undefined) return membership.exchange.handleRequest(from, message);
    if (message.memRes !== undefined) return membership.exchange.handleResponse(from, message);
    if (message.stateInfo !== undefined) return presences.handleStateInfo(from, received);
    if (message.stateInfoPullReq !== undefined) return presences.handleRequest(from, message.stateInfoPullReq);
    if (message.stateSnapshot !== undefined) return presences.handleSnapshot(from, message);
    return this.#giveToPull(from, message);
  }

  #giveToPull(from: Neighbour, { hello, dataDig, dataReq, dataUpdate }: gossip.GossipMessage): MaybePromise<void> {
    const { server, puller } = this.#parts;
    if (isOfIdentities(hello)) return server.handleHello(from, hello);
    if (isOfIdentities(dataReq)) return server.handleRequest(from, dataReq);
    if (isOfIdentities(dataDig)) return puller.handleDigest(from, dataDig);
    if (isOfIdentities(dataUpdate)) return puller.handleUpdate(from, dataUpdate);
  }
}

const isOfIdentities = <T extends { readonly msgType: number }>(pull: T | undefined): pull is T =>
  pull?.msgType === gossip.PullMsgType.IDENTITY_MSG;
