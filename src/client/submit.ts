import { type Cancellable, Deadline, orAbort } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Signer } from '../msp/identity.ts';
import { protos } from '../protos/messages.ts';
import type { Broadcaster } from './orderer-client.ts';
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
  readonly orderer: Broadcaster;
  /** Peers to hear the commit from; none: do not wait. */
  readonly listeners?: readonly PeerClient[];
  /** How long to wait for them, in milliseconds, from the moment the orderer has the transaction; for ever where it is left out. */
  readonly waitMs?: number;
  /** Told of each listener when it has committed the transaction, valid or not. */
  readonly heard?: (peer: PeerClient, commit: CommitStatus, txId: string) => void;
  /** Hash of our TLS certificate, with mutual TLS. */
  readonly tlsCertHash?: Uint8Array | undefined;
  readonly refusal?: RefusalText;
}

/** How a response that is no success is told. */
export type RefusalText = (response: protos.Response) => string;

const badResponse: RefusalText = ({ status, message }) => `bad proposal response ${status}: ${message}`;

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
  const { response, endorsement } = await peer.endorse(proposal.signed, options);
  if (response !== undefined && endorsement !== undefined && response.status < ERROR_THRESHOLD) return response; // whatever below it
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
  for (const [at, { response }] of responses.entries())
    if (response === undefined || response.status >= ERROR_THRESHOLD)
      throw refused(response, parts.endorsers[at]?.address ?? '', parts.refusal, parts.endorsers.length);
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
    const started = Promise.all(listening.map((each) => each.started));
    await within(started, 'timed out waiting for connection to deliver on all peers', parts, options);
    await parts.orderer.broadcast(envelope, options);
    const [commit] = await within(committed, 'timed out waiting for txid on all peers', parts, options);
    return commit;
  } finally {
    over.abort();
  }
}

async function within<T>(work: Promise<T>, late: string, { waitMs }: SubmitParts, { signal }: Cancellable): Promise<T> {
  if (waitMs === undefined) return orAbort(work, signal);
  using deadline = new Deadline(waitMs, late, signal);
  return await orAbort(work, deadline.signal);
}

/** Responses from here on are refusals, which no peer endorses. @see ERRORTHRESHOLD in fabric-chaincode-go, shim/response.go */
const ERROR_THRESHOLD = 400;

function successOf(response: protos.Response | undefined, address: string, refusal?: RefusalText): protos.Response {
  if (response !== undefined && response.status >= 200 && response.status < ERROR_THRESHOLD) return response;
  throw refused(response, address, refusal);
}

function refused(response: protos.Response | undefined, address: string, refusal = badResponse, asked = 1): SelvageError {
  const told = response ?? { status: 0, message: 'no response', payload: new Uint8Array(0) };
  return new SelvageError('REFUSED_BY_PEER', refusal(told), {
    details: { status: told.status, address },
    ...(asked > 1 && { advice: `Of the ${asked} peers that were asked, the one at ${address} refused.` }),
  });
}

/** A commit that is being waited for; `started` says that the peer is listening, so nothing can be missed. */
type AwaitedCommit = Promise<CommitStatus> & { readonly started: Promise<void> };

function commitOf(
  peer: PeerClient,
  { signer, tlsCertHash, heard }: SubmitParts,
  { channelId, txId }: ClientProposal,
  options: Cancellable,
): AwaitedCommit {
  const blocks = withReason(peer.filteredBlocks(signer, channelId, { start: 'newest', tlsCertHash }, options));
  const first = blocks.next();
  const found = (async (): Promise<CommitStatus> => {
    for (let next = await first; next.done !== true; next = await blocks.next()) {
      const status = statusIn(next.value.filteredBlock, txId);
      if (status === undefined) continue;
      heard?.(peer, status, txId);
      return status;
    }
    throw new SelvageError('PEER_UNREACHABLE', `${peer.address} stopped delivering blocks before transaction ${txId} was committed`);
  })();
  return Object.assign(found, { started: first.then(() => undefined) });
}

/** The same blocks; where the peer ends them, that is told in the words of Fabric's command line. */
async function* withReason<T>(blocks: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* blocks;
  } catch (thrown) {
    if (!(thrown instanceof SelvageError) || thrown.details['deliver'] === undefined) throw thrown;
    throw new SelvageError(thrown.code, `${thrown.message} before txid received`, { details: thrown.details, cause: thrown });
  }
}

function statusIn(block: protos.FilteredBlock | undefined, txId: string): CommitStatus | undefined {
  const transaction = block?.filteredTransactions.find(({ txid }) => txid === txId);
  if (block === undefined || transaction === undefined) return undefined;
  return { blockNumber: block.number, code: transaction.txValidationCode, codeName: validationCodeName(transaction.txValidationCode) };
}

/** `VALID`, `MVCC_READ_CONFLICT`, … */
export const validationCodeName = (code: number): string =>
  Object.entries(protos.TxValidationCode).find(([, value]) => value === code)?.[0] ?? String(code);
