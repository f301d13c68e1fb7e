import type { Channels } from '../../channel/channel.ts';
import { dialectOfProposal } from '../../channel/dialect.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { rethrown } from '../../common/maybe.ts';
import { prefixed } from '../../common/prefixed.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import type { ChaincodeRef } from '../../lifecycle/chaincode-ref.ts';
import type { ChaincodeDefinition, Definitions } from '../../lifecycle/definitions.ts';
import { kindOfCall } from '../../lifecycle/initialization.ts';
import type { AccessControl } from '../../msp/acl.ts';
import type { protos } from '../../protos/messages.ts';
import type { ChaincodeCall } from '../chaincodes.ts';
import type { SystemChaincode } from '../system.ts';
import type { StreamCall } from './transaction-context.ts';

/** The chaincode to be called, on its channel. */
export interface Callee {
  readonly name: string;
  readonly channelId: string;
  readonly input: protos.ChaincodeInputInit;
}

/** Calls from one chaincode to another. */
export interface ChaincodeCalls {
  isSystem(name: string): boolean;
  /**
   * Runs the callee in the caller's transaction. On another channel it reads that channel's state, and what it reads and
   * writes is thrown away.
   * @returns bytes of the callee's COMPLETED or ERROR message
   * @throws {SelvageError} when it could not be called
   */
  call(caller: StreamCall, callee: Callee, options: Cancellable): Promise<Uint8Array>;
}

/** Runs chaincode up to its answer; what {@link Chaincodes} does before it makes an outcome of it. */
export interface AnswerSource {
  makeReady(chaincode: ChaincodeRef, options: Cancellable): Promise<void>;
  /** @returns bytes of COMPLETED or ERROR */
  answerOf(call: ChaincodeCall, options: Cancellable): Promise<Uint8Array>;
}

export interface LocalChaincodeCallsParts {
  readonly system: ReadonlyMap<string, SystemChaincode>;
  readonly channels: Channels;
  readonly acl: AccessControl;
  readonly definitions: Definitions;
  readonly chaincodes: AnswerSource;
}

/**
 * Calls chaincode that this peer runs.
 * @see HandleInvokeChaincode in hyperledger/fabric v1.4, core/chaincode/handler.go; texts of the execute step as in v2.4
 */
export class LocalChaincodeCalls implements ChaincodeCalls {
  readonly #parts: LocalChaincodeCallsParts;

  constructor(parts: LocalChaincodeCallsParts) {
    this.#parts = parts;
  }

  isSystem(name: string): boolean {
    return this.#parts.system.has(name);
  }

  async call(caller: StreamCall, callee: Callee, options: Cancellable): Promise<Uint8Array> {
    const system = this.#parts.system.get(callee.name);
    if (system === undefined) await this.#authorize(caller, callee);
    else if (!system.fromChaincode && dialectOfProposal(this.#parts.channels, caller.proposal.signedProposal) === '1.1') {
      throw new SelvageError('ACCESS_DENIED', `system chaincode ${callee.name} cannot be invoked with a cc2cc invocation`);
    }
    await using simulation = await this.#simulationFor(caller, callee);
    try {
      return await this.#execute(caller, { ...callee, simulator: simulation.simulator }, options);
    } catch (thrown) {
      throw prefixed('execute failed: ', thrown);
    }
  }

  /** Writers of the channel it is called on, judged for the client that signed the proposal. */
  async #authorize(caller: StreamCall, { channelId }: Callee): Promise<void> {
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined) throw new SelvageError('CHANNEL_NOT_FOUND', `Failed to get policy manager for channel [${channelId}]`);
    await this.#parts.acl.check('peer/ChaincodeToChaincode', channel.bundle(), caller.proposal.signedProposal);
  }

  /** The caller's own simulation, which the caller's caller disposes, or a throw-away one on the other channel. */
  async #simulationFor(caller: StreamCall, { channelId }: Callee): Promise<Simulation> {
    if (channelId === caller.proposal.channelId) return { simulator: caller.simulator, [Symbol.asyncDispose]: async () => undefined };
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined) throw new SelvageError('CHANNEL_NOT_FOUND', `failed to find ledger for channel: ${channelId}`);
    const simulator = await channel.ledger.simulate(caller.proposal.txId);
    return { simulator, [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() };
  }

  async #execute(
    caller: StreamCall,
    callee: Callee & { readonly simulator: TxSimulator | undefined },
    options: Cancellable,
  ): Promise<Uint8Array> {
    const chaincode = await this.#find(callee);
    const { args = [], isInit } = callee.input; // no decorations: those are the peer's to give
    const kind = callee.simulator === undefined ? 'transaction' : await kindOfCall(chaincode, isInit === true, callee.simulator);
    await this.#parts.chaincodes.makeReady(chaincode, options);
    const proposal = { ...caller.proposal, channelId: callee.channelId };
    return this.#parts.chaincodes.answerOf({ chaincode, kind, input: { args, isInit }, proposal, simulator: callee.simulator }, options);
  }

  async #find({ name, channelId, simulator }: Callee & { readonly simulator: TxSimulator | undefined }): Promise<FoundChaincode> {
    const { definitions, system } = this.#parts;
    if (system.has(name)) return { name, version: 'syscc', ccid: `${name}:syscc` };
    const prefix = `invalid invocation: [channel ${channelId}] failed to get chaincode container info for ${name}: `;
    const named = (thrown: unknown) => prefixed(prefix, thrown);
    const definition = simulator && (await rethrown(() => definitions.find(simulator, name, channelId), named));
    if (definition === undefined) throw new SelvageError('CHAINCODE_NOT_FOUND', `${prefix}chaincode ${name} not found`);
    await definitions.checkRunnable(definition);
    return definition;
  }
}

type FoundChaincode = ChaincodeRef & Pick<ChaincodeDefinition, 'initRequired'>;

interface Simulation extends AsyncDisposable {
  readonly simulator: TxSimulator | undefined;
}
