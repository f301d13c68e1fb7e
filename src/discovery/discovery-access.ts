import type { Channel } from '../channel/channel.ts';
import type { IdentityDeserializer } from '../msp/identity.ts';
import { signedByAnyOf } from '../msp/policies/common-policies.ts';
import type { Policy, SignedData, Verdict } from '../msp/policies/policy.ts';
import { signaturePolicy } from '../msp/policies/signature-policy.ts';
import { common } from '../protos/messages.ts';
import { type VerdictLimits, Verdicts } from './verdicts.ts';

export interface DiscoveryAccessParts {
  /** The MSP of this peer. */
  readonly localMsp: IdentityDeserializer & { readonly mspId: string };
  /** Every member of the organisation may ask for the peers that are known beyond channels, not its administrators alone. */
  readonly orgMembersAllowed: boolean;
  readonly remembered: VerdictLimits;
}

/**
 * Who may ask: of a channel, who satisfies its `Writers`; of the peer itself, administrators of its organisation.
 * @see createDiscoveryService in hyperledger/fabric v2.5, internal/peer/node/start.go
 */
export class DiscoveryAccess {
  readonly #local: Policy;
  readonly #verdicts: Verdicts;

  constructor({ localMsp, orgMembersAllowed, remembered }: DiscoveryAccessParts) {
    const envelope = signedByAnyOf([localMsp.mspId], orgMembersAllowed ? 'MEMBER' : 'ADMIN');
    this.#local = signaturePolicy(common.SignaturePolicyEnvelope.encode(envelope), localMsp);
    this.#verdicts = new Verdicts(remembered);
  }

  /** @param channel undefined for what concerns the peer itself */
  verdict(channel: Channel | undefined, signed: SignedData): Promise<Verdict> {
    if (channel === undefined) return this.#verdicts.of(this, signed, () => this.#local.evaluate([signed]));
    const bundle = channel.bundle();
    return this.#verdicts.of(bundle, signed, () => bundle.policies.get('/Channel/Application/Writers').evaluate([signed]));
  }
}
