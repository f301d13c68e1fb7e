import type { Channels } from '../channel/channel.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { EndorsementPlanner } from '../discovery/endorsement-plan.ts';
import type { PeerView } from '../gossip/peers.ts';
import type { AccessControl } from '../msp/acl.ts';
import type { gateway } from '../protos/messages.ts';
import { ChaincodeEvents } from './chaincode-events.ts';
import { CommitStatuses, type TransactionOutcome } from './commit-status.ts';
import type { Connections } from './connections.ts';
import { Directory } from './directory.ts';
import { type EndorseParts, endorse } from './endorse.ts';
import { Endorsers, type LocalEndorser } from './endorsers.ts';
import { type EvaluateParts, evaluate } from './evaluate.ts';
import { AnswerBudget } from './held-answers.ts';
import type { EndpointOverride } from './orderers.ts';
import { Planning } from './planning.ts';
import { SignedRequests } from './signed-requests.ts';
import { noConfig, type SubmitParts, submit } from './submit.ts';

export interface GatewayParts {
  readonly channels: Channels;
  readonly access: AccessControl;
  readonly peers: PeerView;
  readonly planner: EndorsementPlanner;
  readonly local: LocalEndorser;
  /** MSP id of this peer. */
  readonly mspId: string;
  /** Every peer has those. */
  isSystem(chaincode: string): boolean;
  /** To other peers and to orderers. */
  readonly connections: Connections;
  /** Where to go instead of an orderer's address in the configuration. */
  readonly overrides: ReadonlyMap<string, EndpointOverride>;
  /** Of one endorser, and of one orderer; milliseconds. */
  readonly endorsementTimeoutMs: number;
  readonly broadcastTimeoutMs: number;
  /** What endorsers' answers may hold here while clients wait for others. */
  readonly answers?: AnswerBudget;
}

/**
 * What a client with nothing but keys and the address of this peer needs to transact: the peer asks others for it.
 * @see hyperledger/fabric v3.1, internal/pkg/gateway
 */
export class Gateway {
  readonly #evaluate: EvaluateParts;
  readonly #endorse: EndorseParts;
  readonly #submit: SubmitParts;
  readonly #statuses: CommitStatuses;
  readonly #events: ChaincodeEvents;

  constructor(parts: GatewayParts) {
    const { channels, access, peers, planner, mspId, connections, overrides, endorsementTimeoutMs, broadcastTimeoutMs } = parts;
    const endorsers = new Endorsers({ ...parts });
    const endorserOf = endorsers.of.bind(endorsers);
    const directory = new Directory({ peers, mspId, endorserOf, isSystem: (name) => parts.isSystem(name) });
    const answers = parts.answers ?? new AnswerBudget();
    this.#evaluate = { directory, mspId, endorsementTimeoutMs, answers, checkChannel: (channelId) => checkJoined(channels, channelId) };
    this.#endorse = { directory, mspId, endorsementTimeoutMs, answers, planning: new Planning({ planner, endorserOf }) };
    this.#submit = { connections, overrides, broadcastTimeoutMs, channel: (channelId) => channels.get(channelId) };
    const requests = new SignedRequests({ channels, access });
    this.#statuses = new CommitStatuses(requests);
    this.#events = new ChaincodeEvents(requests);
  }

  evaluate(request: gateway.EvaluateRequest, options: Cancellable): Promise<gateway.EvaluateResponseInit> {
    return evaluate(this.#evaluate, request, options);
  }

  endorse(request: gateway.EndorseRequest, options: Cancellable): Promise<gateway.EndorseResponseInit> {
    return endorse(this.#endorse, request, options);
  }

  submit(request: gateway.SubmitRequest, options: Cancellable): Promise<void> {
    return submit(this.#submit, request, options);
  }

  commitStatus(request: gateway.SignedCommitStatusRequest, options: Cancellable): Promise<TransactionOutcome> {
    return this.#statuses.of(request, options);
  }

  /** `ChaincodeEventsResponse` bytes. */
  chaincodeEvents(request: gateway.SignedChaincodeEventsRequest, options: Cancellable): AsyncGenerator<Uint8Array> {
    return this.#events.of(request, options);
  }
}

function checkJoined(channels: Channels, channelId: string): void {
  if (channels.get(channelId) !== undefined) return;
  throw new SelvageError('PEER_UNREACHABLE', `failed to get config for channel [${channelId}]: ${noConfig(channelId)}`);
}
