/** What others may cost this peer before and after they have proven who they are. */
import { MAX_MESSAGE_BYTES } from '../../comm/limits.ts';

export interface LinkLimits {
  /** Streams that have not proven yet who they are, at a time. */
  readonly strangers: number;
  /** Of these, from one host. */
  readonly strangersOfHost: number;
  /** Streams of one organisation: one for each of its peers. */
  readonly ofOrganization: number;
  /** Messages, and bytes of them, that wait to be sent on one stream. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Milliseconds that an answer waits for a peer that does not read before its stream is given up. */
  readonly patienceMs: number;
}

export const LINK_LIMITS: Omit<LinkLimits, 'waiting'> = {
  strangers: 128,
  strangersOfHost: 32,
  ofOrganization: 1_000,
  waitingBytes: 8 * 1024 * 1024,
  patienceMs: 30_000,
};

/** A stranger's first message has a certificate in it and little else: some 950 bytes as a rule. */
export const STRANGER_BYTES = 64 * 1024;
/** Somebody who names a certificate of a known organisation, while it is looked at whether it is his. */
export const CLAIMANT_BYTES = 4 * 1024 * 1024;
/** A peer: one message of the largest size, and what follows it. */
export const PEER_BYTES = MAX_MESSAGE_BYTES + CLAIMANT_BYTES;
