import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import { refused } from '../reply.ts';

/** @throws {SelvageError} `CHAINCODE_FAILED` for a call without channel, which has no state */
export function simulatorOf({ simulator, proposal }: ChaincodeCall): TxSimulator {
  if (simulator === undefined) throw refused(`invalid chain name ${proposal.channelId}`);
  return simulator;
}

/** `ChaincodeData` bytes of an instantiated chaincode. The read is recorded. */
export async function entryOf(call: ChaincodeCall, name: string): Promise<Uint8Array> {
  const entry = await simulatorOf(call).getState('lscc', name);
  if (entry === undefined) throw refused(`could not find chaincode with name '${name}'`);
  return entry;
}
