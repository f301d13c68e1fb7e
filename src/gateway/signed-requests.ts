import type { Channel, Channels } from '../channel/channel.ts';
import { SelvageError } from '../common/errors.ts';
import type { AccessControl } from '../msp/acl.ts';

export interface SignedRequestsParts {
  readonly channels: Pick<Channels, 'get'>;
  readonly access: AccessControl;
}

/** Who asks, and what about. */
export interface Asking {
  readonly channelId: string;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
}

/** Bytes as somebody signed them. */
export interface Signed {
  readonly request: Uint8Array;
  readonly signature: Uint8Array;
}

/** Requests that carry an identity and its signature over them. */
export class SignedRequests {
  readonly #parts: SignedRequestsParts;

  constructor(parts: SignedRequestsParts) {
    this.#parts = parts;
  }

  /**
   * The channel, for who may use `resource` of it. Whoever may not learns nothing of which channels there are.
   * @throws {SelvageError} `ACCESS_DENIED` with Fabric's text
   */
  async channelFor(resource: string, { channelId, identity }: Asking, { request, signature }: Signed): Promise<Channel> {
    const { channels, access } = this.#parts;
    const channel = channels.get(channelId);
    if (channel === undefined) throw new SelvageError('ACCESS_DENIED', unknown(channelId));
    await access.check(resource, channel.bundle(), [{ data: request, identity, signature }]);
    return channel;
  }
}

/** @see CheckPolicyBySignedData in hyperledger/fabric v2.5, core/policy/policy.go */
const unknown = (channelId: string): string =>
  channelId === ''
    ? 'Invalid channel ID name on check policy on signed data. Name must be different from nil.'
    : `Failed to get policy manager for channel [${channelId}]`;
