import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import type { Invocation } from './invocation.ts';

/** The chaincode that a transaction upgrades through `lscc`; undefined for every other transaction, and where nothing can be read. */
export function upgradedChaincode({ chaincode, transaction }: Invocation): string | undefined {
  if (chaincode !== 'lscc') return undefined;
  try {
    const { input } = protos.ChaincodeProposalPayload.decode(transaction.actionPayload.chaincodeProposalPayload);
    const args = protos.ChaincodeInvocationSpec.decode(input).chaincodeSpec?.input?.args ?? [];
    const [fn, , deployment] = args;
    if (fn === undefined || deployment === undefined || Buffer.from(fn).toString('latin1') !== 'upgrade') return undefined;
    return protos.ChaincodeDeploymentSpec.decode(deployment).chaincodeSpec?.chaincodeId?.name;
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return undefined;
    throw thrown;
  }
}
