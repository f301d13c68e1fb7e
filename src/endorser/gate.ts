/** Who may propose what: the checks that need identities, the ledger and the channel's policies. */

import type { Channel, Channels } from '../channel/channel.ts';
import { dialectOn } from '../channel/dialect.ts';
import { hex } from '../common/bytes.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type MaybePromise, rethrown, whenKnown } from '../common/maybe.ts';
import { Refusals } from '../common/refusals.ts';
import type { ProposalAccess } from '../msp/acl.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { Identity, IdentityDeserializer } from '../msp/identity.ts';
import * as of1 from './checks-of-1.ts';
import * as of2 from './checks-of-2.ts';
import { type ProposalHeaders, readHeaders, type UnpackedProposal, unpacked } from './proposal.ts';
import { refusal } from './refusal.ts';

export interface GateParts {
  readonly channels: Channels;
  /** The MSP of this peer's own organisation: judges proposals that name no channel. */
  readonly localMsp: IdentityDeserializer;
  readonly access: ProposalAccess;
  readonly isSystem: (name: string) => boolean;
  /** Chaincodes of the peer that no proposal may name on channels of the legacy lifecycle, like `escc` and `vscc`. */
  readonly closed: ReadonlySet<string>;
  readonly log: Logger;
}

/**
 * Lets a proposal in or says why not. What it throws is a `PROPOSAL_REFUSED` with Fabric's text, or what is wrong with the place
 * rather than with the proposal, and answered with status 500: `CHANNEL_NOT_FOUND`, `SIMULATION_FAILED`.
 */
export class Gate {
  readonly #parts: GateParts;
  readonly #refusals: Refusals;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts.log, 'proposal refused');
  }

  /** All checks, in the order and the words of the release that the channel stands for. */
  async admit(signed: UnpackedProposal['signed']): Promise<UnpackedProposal> {
    const headers = readHeaders(signed, '2.x');
    return dialectOn(this.#parts.channels, headers.channelHeader.channelId) === '1.1' ? this.#admitAs1(signed) : this.#admitAs2(headers);
  }

  /** @see preProcess in hyperledger/fabric v1.1, core/endorser/endorser.go */
  async #admitAs1(signed: UnpackedProposal['signed']): Promise<UnpackedProposal> {
    const headers = readHeaders(signed, '1.1');
    of1.checkHeaders(headers);
    const judged = await this.#judgeCreator(headers);
    if ('reason' in judged) throw of1.creatorRefusal(headers);
    of1.checkTxId(headers);
    const proposal = unpacked(headers, of1.readTarget(headers));
    this.#checkOpen(proposal);
    await this.#checkOnChannel(proposal, judged);
    of1.checkPayload(proposal, this.#parts.isSystem);
    return proposal;
  }

  /** @see ProcessProposal and preProcess in hyperledger/fabric v2.5, core/endorser/endorser.go */
  async #admitAs2(headers: ProposalHeaders): Promise<UnpackedProposal> {
    const proposal = unpacked(headers, of2.readTarget(headers));
    const { channelId } = proposal;
    if (channelId !== '' && this.#parts.channels.get(channelId) === undefined)
      throw new SelvageError('CHANNEL_NOT_FOUND', `channel '${channelId}' not found`);
    of2.checkHeaders(headers);
    const judged = await this.#judgeCreator(headers);
    if ('reason' in judged) throw of2.creatorRefusal(headers, judged.mspId);
    await this.#checkOnChannel(proposal, judged);
    return proposal;
  }

  /** Whether the signature is the creator's, and the creator is believed. Clients learn no cause: that goes to the log. */
  async #judgeCreator({ channelHeader: { channelId, txId }, signatureHeader, signed }: ProposalHeaders): Promise<Creator | Distrust> {
    const bundle = this.#parts.channels.get(channelId)?.bundle();
    const identities = channelId === '' ? this.#parts.localMsp : bundle?.msps;
    let mspId: string | undefined;
    let reason = 'the channel is unknown here';
    try {
      const identity = identities?.deserialize(signatureHeader.creator);
      mspId = identity?.mspId;
      identity?.validate();
      if (identity !== undefined && (await identity.verify(signed.proposalBytes, signed.signature))) return { identity, bundle };
      if (identity !== undefined) reason = 'the signature is not the creator’s';
    } catch (thrown) {
      reason = messageOf(thrown);
    }
    this.#refusals.note({ channel: channelId, txId, reason });
    return { mspId, reason };
  }

  #checkOpen({ chaincodeId: { name } }: UnpackedProposal): void {
    if (this.#parts.closed.has(name)) throw refusal(`chaincode ${name} cannot be invoked through a proposal`);
  }

  #checkOnChannel(proposal: UnpackedProposal, creator: Creator): MaybePromise<void> {
    const channel = this.#parts.channels.get(proposal.channelId);
    if (channel === undefined) return; // chainless: the local MSP was the only gate
    return whenKnown(isKnown(channel, proposal.txId), (known) => {
      if (known) throw refusal(duplicateText(proposal), undefined, { ...targetOf(proposal), check: 'duplicate' });
      if (this.#parts.isSystem(proposal.chaincodeId.name)) return; // these check for themselves
      return this.#checkAccess(proposal, channel, creator);
    });
  }

  /** His signature need not be judged twice, unless the channel has another configuration since then. */
  #checkAccess(proposal: UnpackedProposal, channel: Channel, { identity, bundle }: Creator): MaybePromise<void> {
    const { access } = this.#parts;
    const now = channel.bundle();
    return rethrown(
      () => (now === bundle ? access.checkCreator('peer/Propose', now, identity) : access.check('peer/Propose', now, proposal.signed)),
      (thrown) => refusal(messageOf(thrown), thrown, { ...targetOf(proposal), check: 'access' }),
    );
  }
}

const targetOf = ({ channelId: channel, chaincodeId: { name: chaincode } }: UnpackedProposal) => ({ channel, chaincode });

const duplicateText = ({ txId, creator }: UnpackedProposal): string => `duplicate transaction found [${txId}]. Creator [${hex(creator)}]`;

/** Who signed a proposal, by the configuration that he was judged with; undefined without a channel. */
interface Creator {
  readonly identity: Identity;
  readonly bundle: ChannelBundle | undefined;
}

/** Why a creator is not believed; `mspId` only of one whose certificate reads. */
interface Distrust {
  readonly mspId: string | undefined;
  readonly reason: string;
}

/** A look-up that fails counts as "not known": the ledger will say so itself when it is asked for a simulation. */
function isKnown(channel: Channel, txId: string): MaybePromise<boolean> {
  const no = (): boolean => false;
  try {
    const known = channel.ledger.blocks.hasTransaction(txId);
    return known instanceof Promise ? known.catch(no) : known;
  } catch {
    return no();
  }
}
