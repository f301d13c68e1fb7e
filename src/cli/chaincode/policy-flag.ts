import { messageOf, SelvageError } from '../../common/errors.ts';
import { parsePolicyText } from '../../msp/policies/policy-text.ts';
import { common } from '../../protos/messages.ts';

/** `SignaturePolicyEnvelope` bytes of a policy like `AND('Org1MSP.member','Org2MSP.member')`. @throws {SelvageError} `SETTING_INVALID` */
export function policyFlag(text: string): Uint8Array {
  try {
    return common.SignaturePolicyEnvelope.encode(parsePolicyText(text));
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `invalid policy ${text}: ${messageOf(cause)}`, {
      cause,
      advice: `Write it like OR('Org1MSP.member', 'Org2MSP.peer'); gates are AND, OR and OutOf.`,
    });
  }
}
