import type { Channel, Channels } from '../channel/channel.ts';
import type { AccessControl } from '../msp/acl.ts';
import type { protos } from '../protos/messages.ts';
import { refused, retold } from './reply.ts';

export interface ChannelAccessParts {
  readonly channels: Channels;
  readonly access: AccessControl;
}

/** Who may use a function of a system chaincode. Each function tells a refusal in its own words. */
export class ChannelAccess {
  readonly #parts: ChannelAccessParts;

  constructor(parts: ChannelAccessParts) {
    this.#parts = parts;
  }

  /**
   * The channel, if the signed proposal may use `resource` on it. An unknown channel is refused in the same words, and
   * no channel in those of a peer that looks for such a policy in its own organisation.
   * @param text makes the refusal's text from its cause
   */
  async channel(resource: string, channelId: string, signed: protos.SignedProposal, text: (cause: string) => string): Promise<Channel> {
    if (channelId === '') await this.local(resource, signed, text);
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined) throw refused(text(`Failed to get policy manager for channel [${channelId}]`));
    await retold(text, () => this.#parts.access.check(resource, channel.bundle(), signed));
    return channel;
  }

  /** For functions of the peer itself. */
  async local(resource: string, signed: protos.SignedProposal, text: (cause: string) => string): Promise<void> {
    await retold(text, () => this.#parts.access.checkLocal(resource, signed));
  }
}
