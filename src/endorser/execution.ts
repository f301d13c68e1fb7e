import type { ChaincodeCall, ChaincodeOutcome, ChaincodeRef, Chaincodes } from '../chaincode/chaincodes.ts';
import type { ChaincodeDefinition } from '../chaincode/lifecycle/definitions.ts';
import { kindOfCall } from '../chaincode/lifecycle/initialization.ts';
import { prefixed } from '../chaincode/prefixed.ts';
import type { Cancellable } from '../common/cancel.ts';
import type { TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import type { protos } from '../protos/messages.ts';
import type { UnpackedProposal } from './proposal.ts';

/** From this status on a response is a failure and is not endorsed. */
export const ERROR_THRESHOLD = 400;
/** From this status on the client also gets the payload that would have been endorsed. */
export const ERROR = 500;

/** What every invocation that fails in the peer says first; an Init call says nothing. */
const EXECUTE_FAILED = 'error executing chaincode: ';

/** One chaincode about to run for one proposal. */
export interface Run {
  readonly chaincode: ChaincodeRef;
  readonly proposal: UnpackedProposal;
  /** Decorated, but for Init. */
  readonly input: protos.ChaincodeInputInit;
}

/** Runs chaincode for proposals: the shape of a call and the text of its failures. */
export class Execution {
  readonly #chaincodes: Chaincodes;

  constructor(chaincodes: Chaincodes) {
    this.#chaincodes = chaincodes;
  }

  isSystem(name: string): boolean {
    return this.#chaincodes.isSystem(name);
  }

  /** Waits until the chaincode can be called. Hold no simulation meanwhile: this may build and launch. */
  async makeReady(chaincode: ChaincodeRef, options: Cancellable): Promise<void> {
    await labelled(EXECUTE_FAILED, () => this.#chaincodes.makeReady(chaincode, options));
  }

  /**
   * Whether the call is the initialisation that a definition of the 2.x lifecycle may require.
   * @throws {SelvageError} `SIMULATION_FAILED`, in the words of 2.x: earlier releases have no such definitions
   */
  async kindOf(
    definition: Pick<ChaincodeDefinition, 'name' | 'version' | 'initRequired'>,
    { isInit, simulator }: { readonly isInit: boolean; readonly simulator: TxSimulator },
  ): Promise<ChaincodeCall['kind']> {
    const prefix = `error in simulation: failed to execute transaction ${simulator.txId}: `;
    return labelled(prefix, () => kindOfCall(definition, isInit, simulator));
  }

  async invoke(
    run: Run,
    simulator: TxSimulator | undefined,
    options: Cancellable,
    kind: ChaincodeCall['kind'] = 'transaction',
  ): Promise<ChaincodeOutcome> {
    return labelled(EXECUTE_FAILED, () => this.#chaincodes.execute(callOf(kind, run, simulator), options));
  }

  /** Calls Init of a chaincode that is being deployed, inside the simulation of its deployment. */
  async init(run: Run, simulator: TxSimulator, options: Cancellable): Promise<ChaincodeOutcome> {
    return this.#chaincodes.execute(callOf('init', run, simulator), options);
  }
}

async function labelled<T>(prefix: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw prefixed(prefix, thrown);
  }
}

function callOf(kind: ChaincodeCall['kind'], { chaincode, proposal, input }: Run, simulator: TxSimulator | undefined): ChaincodeCall {
  const { signed: signedProposal, channelId, txId, creator } = proposal;
  return { chaincode, kind, input, proposal: { signedProposal, channelId, txId, creator }, simulator };
}
