import type { Cancellable } from '../common/cancel.ts';
import type { protos } from '../protos/messages.ts';
import type { ChaincodeCall } from './chaincodes.ts';

/** A chaincode that is part of the peer: a plain function of its call. */
export interface SystemChaincode {
  readonly name: string;
  /** May a client's proposal name it? */
  readonly fromProposal: boolean;
  /** May another chaincode call it on a channel of the legacy lifecycle? On others the chaincode itself refuses, if it does. */
  readonly fromChaincode: boolean;
  /** Failures are responses of status 500, never rejections, except for what the peer itself could not do. */
  invoke(call: ChaincodeCall, options: Cancellable): Promise<protos.Response>;
}
