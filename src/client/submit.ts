import { type Cancellable, orAbort } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Signer } from '../msp/identity.ts';
import { protos } from '../protos/messages.ts';
import type { OrdererClient } from './orderer-client.ts';
import type { PeerClient } from './peer-client.ts';
import { type ClientProposal, createProposal, type ProposalSpec } from './proposal.ts';
import { assembleTransaction } from './transaction.ts';

/** How a transaction ended on the ledger. */
export interface CommitStatus {
  readonly blockNumber: bigint;
  /** `protos.TxValidationCode`. */
  readonly code: number;
  readonly codeName: string;
}

export interface Submission {
  readonly proposal: ClientProposal;
  /** The first endorser's answer; all others agree with it. */
  readonly response: protos.Response;
  /** `ProposalResponsePayload` bytes that the transaction carries. */
  readonly payload: Uint8Array;
  /** Absent when nobody was asked to wait. */
  readonly commit: CommitStatus | undefined;
}

export interface SubmitParts {
  readonly signer: Signer;
  readonly endorsers: readonly PeerClient[];
  readonly orderer: OrdererClient;
  /** Peers to hear the commit from; none: do not wait. */
  readonly listeners?: readonly PeerClient[];
  /** Hash of our TLS certificate, with mutual TLS. */
  readonly tlsCertHash?: Uint8Array | undefined;
  readonly refusal?: RefusalText;
}

/** How a response that is no success is told. */
export type RefusalText = (status: number, message: string) => string;

const badResponse: RefusalText = (status, message) => `bad proposal response ${status}: ${message}`;

export interface EvaluateOptions extends Cancellable {
  readonly refusal?: RefusalText;
}

/** Asks the peer and returns its answer. @throws {SelvageError} `REFUSED_BY_PEER` with its text unless it is a success */
export async function evaluate(
  peer: PeerClient,
  signer: Signer,
  spec: ProposalSpec,
  { refusal, ...options }: EvaluateOptions,
): Promise<protos.Response> {
  const proposal = await createProposal(signer, spec);
  const { response } = await peer.endorse(proposal.signed, options);
  return successOf(response, peer.address, refusal);
}

/**
 * Endorse, order and, with listeners, wait until every one of them has committed the transaction.
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` when an endorser or the orderer refuses; a transaction that was ordered but is
 *   invalid is a value: look at `commit.code`
 */
export async function submit(parts: SubmitParts, spec: ProposalSpec, options: Cancellable): Promise<Submission> {
  const proposal = await createProposal(parts.signer, spec);
  const responses = await Promise.all(parts.endorsers.map((peer) => peer.endorse(proposal.signed, options)));
  for (const [at, each] of responses.entries()) successOf(each.response, parts.endorsers[at]?.address ?? '', parts.refusal);
  const envelope = await assembleTransaction(parts.signer, proposal, responses);
  const commit = await ordered(parts, proposal, envelope, options);
  const [first] = responses;
  return { proposal, response: successOf(first?.response, ''), payload: first?.payload ?? new Uint8Array(0), commit };
}

/** Hands the transaction in once all listeners listen. However it ends, nobody listens any longer. */
async function ordered(
  parts: SubmitParts,
  proposal: ClientProposal,
  envelope: Uint8Array,
  options: Cancellable,
): Promise<CommitStatus | undefined> {
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  try {
    const listening = (parts.listeners ?? []).map((peer) => commitOf(peer, parts, proposal, { signal }));
    const committed = Promise.all(listening);
    committed.catch(() => undefined); // a failed broadcast is the better error
    await Promise.all(listening.map(({ started }) => started));
    await parts.orderer.broadcast(envelope, options);
    const [commit] = await orAbort(committed, options.signal);
    return commit;
  } finally {
    over.abort();
  }
}

function successOf(response: protos.Response | undefined, address: string, refusal = badResponse): protos.Response {
  const status = response?.status ?? 0;
  if (response !== undefined && status >= 200 && status < 400) return response;
  throw new SelvageError('REFUSED_BY_PEER', refusal(status, response?.message ?? 'no response'), { details: { status, address } });
}

/** A commit that is being waited for; `started` says that the peer is listening, so nothing can be missed. */
type AwaitedCommit = Promise<CommitStatus> & { readonly started: Promise<void> };

function commitOf(
  peer: PeerClient,
  { signer, tlsCertHash }: SubmitParts,
  { channelId, txId }: ClientProposal,
  options: Cancellable,
): AwaitedCommit {
  const blocks = peer.filteredBlocks(signer, channelId, { start: 'newest', tlsCertHash }, options);
  const first = blocks.next();
  const found = (async (): Promise<CommitStatus> => {
    for (let next = await first; next.done !== true; next = await blocks.next()) {
      const status = statusIn(next.value.filteredBlock, txId);
      if (status !== undefined) return status;
    }
    throw new SelvageError('PEER_UNREACHABLE', `${peer.address} stopped delivering blocks before transaction ${txId} was committed`);
  })();
  return Object.assign(found, { started: first.then(() => undefined) });
}

function statusIn(block: protos.FilteredBlock | undefined, txId: string): CommitStatus | undefined {
  const transaction = block?.filteredTransactions.find(({ txid }) => txid === txId);
  if (block === undefined || transaction === undefined) return undefined;
  return { blockNumber: block.number, code: transaction.txValidationCode, codeName: validationCodeName(transaction.txValidationCode) };
}

/** `VALID`, `MVCC_READ_CONFLICT`, … */
export const validationCodeName = (code: number): string =>
  Object.entries(protos.TxValidationCode).find(([, value]) => value === code)?.[0] ?? String(code);
