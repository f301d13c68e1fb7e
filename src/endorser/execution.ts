import type { ChaincodeCall, ChaincodeOutcome, Chaincodes } from '../chaincode/chaincodes.ts';
import type { Channels } from '../channel/channel.ts';
import { dialectOn } from '../channel/dialect.ts';
import type { Cancellable } from '../common/cancel.ts';
import { type MaybePromise, rethrown } from '../common/maybe.ts';
import { prefixed } from '../common/prefixed.ts';
import type { TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import type { ChaincodeDefinition } from '../lifecycle/definitions.ts';
import { kindOfCall } from '../lifecycle/initialization.ts';
import type { protos } from '../protos/messages.ts';
import type { UnpackedProposal } from './proposal.ts';

/** From this status on a response is a failure and is not endorsed. */
export const ERROR_THRESHOLD = 400;
/** From this status on the client also gets the payload that would have been endorsed. */
export const ERROR = 500;

/** One chaincode about to run for one proposal. */
export interface Run {
  readonly chaincode: ChaincodeRef;
  readonly proposal: UnpackedProposal;
  /** Decorated, but for Init. */
  readonly input: protos.ChaincodeInputInit;
}

/** What an invocation that fails in the peer says first, before and after the chaincode is reached; an Init call says nothing. */
interface FailureWords {
  readonly unreached: string;
  readonly failed: string;
}

/** Runs chaincode for proposals: the shape of a call and the text of its failures. */
export class Execution {
  readonly #chaincodes: Chaincodes;
  readonly #channels: Channels;

  constructor({ chaincodes, channels }: { readonly chaincodes: Chaincodes; readonly channels: Channels }) {
    this.#chaincodes = chaincodes;
    this.#channels = channels;
  }

  isSystem(name: string): boolean {
    return this.#chaincodes.isSystem(name);
  }

  /** Whether the chaincode can be called now, without any wait. */
  isReady(chaincode: ChaincodeRef): boolean {
    return this.#chaincodes.isReady(chaincode);
  }

  /** Waits until the chaincode can be called. Hold no simulation meanwhile: this may build and launch. */
  async makeReady({ chaincode, proposal }: Omit<Run, 'input'>, options: Cancellable): Promise<void> {
    try {
      await this.#chaincodes.makeReady(chaincode, options);
    } catch (thrown) {
      throw prefixed(this.#words(proposal).unreached, thrown);
    }
  }

  /**
   * Whether the call is the initialisation that a definition of the 2.x lifecycle may require.
   * @throws {SelvageError} `SIMULATION_FAILED`
   */
  kindOf(
    definition: Pick<ChaincodeDefinition, 'name' | 'version' | 'initRequired'>,
    { proposal, input: { isInit = false } }: Omit<Run, 'chaincode'>,
    simulator: TxSimulator,
  ): MaybePromise<ChaincodeCall['kind']> {
    return rethrown(
      () => kindOfCall(definition, isInit, simulator),
      (thrown) => prefixed(this.#words(proposal).unreached, thrown),
    );
  }

  async invoke(
    run: Run,
    simulator: TxSimulator | undefined,
    options: Cancellable,
    kind: ChaincodeCall['kind'] = 'transaction',
  ): Promise<ChaincodeOutcome> {
    try {
      return await this.#chaincodes.execute(callOf(kind, run, simulator), options);
    } catch (thrown) {
      throw prefixed(this.#words(run.proposal).failed, thrown);
    }
  }

  /** Calls Init of a chaincode that is being deployed, inside the simulation of its deployment. */
  async init(run: Run, simulator: TxSimulator, options: Cancellable): Promise<ChaincodeOutcome> {
    return this.#chaincodes.execute(callOf('init', run, simulator), options);
  }

  /** As the channel's peers say it. */
  #words({ channelId, txId }: UnpackedProposal): FailureWords {
    if (dialectOn(this.#channels, channelId) === '1.1') return WORDS_OF_1;
    return { unreached: `error in simulation: failed to execute transaction ${txId}: `, failed: 'error in simulation: ' };
  }
}

const WORDS_OF_1: FailureWords = { unreached: 'error executing chaincode: ', failed: 'error executing chaincode: ' };

function callOf(kind: ChaincodeCall['kind'], { chaincode, proposal, input }: Run, simulator: TxSimulator | undefined): ChaincodeCall {
  const { signed: signedProposal, channelId, txId, creator } = proposal;
  return { chaincode, kind, input, proposal: { signedProposal, channelId, txId, creator }, simulator };
}
