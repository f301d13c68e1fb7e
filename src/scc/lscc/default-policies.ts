/** Policies that LSCC writes where nobody gave one. */
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { type RoleName, signedByAnyOf } from '../../msp/policies/common-policies.ts';
import { common } from '../../protos/messages.ts';

/** Endorsement policy: one signature by a member of any of the channel's organisations. */
export const anyMember = (bundle: ChannelBundle): Uint8Array => anyOf(bundle, 'MEMBER');

/** Instantiation policy: an admin of any of the channel's organisations. */
export const anyAdmin = (bundle: ChannelBundle): Uint8Array => anyOf(bundle, 'ADMIN');

function anyOf({ application }: ChannelBundle, role: RoleName): Uint8Array {
  const mspIds = new Set(application?.orgs.map(({ mspId }) => mspId));
  return common.SignaturePolicyEnvelope.encode(signedByAnyOf([...mspIds], role));
}
