import type { Chaincodes } from '../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../chaincode/system.ts';
import type { Channels } from '../channel/channel.ts';
import { dialectOn } from '../channel/dialect.ts';
import { type Cancellable, throwIfAborted } from '../common/cancel.ts';
import { type FailureCode, SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { type Metrics, unmeasured } from '../common/metrics.ts';
import type { Definitions } from '../lifecycle/definitions.ts';
import type { ProposalAccess } from '../msp/acl.ts';
import type { IdentityDeserializer, Signer } from '../msp/identity.ts';
import type { FabricDialect } from '../msp/policies/dialect.ts';
import type { PrivateDataDistributor } from '../privdata/ports/private-writes.ts';
import type { protos } from '../protos/messages.ts';
import { type AnswerStyle, answersOf11, isFailure, modernAnswers, responsePayload, type Unendorsed } from './answer.ts';
import { EndorserMetrics } from './endorser-metrics.ts';
import { ERROR, Execution } from './execution.ts';
import { Gate } from './gate.ts';
import { EndorsementPlugins } from './handlers/endorsement.ts';
import { chainFilters, type ProposalProcessor } from './handlers/filters.ts';
import type { Handlers } from './handlers/library.ts';
import { ConcurrencyLimit } from './limit.ts';
import type { UnpackedProposal } from './proposal.ts';
import { type Simulated, Simulation } from './simulation.ts';

export interface EndorserParts {
  readonly channels: Channels;
  readonly localMsp: IdentityDeserializer;
  readonly access: ProposalAccess;
  /** The peer's own identity: it signs endorsements. */
  readonly signer: Signer;
  readonly chaincodes: Chaincodes;
  readonly definitions: Definitions;
  /** To know which ones proposals may name. */
  readonly systemChaincodes: readonly Pick<SystemChaincode, 'name' | 'fromProposal'>[];
  /** From `loadHandlers`. */
  readonly handlers: Handlers;
  readonly options?: EndorserOptions;
  readonly privateData: PrivateDataDistributor;
  readonly metrics?: Metrics;
  readonly log?: Logger;
}

export interface EndorserOptions {
  /** `peer.limits.concurrency.endorserService`; 0 is no limit. */
  readonly concurrency?: number;
  /** Version of system chaincodes in endorsements: `syscc` as in 2.x; a 1.1 peer has its own version there. */
  readonly systemVersion?: string;
  /** As every Fabric does in the legacy lifecycle: an Init that answers an error status still deploys. */
  readonly ignoreInitStatus?: boolean;
  /** `selvage.endorsement.answers`; as in 1.1, failures are gRPC errors and successes always `200 OK`. 2.x by default. */
  readonly answers?: FabricDialect | undefined;
}

/** Plugins of every Fabric before 1.2 were chaincodes of these names; proposals could never call them. */
const NEVER_FROM_PROPOSAL = ['escc', 'vscc'] as const;

/** What the gate throws of a proposal that is not wrong in itself. */
const OUT_OF_PLACE: ReadonlySet<FailureCode> = new Set(['CHANNEL_NOT_FOUND', 'SIMULATION_FAILED']);

/** Answers a proposal: check it, run its chaincode against a snapshot, sign what the run read and wrote. */
export class Endorser implements ProposalProcessor {
  readonly #gate: Gate;
  readonly #simulation: Simulation;
  readonly #plugins: EndorsementPlugins;
  readonly #answers: AnswerStyle;
  readonly #channels: Channels;
  readonly #metrics: EndorserMetrics;
  readonly #log: Logger;
  readonly #entry: ProposalProcessor;

  constructor(parts: EndorserParts) {
    const { channels, localMsp, access, signer, chaincodes, definitions, handlers, options = {}, log = silent } = parts;
    const closed = parts.systemChaincodes.filter(({ fromProposal }) => !fromProposal).map(({ name }) => name);
    const execution = new Execution({ chaincodes, channels });
    const metrics = new EndorserMetrics(parts.metrics ?? unmeasured);
    this.#metrics = metrics;
    this.#gate = new Gate({
      channels,
      localMsp,
      access,
      isSystem: (name) => execution.isSystem(name),
      closed: new Set([...NEVER_FROM_PROPOSAL, ...closed]),
      log,
    });
    this.#simulation = new Simulation({
      channels,
      definitions,
      execution,
      decorators: handlers.decorators,
      privateData: parts.privateData,
      systemVersion: options.systemVersion ?? 'syscc',
      ignoreInitStatus: options.ignoreInitStatus ?? false,
      initFailed: (channelId, chaincode) => metrics.initFailed(channelId, chaincode),
    });
    this.#plugins = new EndorsementPlugins({ factories: handlers.endorsements, signer, channels });
    this.#answers = options.answers === '1.1' ? answersOf11 : modernAnswers;
    this.#channels = channels;
    this.#log = log;
    const filtered = chainFilters(handlers.filters, { processProposal: (signed, cancellable) => this.#process(signed, cancellable) });
    const onChange = (count: number) => this.#metrics.inFlight(count);
    this.#entry = new ConcurrencyLimit({ limit: options.concurrency ?? 2_500, next: filtered, onChange });
  }

  /**
   * @param signed as decoded from the request; its bytes are kept as received
   * @throws {SelvageError} `PROPOSAL_REFUSED` when the proposal itself is wrong, `OVERLOADED`, or the signal's reason; what
   *   goes wrong while running it is a reply of status 500
   */
  async processProposal(signed: protos.SignedProposal, options: Cancellable): Promise<protos.ProposalResponseInit> {
    this.#metrics.received();
    try {
      return await this.#entry.processProposal(signed, options);
    } catch (thrown) {
      this.#metrics.ended(thrown);
      throw thrown;
    }
  }

  /** The way of a proposal: let in, run, signed. */
  async #process(signed: protos.SignedProposal, options: Cancellable): Promise<protos.ProposalResponseInit> {
    let proposal: UnpackedProposal;
    try {
      proposal = await this.#gate.admit(signed);
    } catch (thrown) {
      const failure = this.#outOfPlace(thrown);
      throwIfAborted(options);
      return this.#answers.failed(failure);
    }
    throwIfAborted(options);
    const begun = performance.now();
    let reply: protos.ProposalResponseInit | undefined;
    try {
      reply = await this.#run(proposal, options);
      return reply;
    } finally {
      this.#metrics.answered(proposal, begun, reply);
    }
  }

  /** A proposal that is wrong is an error of the call, one that finds no place to run is answered with what is returned. */
  #outOfPlace(thrown: unknown): SelvageError {
    if (!(thrown instanceof SelvageError) || !OUT_OF_PLACE.has(thrown.code)) {
      this.#metrics.notAdmitted(thrown);
      throw thrown;
    }
    this.#log.debug('proposal refused', { code: thrown.code, reason: thrown.message });
    return thrown;
  }

  async #run(proposal: UnpackedProposal, options: Cancellable): Promise<protos.ProposalResponseInit> {
    let simulated: Simulated;
    try {
      simulated = await this.#simulation.run(proposal, options);
    } catch (thrown) {
      const failure = this.#failure(proposal, thrown, options);
      this.#metrics.simulationFailed(proposal);
      return this.#answers.failed(failure);
    }
    if (isFailure(simulated.response)) return this.#refused(proposal, simulated);
    if (proposal.channelId === '') return { response: simulated.response };
    try {
      return await this.#endorse(proposal, simulated);
    } catch (thrown) {
      const failure = this.#failure(proposal, thrown, options);
      this.#metrics.endorsementFailed(proposal, false);
      return this.#answers.failed(failure);
    }
  }

  /** What fails once a proposal was let in is an answer, not an error of the call; unless the caller left, then nobody wants one. */
  #failure(proposal: UnpackedProposal, thrown: unknown, options: Cancellable): SelvageError {
    throwIfAborted(options);
    const failure = SelvageError.from(thrown);
    const { channelId: channel, txId, chaincodeId } = proposal;
    const fields = { channel, txId, chaincode: chaincodeId.name, code: failure.code, reason: failure.message };
    if (failure.code === 'INTERNAL') this.#log.error('proposal failed', { ...fields, cause: failure.cause });
    else this.#log.warn('proposal failed', fields);
    return failure;
  }

  #refused(proposal: UnpackedProposal, simulated: Simulated): protos.ProposalResponseInit {
    const { response } = simulated;
    this.#metrics.endorsementFailed(proposal, true);
    this.#log.debug('chaincode refused', {
      channel: proposal.channelId,
      txId: proposal.txId,
      chaincode: simulated.chaincode.name,
      status: response.status,
    });
    return this.#answers.refused(response, response.status >= ERROR ? this.#unendorsed(proposal, simulated) : {});
  }

  async #endorse(proposal: UnpackedProposal, simulated: Simulated): Promise<protos.ProposalResponseInit> {
    const { payload, ...rest } = this.#unendorsed(proposal, simulated);
    const plugin = await this.#plugins.get(proposal.channelId, simulated.endorsementPlugin);
    const endorsed = await plugin.endorse(payload, proposal.signed);
    return { version: 1, response: this.#answers.endorsed(simulated.response), ...endorsed, ...rest };
  }

  /** The channel tells what its endorsers write; those of 1.x do not say which policies that concerns. */
  #unendorsed(proposal: UnpackedProposal, simulated: Simulated): Unendorsed & { readonly payload: Uint8Array } {
    const modern = dialectOn(this.#channels, proposal.channelId) === '2.x';
    const payload = responsePayload(proposal, simulated, modern ? 'plain' : 'as-sent');
    return { payload, ...(modern && { interest: simulated.interest }) };
  }
}
