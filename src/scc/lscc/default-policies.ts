/** Policies that LSCC writes where nobody gave one. Their bytes must be equal on every endorser. */
import { compareUtf8 } from '../../common/bytes.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { common } from '../../protos/messages.ts';

/** Endorsement policy: one signature by a member of any of the channel's organisations. */
export const anyMember = (bundle: ChannelBundle): Uint8Array => anyOf(bundle, common.MSPRole_MSPRoleType.MEMBER);

/** Instantiation policy: an admin of any of the channel's organisations. */
export const anyAdmin = (bundle: ChannelBundle): Uint8Array => anyOf(bundle, common.MSPRole_MSPRoleType.ADMIN);

/** @see signedByAnyOfGivenRole in hyperledger/fabric v1.1, common/cauthdsl/cauthdsl_builder.go */
function anyOf({ application }: ChannelBundle, role: number): Uint8Array {
  const mspIds = [...new Set(application?.orgs.map(({ mspId }) => mspId))].sort(compareUtf8);
  const identities = mspIds.map((mspIdentifier) => ({
    principalClassification: common.MSPPrincipal_Classification.ROLE,
    principal: common.MSPRole.encode({ role, mspIdentifier }),
  }));
  const rules = mspIds.map((_, index) => ({ signedBy: index }));
  return common.SignaturePolicyEnvelope.encode({ version: 0, rule: { nOutOf: { n: 1, rules } }, identities });
}
