import { type MaybePromise, whenKnown } from '../../common/maybe.ts';
import type { protos } from '../../protos/messages.ts';
import type { UnpackedProposal } from '../proposal.ts';

/** Changes the input on its way to the chaincode; by custom it only adds to `decorations`. */
export interface Decorator {
  decorate(proposal: protos.Proposal, input: protos.ChaincodeInputInit): MaybePromise<protos.ChaincodeInputInit>;
}

/** Changes nothing: `DefaultDecorator`. */
export const defaultDecorator: Decorator = { decorate: (_proposal, input) => input };

/**
 * The input as all decorators leave it, one after the other. Decorations start empty, whatever the client sent.
 * @see core/handlers/decoration in hyperledger/fabric v1.1
 */
export function decorated(decorators: readonly Decorator[], proposal: UnpackedProposal): MaybePromise<protos.ChaincodeInputInit> {
  let input: MaybePromise<protos.ChaincodeInputInit> = { ...proposal.input, decorations: new Map() };
  for (const decorator of decorators) input = whenKnown(input, (before) => decorator.decorate(proposal.proposal, before));
  return input;
}
