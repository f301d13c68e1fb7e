/** Runs a proposal's chaincode against a snapshot of committed state and collects what it read and wrote. */

import type { ChaincodeOutcome } from '../chaincode/chaincodes.ts';
import type { Channel, Channels } from '../channel/channel.ts';
import { dialectOn } from '../channel/dialect.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { prefixed } from '../common/prefixed.ts';
import type { SimulationResult, TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import type { ChaincodeDefinition, Definitions, StateReads } from '../lifecycle/definitions.ts';
import type { FabricDialect } from '../msp/policies/dialect.ts';
import type { PrivateDataDistributor, PrivateWrites } from '../privdata/ports/private-writes.ts';
import { protos } from '../protos/messages.ts';
import { isDeployment, readDeployment } from './deployment.ts';
import { ERROR_THRESHOLD, type Execution, type Run } from './execution.ts';
import { type Decorator, decorated } from './handlers/decorators.ts';
import { chaincodeInterest } from './interest.ts';
import type { UnpackedProposal } from './proposal.ts';

/** What came out of running a proposal. */
export interface Simulated {
  readonly chaincode: ChaincodeRef;
  /** Name of the endorsement plugin to sign with. */
  readonly endorsementPlugin: string;
  readonly response: protos.Response;
  /** `ChaincodeEvent` bytes, empty for none. */
  readonly event: Uint8Array;
  /** `TxReadWriteSet` bytes, empty where nothing was simulated. */
  readonly results: Uint8Array;
  /** Which policies that concerns; undefined where nothing was simulated. */
  readonly interest: protos.ChaincodeInterestInit | undefined;
}

export interface SimulationParts {
  readonly channels: Channels;
  readonly definitions: Definitions;
  readonly execution: Execution;
  readonly decorators: readonly Decorator[];
  readonly privateData: PrivateDataDistributor;
  /** What goes into endorsements as the version of a system chaincode. */
  readonly systemVersion: string;
  /** As Fabric: an Init that answers an error status deploys the chaincode all the same. */
  readonly ignoreInitStatus: boolean;
  /** Hears of each Init of an instantiation or upgrade that failed. */
  readonly initFailed: (channelId: string, chaincode: string) => void;
}

/** They read the ledger for themselves and simulate nothing (FAB-10540). */
const WITHOUT_SIMULATOR: ReadonlySet<string> = new Set(['qscc', 'cscc']);

/** How often the chaincode may be upgraded meanwhile, of which each time the proposal begins anew. */
const MOST_CHANGES = 5;

const NOTHING = new Uint8Array(0);

export class Simulation {
  readonly #parts: SimulationParts;

  constructor(parts: SimulationParts) {
    this.#parts = parts;
  }

  /** @throws {SelvageError} of any code when the run itself failed; the client gets its message with status 500 */
  async run(proposal: UnpackedProposal, options: Cancellable): Promise<Simulated> {
    const input = await decorated(this.#parts.decorators, proposal);
    if (!this.#parts.execution.isSystem(proposal.chaincodeId.name)) return this.#runUser(proposal, input, options);
    const run = { proposal, input, chaincode: this.#system(proposal.chaincodeId.name) };
    if (proposal.channelId === '' || WITHOUT_SIMULATOR.has(run.chaincode.name)) return this.#runPlain(run, options);
    return isDeployment(proposal) ? this.#runDeployment(run, options) : this.#runSystem(run, options);
  }

  #system(name: string): ChaincodeRef {
    const version = this.#parts.systemVersion;
    return { name, version, ccid: `${name}:${version}` };
  }

  /** No simulation: nothing read, nothing written. */
  async #runPlain(run: Run, options: Cancellable): Promise<Simulated> {
    return simulated(run.chaincode, { outcome: await this.#parts.execution.invoke(run, undefined, options) });
  }

  async #runSystem(run: Run, options: Cancellable): Promise<Simulated> {
    const channel = this.#channel(run.proposal);
    await using simulator = await channel.ledger.simulate(run.proposal.txId);
    const outcome = await this.#parts.execution.invoke(run, simulator, options);
    return simulated(run.chaincode, { outcome, ...(await this.#close(channel, simulator, outcome)) });
  }

  /**
   * LSCC is asked twice: first to learn whether it would accept, so that the chaincode is launched only then and while no
   * simulation is open; then in the simulation that counts, followed by Init.
   */
  async #runDeployment(run: Run, options: Cancellable): Promise<Simulated> {
    const { execution } = this.#parts;
    const rehearsal = await this.#rehearse(run, options);
    if (rehearsal.response.status >= ERROR_THRESHOLD) return rehearsal;
    const deployment = readDeployment(
      run.proposal,
      (name) => execution.isSystem(name),
      dialectOn(this.#parts.channels, run.proposal.channelId),
    );
    await execution.makeReady({ ...deployment, proposal: run.proposal }, options);

    await using simulator = await this.#channel(run.proposal).ledger.simulate(run.proposal.txId);
    const outcome = await execution.invoke(run, simulator, options);
    if (outcome.response.status < ERROR_THRESHOLD) {
      try {
        this.#checkInit((await execution.init({ ...deployment, proposal: run.proposal }, simulator, options)).response);
      } catch (thrown) {
        this.#parts.initFailed(run.proposal.channelId, deployment.chaincode.name);
        throw thrown;
      }
    }
    const result = await simulator.result();
    if (result.privateRwset !== undefined)
      throw new SelvageError('SIMULATION_FAILED', 'Private data is forbidden to be used in instantiate');
    return simulated(run.chaincode, { outcome, ...this.#recorded(result) });
  }

  async #rehearse(run: Run, options: Cancellable): Promise<Simulated> {
    await using simulator = await this.#channel(run.proposal).ledger.simulate(run.proposal.txId);
    const outcome = await this.#parts.execution.invoke(run, simulator, options);
    return simulated(run.chaincode, { outcome, ...this.#recorded(await simulator.result()) });
  }

  #checkInit({ status, message }: protos.Response): void {
    if (status < ERROR_THRESHOLD || this.#parts.ignoreInitStatus) return;
    throw new SelvageError('CHAINCODE_FAILED', `chaincode error (status: ${status}, message: ${message})`);
  }

  /**
   * Runs what is ready on a snapshot of now. What is not is made ready while no snapshot is held, and then looked at again: its definition
   * is read once to learn what to launch and again so that it is recorded.
   */
  async #runUser(proposal: UnpackedProposal, input: protos.ChaincodeInputInit, options: Cancellable): Promise<Simulated> {
    if (proposal.channelId === '') throw chainless(proposal, this.#parts.channels);
    const channel = this.#channel(proposal);
    let readied: ChaincodeDefinition | undefined;
    let changes = 0;
    for (;;) {
      const { simulated, unready } = await this.#tryUser(channel, { proposal, input, readied }, options);
      if (simulated !== undefined) return simulated;
      if (unready === undefined || readied !== undefined) changes += 1;
      if (changes === MOST_CHANGES) break;
      readied = unready && (await this.#madeReady(unready, proposal, options));
      options.signal.throwIfAborted(); // upgraded between the two reads: ready that one, on a newer snapshot
    }
    const { name } = proposal.chaincodeId;
    const { prefix } = wordsFor(dialectOn(this.#parts.channels, channel.id), name, channel.id);
    throw new SelvageError('DEFINITION_CHANGED', `${prefix}chaincode definition for '${name}' changed during invoke`, {
      details: { channel: channel.id, chaincode: name },
    });
  }

  /** Runs the definition in force if it is ready, or was made so before. */
  async #tryUser(
    channel: Channel,
    { proposal, input, readied }: Omit<Run, 'chaincode'> & { readonly readied: ChaincodeDefinition | undefined },
    options: Cancellable,
  ): Promise<Tried> {
    const { execution } = this.#parts;
    const simulator = await channel.ledger.simulate(proposal.txId);
    try {
      const definition = await this.#definition(channel, simulator, proposal);
      if (definition === undefined) return {};
      const run = { chaincode: definition, proposal, input };
      const ready = readied === undefined ? this.#isReady(definition) : sameCode(readied, definition);
      if (!ready) return { unready: definition };
      const kind = await execution.kindOf(definition, run, simulator);
      const outcome = await execution.invoke(run, simulator, options, kind);
      const recorded = await this.#close(channel, simulator, outcome);
      return { simulated: simulated(definition, { outcome, ...recorded, endorsementPlugin: definition.endorsementPlugin }) };
    } finally {
      await simulator[Symbol.asyncDispose]();
    }
  }

  /** Packages of the legacy lifecycle are looked at before every call. */
  #isReady(chaincode: ChaincodeDefinition): boolean {
    return chaincode.legacy === undefined && this.#parts.execution.isReady(chaincode);
  }

  async #madeReady(chaincode: ChaincodeDefinition, proposal: UnpackedProposal, options: Cancellable): Promise<ChaincodeDefinition> {
    await this.#parts.definitions.checkRunnable(chaincode);
    await this.#parts.execution.makeReady({ chaincode, proposal }, options);
    return chaincode;
  }

  /** Undefined when it was replaced while it was looked up. */
  async #definition(channel: Channel, state: StateReads, proposal: UnpackedProposal): Promise<ChaincodeDefinition | undefined> {
    const { name } = proposal.chaincodeId;
    const words = (): MissingWords => wordsFor(dialectOn(this.#parts.channels, channel.id), name, channel.id);
    try {
      const definition = await this.#parts.definitions.find(state, name, channel.id);
      if (definition !== undefined) return definition;
    } catch (thrown) {
      if (thrown instanceof SelvageError && thrown.code === 'DEFINITION_CHANGED') return undefined;
      throw prefixed(words().prefix, thrown);
    }
    const { prefix, notFound } = words();
    throw new SelvageError('CHAINCODE_NOT_FOUND', `${prefix}${notFound}`);
  }

  /** Ends the simulation. Private writes of a success are handed on before anybody can learn that the transaction exists. */
  async #close(channel: Channel, simulator: TxSimulator, { response }: ChaincodeOutcome): Promise<Recorded> {
    const result: SimulationResult = await simulator.result();
    if (result.privateRwset !== undefined && response.status < ERROR_THRESHOLD) {
      const { privateRwset: rwset, privateCollections: collections } = result;
      await this.#distribute({ channel, txId: simulator.txId, rwset, collections });
    }
    return this.#recorded(result);
  }

  #recorded({ publicRwset: results, touched }: SimulationResult): Recorded {
    return { results, interest: chaincodeInterest(touched, (name) => this.#parts.execution.isSystem(name)) };
  }

  async #distribute(writes: PrivateWrites): Promise<void> {
    try {
      await this.#parts.privateData.distribute(writes);
    } catch (thrown) {
      throw prefixed(dialectOn(this.#parts.channels, writes.channel.id) === '2.x' ? 'error in simulation: ' : '', thrown);
    }
  }

  #channel({ channelId }: UnpackedProposal): Channel {
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined) throw new SelvageError('CHANNEL_NOT_FOUND', `channel does not exist: ${channelId}`);
    const halted = channel.halted(); // its state gets older and older, and nobody could tell from an endorsement
    if (halted !== undefined) throw halted;
    return channel;
  }
}

/** What came out; or the definition that is not ready, if it was not replaced while it was looked up. */
interface Tried {
  readonly simulated?: Simulated;
  readonly unready?: ChaincodeDefinition;
}

type Recorded = Pick<Simulated, 'results' | 'interest'>;

interface Ran extends Partial<Recorded> {
  readonly outcome: ChaincodeOutcome;
  readonly endorsementPlugin?: string;
}

/** The event of a failure is dropped. */
function simulated(
  { name, version, ccid }: ChaincodeRef,
  { outcome, results = NOTHING, interest, endorsementPlugin = 'escc' }: Ran,
): Simulated {
  const { response, event } = outcome;
  const dropped = event === undefined || response.status >= ERROR_THRESHOLD;
  return {
    chaincode: { name, version, ccid },
    endorsementPlugin,
    response,
    results,
    interest,
    event: dropped ? NOTHING : protos.ChaincodeEvent.encode(event),
  };
}

const sameCode = (a: ChaincodeDefinition, b: ChaincodeDefinition): boolean => a.ccid === b.ccid && a.version === b.version;

const notDefined = (name: string, channelId: string): string =>
  `make sure the chaincode ${name} has been successfully defined on channel ${channelId} and try again: `;

const notInstantiated = (name: string): string => `make sure the chaincode ${name} has been successfully instantiated and try again: `;

/** What a missing definition is told with. */
interface MissingWords {
  readonly prefix: string;
  readonly notFound: string;
}

function wordsFor(dialect: FabricDialect, name: string, channelId: string): MissingWords {
  if (dialect === '1.1') return { prefix: notInstantiated(name), notFound: `could not find chaincode with name '${name}'` };
  return { prefix: notDefined(name, channelId), notFound: `chaincode ${name} not found` };
}

/** Without a channel there are no definitions. 1.1 says so in a roundabout way: its look-up checked Readers of a channel ''. */
function chainless({ chaincodeId: { name } }: UnpackedProposal, channels: Channels): SelvageError {
  if (dialectOn(channels, '') === '2.x') {
    const why = "could not get channel config for channel ''";
    return new SelvageError(
      'CHAINCODE_NOT_FOUND',
      `make sure the chaincode ${name} has been successfully defined on channel  and try again: ${why}`,
    );
  }
  const readers = '/Channel/Application/Readers';
  const cause =
    'Authorization request failed : Failed getting local MSP principal during channelless check policy with policy ' +
    `[${readers}]: [MSP Principal role [${readers}] not recognized]`;
  return new SelvageError('CHAINCODE_NOT_FOUND', `${notInstantiated(name)}${cause}`);
}
