import type { ChaincodeCall } from '../chaincode/chaincodes.ts';
import { messageOf } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import { refused } from './reply.ts';

/**
 * Refuses a call that another chaincode makes, which Fabric tells by the chaincode that the signed invocation names. The caller
 * gets the refusal as a response and may go on.
 * @param text makes the refusal's text from the name in the invocation
 * @throws {SelvageError} `CHAINCODE_FAILED`
 * @see InvokedChaincodeName in hyperledger/fabric v2.5, protoutil/proputils.go
 */
export function refuseFromChaincode(name: string, { proposal }: ChaincodeCall, text: (invoked: string) => string): void {
  const invoked = invokedChaincode(proposal.signedProposal);
  if (invoked !== name) throw refused(text(invoked));
}

function invokedChaincode({ proposalBytes }: protos.SignedProposal): string {
  const proposal = step('could not unmarshal proposal', () => protos.Proposal.decode(proposalBytes));
  const { input } = step('could not unmarshal chaincode proposal payload', () => protos.ChaincodeProposalPayload.decode(proposal.payload));
  const { chaincodeSpec } = step('could not unmarshal chaincode invocation spec', () => protos.ChaincodeInvocationSpec.decode(input));
  if (chaincodeSpec === undefined) throw unidentified('chaincode spec is nil');
  if (chaincodeSpec.chaincodeId === undefined) throw unidentified('chaincode id is nil');
  return chaincodeSpec.chaincodeId.name;
}

const unidentified = (why: string, cause?: unknown): Error => refused(`Failed to identify the called chaincode: ${why}`, cause);

function step<T>(failure: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw unidentified(`${failure}: ${messageOf(thrown)}`, thrown);
  }
}
