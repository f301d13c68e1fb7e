import { hex, sha256 } from '../common/bytes.ts';
import type { Neighbour } from '../gossip/links.ts';
import type { ChannelMember } from '../gossip/peers.ts';
import { evaluate, signaturePolicy } from '../lifecycle/endorsement-policy.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import type { protos } from '../protos/messages.ts';
import { memberPolicyOf } from './collection-config.ts';

/** What a member of a channel signed that proves who it is. */
export const proofOf = ({ stateInfo, identity }: ChannelMember): SignedData => ({
  data: stateInfo.payload,
  identity,
  signature: stateInfo.signature,
});

/** What the other end of a stream signed. */
export const handshakeOf = ({ handshake, identity }: Neighbour): SignedData => ({
  data: handshake.payload,
  identity,
  signature: handshake.signature,
});

/** Says who is a member of a collection, under one configuration of the channel. Each is judged once per policy. */
export class MemberJudge {
  readonly #bundle: ChannelBundle;
  readonly #verdicts = new Map<string, Promise<boolean>>();

  constructor(bundle: ChannelBundle) {
    this.#bundle = bundle;
  }

  isMember(collection: protos.StaticCollectionConfigInit, signed: SignedData): Promise<boolean> {
    const policy = memberPolicyOf(collection);
    const id = hex(sha256(policy, sha256(signed.data), sha256(signed.identity), signed.signature));
    const known = this.#verdicts.get(id) ?? this.#judge(policy, signed);
    this.#verdicts.set(id, known);
    return known;
  }

  async #judge(policy: Uint8Array, signed: SignedData): Promise<boolean> {
    return (await evaluate(signaturePolicy(policy), [signed], this.#bundle)).ok;
  }
}
