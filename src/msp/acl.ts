import type { protos } from '../protos/messages.ts';
import type { ChannelBundle } from './channelconfig/channel-bundle.ts';
import type { Identity } from './identity.ts';
import type { SignedData } from './policies/policy.ts';

/** Judges who may use which resource; resources have their names of Fabric 1.2 and later, like `peer/Propose`. */
export interface AccessControl {
  /**
   * @param subject the signed proposal, or the signatures of an envelope (deliver)
   * @throws {SelvageError} `ACCESS_DENIED`, with Fabric's text
   */
  check(resource: string, channel: ChannelBundle, subject: protos.SignedProposal | readonly SignedData[]): Promise<void>;
  /** For resources of the peer itself (install, join, …): Admins or Members of the local MSP. @throws {SelvageError} `ACCESS_DENIED` */
  checkLocal(resource: string, subject: protos.SignedProposal): Promise<void>;
}

/** Also judges those of whom it is known already that they signed. */
export interface ProposalAccess extends AccessControl {
  /**
   * As `check`, for a resource of the channel and somebody whose signature was judged already.
   * @param creator as the MSPs of this bundle know it
   * @throws {SelvageError} `ACCESS_DENIED`, with the same texts
   */
  checkCreator(resource: string, channel: ChannelBundle, creator: Identity): void;
}
