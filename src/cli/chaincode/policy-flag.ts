import { messageOf, SelvageError } from '../../common/errors.ts';
import { parsePolicyText } from '../../msp/policies/policy-text.ts';
import { common } from '../../protos/messages.ts';

/** A policy in words, like `AND('Org1MSP.member','Org2MSP.member')`. @throws {SelvageError} `SETTING_INVALID` */
export function policyOf(text: string): common.SignaturePolicyEnvelopeInit {
  try {
    return parsePolicyText(text);
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `invalid policy ${text}: ${messageOf(cause)}`, {
      cause,
      advice: `Write it like OR('Org1MSP.member', 'Org2MSP.peer'); gates are AND, OR and OutOf.`,
    });
  }
}

/** `SignaturePolicyEnvelope` bytes of a policy in words. @throws {SelvageError} `SETTING_INVALID` */
export const policyFlag = (text: string): Uint8Array => common.SignaturePolicyEnvelope.encode(policyOf(text));
