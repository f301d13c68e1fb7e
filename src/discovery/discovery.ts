import type { Channel, Channels } from '../channel/channel.ts';
import { concatBytes } from '../common/bytes.ts';
import { cutText } from '../common/cut-text.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { Refusals } from '../common/refusals.ts';
import type { PeerView } from '../gossip/peers.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { PolicyBudget } from '../msp/policies/policy-budget.ts';
import { discovery } from '../protos/messages.ts';
import { configResult } from './config-result.ts';
import type { DiscoveryAccess } from './discovery-access.ts';
import { type Asker, readRequest } from './discovery-request.ts';
import type { EndorsementPlan } from './endorsement-plan.ts';
import { interestText } from './interest-text.ts';
import { channelPeerOf, membershipResult, peerOf } from './membership-result.ts';
import type { PolicyPlanner } from './policy-planner.ts';

export interface DiscoveryParts {
  readonly channels: Channels;
  readonly peers: PeerView;
  readonly planner: PolicyPlanner;
  readonly access: DiscoveryAccess;
  readonly log: Logger;
}

/** Bytes of the answers to one request. */
const MOST_ANSWERED = 32 * 1024 * 1024;

/**
 * Tells clients about channels: their organisations and ordering nodes, their peers, and which of these endorse a call together.
 * @see hyperledger/fabric v2.5, discovery/service.go, whose texts these are
 */
export class Discovery {
  readonly #parts: DiscoveryParts;
  readonly #refused: Refusals;
  readonly #unplanned: Refusals;

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
    this.#refused = new Refusals(parts.log, 'discovery request refused');
    this.#unplanned = new Refusals(parts.log, 'no peers found to endorse a call');
  }

  /**
   * Answers the queries of a request in order; one that cannot be answered is an error among the results.
   * @returns `discovery.Response` bytes
   * @throws {SelvageError} `DISCOVERY_REFUSED` for a request that is none, or is not of the client that sends it
   */
  async answer(request: discovery.SignedRequest, asker: Asker): Promise<Uint8Array> {
    const { queries, identity } = this.#checked(request, asker);
    const signed = { data: request.payload, identity, signature: request.signature };
    const budget = new PolicyBudget();
    const answers: Uint8Array[] = [];
    let bytes = 0;
    for (const query of queries) {
      const result = await this.#result(query, { signed, asker, budget });
      const answer = discovery.Response.encode({ results: [result] });
      bytes += answer.length;
      if (bytes > MOST_ANSWERED) throw new SelvageError('MESSAGE_TOO_LARGE', `the answers are larger than ${MOST_ANSWERED} bytes together`);
      answers.push(answer);
    }
    return concatBytes(...answers); // a repeated field of two messages is that of the two joined
  }

  #checked(request: discovery.SignedRequest, asker: Asker) {
    try {
      return readRequest(request, asker);
    } catch (thrown) {
      this.#refused.note({ remote: asker.remote, reason: messageOf(thrown) });
      throw thrown;
    }
  }

  async #result(query: discovery.Query, { signed, asker, budget }: Asking): Promise<discovery.QueryResultInit> {
    const channel = query.channel === '' ? undefined : this.#parts.channels.get(query.channel);
    const denied = await this.#denied(query, channel, signed);
    if (denied !== undefined) {
      this.#refused.note({ remote: asker.remote, channel: cutText(query.channel, 100), reason: denied });
      return failed('access denied');
    }
    if (channel === undefined) return query.localPeers === undefined ? UNKNOWN_QUERY : { members: this.#localPeers() };
    if (query.configQuery !== undefined) return this.#config(channel);
    if (query.peerQuery !== undefined) return this.#channelPeers(channel, query.peerQuery, budget);
    if (query.ccQuery !== undefined) return this.#endorsers(channel, query.ccQuery, budget);
    return UNKNOWN_QUERY;
  }

  /** Why the query is none of the asker's business; nobody is told which channels there are. */
  async #denied({ channel: channelId }: discovery.Query, channel: Channel | undefined, signed: SignedData): Promise<string | undefined> {
    if (channelId !== '' && channel === undefined) return 'this peer has not joined the channel';
    const verdict = await this.#parts.access.verdict(channel, signed);
    return verdict.ok ? undefined : verdict.reason;
  }

  #localPeers(): discovery.PeerMembershipResultInit {
    const { peers } = this.#parts;
    return membershipResult(peers.members(), { organizations: peers.organizations(), shown: peerOf });
  }

  #config(channel: Channel): discovery.QueryResultInit {
    try {
      return { configResult: configResult(channel.bundle().config) };
    } catch (cause) {
      this.#parts.log.error('cannot read the configuration of a channel for discovery', { channel: channel.id, cause });
      return failed(`failed fetching config for channel ${channel.id}`);
    }
  }

  async #channelPeers(
    channel: Channel,
    { filter }: discovery.PeerMembershipQuery,
    budget: PolicyBudget,
  ): Promise<discovery.QueryResultInit> {
    const { planner, peers } = this.#parts;
    try {
      const suitable = await planner.suitable(channel.id, filter ?? {}, budget);
      return { members: membershipResult(suitable, { organizations: peers.organizations(), shown: channelPeerOf }) };
    } catch (thrown) {
      if (thrown instanceof SelvageError && thrown.code === 'NO_ENDORSEMENT_PLAN') return failed(thrown.message);
      throw thrown;
    }
  }

  async #endorsers(channel: Channel, query: discovery.ChaincodeQuery, budget: PolicyBudget): Promise<discovery.QueryResultInit> {
    const wrong = wrongWith(query);
    if (wrong !== undefined) return failed(wrong);
    const content: discovery.EndorsementDescriptorInit[] = [];
    for (const interest of query.interests) {
      try {
        const plan = await this.#parts.planner.plan(channel.id, interest, budget);
        content.push(descriptor(interest.chaincodes[0]?.name ?? '', plan));
      } catch (thrown) {
        this.#unplanned.note({ channel: channel.id, interest: cutText(interestText(interest), 500), reason: messageOf(thrown) });
        return failed(`failed constructing descriptor for ${interestText(interest)}`);
      }
    }
    return { ccQueryRes: { content } };
  }
}

interface Asking {
  readonly signed: SignedData;
  readonly asker: Asker;
  /** What looking through policies may cost for all queries together. */
  readonly budget: PolicyBudget;
}

const failed = (content: string): discovery.QueryResultInit => ({ error: { content } });

const UNKNOWN_QUERY = failed('unknown or missing request type');

function wrongWith({ interests }: discovery.ChaincodeQuery): string | undefined {
  if (interests.length === 0) return 'chaincode query must have at least one chaincode interest';
  for (const { chaincodes } of interests) {
    if (chaincodes.length === 0) return 'chaincode interest must contain at least one chaincode';
    if (chaincodes.some(({ name }) => name === '')) return 'chaincode name in interest cannot be empty';
  }
  return undefined;
}

const descriptor = (chaincode: string, { groups, layouts }: EndorsementPlan): discovery.EndorsementDescriptorInit => ({
  chaincode,
  endorsersByGroups: new Map([...groups].map(([group, peers]) => [group, { peers: peers.map(channelPeerOf) }])),
  layouts: layouts.map((quantitiesByGroup) => ({ quantitiesByGroup })),
});
