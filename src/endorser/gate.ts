/** Who may propose what: the checks that need identities, the ledger and the channel's policies. */

import type { Channel, Channels } from '../channel/channel.ts';
import { hex } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { AccessControl } from '../msp/acl.ts';
import type { IdentityDeserializer } from '../msp/identity.ts';
import { txIdOf } from '../protos/hashes.ts';
import { msp } from '../protos/messages.ts';
import { type ProposalHeaders, readHeaders, readTarget, type UnpackedProposal } from './proposal.ts';
import { refusal } from './refusal.ts';

export interface GateParts {
  readonly channels: Channels;
  /** The MSP of this peer's own organisation: judges proposals that name no channel. */
  readonly localMsp: IdentityDeserializer;
  readonly access: AccessControl;
  readonly isSystem: (name: string) => boolean;
  /** Chaincodes of the peer that no proposal may name, like `escc` and `vscc`. */
  readonly closed: ReadonlySet<string>;
  readonly log: Logger;
}

/** Lets a proposal in or says why not; everything it throws is a `PROPOSAL_REFUSED` with Fabric's text. */
export class Gate {
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /**
   * All checks in the order of Fabric 1.1, whose texts these are.
   * @see preProcess in hyperledger/fabric v1.1, core/endorser/endorser.go
   */
  async admit(signed: UnpackedProposal['signed']): Promise<UnpackedProposal> {
    const headers = readHeaders(signed);
    await this.#checkSignature(headers);
    checkTxId(headers);
    const { channelId, txId } = headers.channelHeader;
    const proposal = { ...headers, ...readTarget(headers), channelId, txId, creator: headers.signatureHeader.creator };
    this.#checkOpen(proposal);
    await this.#checkOnChannel(proposal);
    return proposal;
  }

  /** One text for every cause, an unknown channel included, so that nobody can probe for channels. The cause goes to the log. */
  async #checkSignature({ channelHeader, signatureHeader: { creator }, signed }: ProposalHeaders): Promise<void> {
    const reason = await this.#unverified(channelHeader.channelId, creator, signed);
    if (reason === undefined) return;
    this.#parts.log.warn('proposal refused', { channel: channelHeader.channelId, txId: channelHeader.txId, reason });
    throw refusal(`access denied: channel [${channelHeader.channelId}] creator org [${claimedMsp(creator)}]`);
  }

  async #unverified(channelId: string, creator: Uint8Array, signed: UnpackedProposal['signed']): Promise<string | undefined> {
    const { channels, localMsp } = this.#parts;
    const identities = channelId === '' ? localMsp : channels.get(channelId)?.bundle().msps;
    if (identities === undefined) return 'the channel is unknown here';
    try {
      const identity = identities.deserialize(creator);
      identity.validate();
      return (await identity.verify(signed.proposalBytes, signed.signature)) ? undefined : 'the signature is not the creator’s';
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  #checkOpen({ chaincodeId: { name } }: UnpackedProposal): void {
    if (this.#parts.closed.has(name)) throw refusal(`chaincode ${name} cannot be invoked through a proposal`);
  }

  async #checkOnChannel(proposal: UnpackedProposal): Promise<void> {
    const channel = this.#parts.channels.get(proposal.channelId);
    if (channel === undefined) return; // chainless: the local MSP was the only gate
    if (await known(channel, proposal.txId)) {
      throw refusal(`duplicate transaction found [${proposal.txId}]. Creator [${hex(proposal.creator)}]`);
    }
    if (this.#parts.isSystem(proposal.chaincodeId.name)) return; // these check for themselves
    try {
      await this.#parts.access.check('peer/Propose', channel.bundle(), proposal.signed);
    } catch (thrown) {
      throw refusal(messageOf(thrown), thrown);
    }
  }
}

function checkTxId({ channelHeader, signatureHeader }: ProposalHeaders): void {
  const expected = txIdOf(signatureHeader.nonce, signatureHeader.creator);
  if (channelHeader.txId !== expected) throw refusal(`Transaction is not valid. Got [${channelHeader.txId}], expected [${expected}]`);
}

/** A look-up that fails counts as "not known": the ledger will say so itself when it is asked for a simulation. */
async function known(channel: Channel, txId: string): Promise<boolean> {
  try {
    return await channel.ledger.blocks.hasTransaction(txId);
  } catch {
    return false;
  }
}

function claimedMsp(creator: Uint8Array): string {
  try {
    return msp.SerializedIdentity.decode(creator).mspid;
  } catch {
    return '';
  }
}
