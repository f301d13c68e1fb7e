import { messageOf, SelvageError } from '../../common/errors.ts';
import { parsePolicyText } from '../../msp/policies/policy-text.ts';
import { policyTextFault } from '../../msp/policies/policy-text-fault.ts';
import { common, type protos } from '../../protos/messages.ts';

/** A policy in words, like `AND('Org1MSP.member','Org2MSP.member')`. @throws {SelvageError} `SETTING_INVALID` with the reason, and Fabric's behind it */
export function policyOf(text: string): common.SignaturePolicyEnvelopeInit {
  try {
    return parsePolicyText(text);
  } catch (cause) {
    const fabric = messageOf(cause).trim();
    const fault = policyTextFault(text);
    throw new SelvageError('SETTING_INVALID', `invalid policy ${text}: ${fault === undefined ? fabric : `${fault} (${fabric})`}`, {
      cause,
      advice: `Write it like OR('Org1MSP.member', 'Org2MSP.peer'); gates are AND, OR and OutOf.`,
    });
  }
}

/** `SignaturePolicyEnvelope` bytes of a policy in words. @throws {SelvageError} `SETTING_INVALID` */
export const policyFlag = (text: string): Uint8Array => common.SignaturePolicyEnvelope.encode(policyOf(text));

/**
 * A policy by its words or by its name in the channel; neither is no policy.
 * @throws {SelvageError} `SETTING_INVALID` for both @see getApplicationPolicy in hyperledger/fabric v2.5, internal/peer/chaincode/common.go
 */
export function applicationPolicyOf(signaturePolicy: string, channelConfigPolicy: string): protos.ApplicationPolicyInit | undefined {
  if (signaturePolicy !== '' && channelConfigPolicy !== '')
    throw new SelvageError('SETTING_INVALID', 'cannot specify both "--signature-policy" and "--channel-config-policy"', {
      advice: 'A policy is given by its words (signaturePolicy) or by its name in the channel (channelConfigPolicy), not by both.',
    });
  if (signaturePolicy !== '') return { signaturePolicy: policyOf(signaturePolicy) };
  return channelConfigPolicy === '' ? undefined : { channelConfigPolicyReference: channelConfigPolicy };
}
