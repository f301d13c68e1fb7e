import type { Invalid } from '../committer/validation/outcome.ts';
import { SelvageError } from '../common/errors.ts';
import { flagsOf } from '../ledger/block-metadata.ts';
import { transactionId } from '../ledger/blockstore/transaction-ids.ts';
import { readTransaction } from '../ledger/commit/transaction.ts';
import { type common, protos } from '../protos/messages.ts';
import { callOf, type Place, placeText } from './call.ts';
import type { ExplainedBlocks } from './explained-blocks.ts';
import type { Cited, Explanation } from './explanation.ts';
import { blockAt, type LookedBack, type Looking } from './look-back.ts';
import { codeName, meaningOf } from './remedies.ts';
import { rejudge } from './rules.ts';
import { changeText, policySentence, versionsText } from './sentences.ts';
import { plain } from './shown.ts';
import { findStaleRead } from './stale-reads.ts';
import { writesOf } from './writes.ts';

const { DUPLICATE_TXID, ENDORSEMENT_POLICY_FAILURE, INVALID_OTHER_REASON, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID } =
  protos.TxValidationCode;

/** Peers take no other: it is a SHA-256. */
const WHOLE_ID = /^[0-9a-f]{64}$/;

/** What was found out about a transaction; the rest is in the transaction itself. */
type Found = Pick<Explanation, 'reason' | 'details'> & Partial<Pick<Explanation, 'winner' | 'perhaps' | 'doubts' | 'remedy'>>;

/** A transaction in its block. */
interface Subject {
  readonly block: common.Block;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly code: number;
}

/** Explains the transaction with an id: the first one, where several have it. @throws {SelvageError} `NOT_FOUND` */
export async function explainId(txId: string, blocks: ExplainedBlocks, looking: Looking): Promise<Explanation> {
  const number = await blocks.blockOf(txId, looking);
  if (number === undefined)
    throw new SelvageError('NOT_FOUND', `there is no transaction ${plain(txId)} on channel ${blocks.channelId}`, {
      advice: WHOLE_ID.test(txId)
        ? 'Look whether it is of another channel (-C), or was ordered at all: what no block has was never submitted or is not yet committed.'
        : 'An id has 64 hexadecimal digits, and its beginning is not enough: give all of it, or the place as BLOCK:INDEX.',
    });
  const block = await blockAt(blocks, number, looking.signal);
  const index = (block.data?.data ?? []).findIndex((bytes) => transactionId(bytes) === txId);
  if (index < 0) throw new SelvageError('NOT_FOUND', `block ${number} does not have transaction ${plain(txId)}, as the peer says`);
  return explainIn(block, index, blocks, looking);
}

/** Explains the transaction at a place. @throws {SelvageError} `NOT_FOUND` */
export async function explainAt({ block: number, index }: Place, blocks: ExplainedBlocks, looking: Looking): Promise<Explanation> {
  const height = await blocks.height(looking);
  if (number >= height)
    throw new SelvageError('NOT_FOUND', `there is no block ${number} yet on channel ${blocks.channelId}`, {
      advice: `The last one is block ${height - 1n}.`,
    });
  const block = await blockAt(blocks, number, looking.signal);
  const count = block.data?.data.length ?? 0;
  if (index < count) return explainIn(block, index, blocks, looking);
  throw new SelvageError('NOT_FOUND', `block ${number} has no transaction ${index}`, {
    advice: `It has ${count}, and they are counted from 0.`,
  });
}

/**
 * Explains a transaction of a block from the blocks alone: a function of what was ordered and of the codes in the blocks, the same with
 * every peer.
 */
export async function explainIn(block: common.Block, index: number, blocks: ExplainedBlocks, looking: Looking): Promise<Explanation> {
  const bytes = block.data?.data[index] ?? new Uint8Array(0);
  const code = flagsOf(block)[index] ?? protos.TxValidationCode.NOT_VALIDATED;
  const found = await findOut({ block, index, bytes, code }, blocks, looking);
  return {
    channelId: blocks.channelId,
    place: { block: block.header?.number ?? 0n, index },
    call: callOf(bytes),
    code: codeName(code),
    valid: code === VALID,
    winner: undefined,
    perhaps: false,
    doubts: [],
    writes: writesOf(bytes),
    remedy: meaningOf(code).remedy,
    ...found,
  };
}

function findOut(subject: Subject, blocks: ExplainedBlocks, looking: Looking): Promise<Found> | Found {
  const { code } = subject;
  if (code === VALID) return { reason: meaningOf(code).says, details: {} };
  if (code === MVCC_READ_CONFLICT || code === PHANTOM_READ_CONFLICT) return staleRead(subject, blocks, looking);
  if (code === DUPLICATE_TXID) return duplicate(subject, blocks, looking);
  return againstRules(subject, blocks, looking);
}

async function staleRead(subject: Subject, blocks: ExplainedBlocks, looking: Looking): Promise<Found> {
  const { block, index, bytes, code } = subject;
  const { transaction, refused } = readTransaction(bytes);
  if (transaction === undefined) return { reason: refused.message, details: {} };
  const stale = await findStaleRead({ block, index, transaction }, blocks, looking);
  if (stale.conflict === undefined)
    return {
      reason: meaningOf(code).says,
      details: {},
      doubts: [doubtOf(stale.looked, looking) ?? 'In the blocks nothing is found that came between.'],
    };
  const { conflict, winner, perhaps, looked } = stale;
  const cited = winner && (await citedAt(winner, subject, blocks, looking));
  const doubt = perhaps ? doubtOf(looked, looking) : winner === undefined ? NEVER_WAS : undefined;
  const reason = code === MVCC_READ_CONFLICT ? versionsText(conflict.details) : changeText(conflict.details);
  return { reason, details: conflict.details, winner: cited, perhaps, doubts: doubt === undefined ? [] : [doubt] };
}

const NEVER_WAS = 'No block made what it claims to have read: look at what its endorsers run.';

async function citedAt(place: Place, { block }: Subject, blocks: ExplainedBlocks, { signal }: Looking): Promise<Cited> {
  const own = place.block === (block.header?.number ?? 0n);
  const found = own ? block : await blockAt(blocks, place.block, signal);
  return { place, code: codeName(flagsOf(found)[place.index] ?? VALID), call: callOf(found.data?.data[place.index] ?? new Uint8Array(0)) };
}

async function duplicate(subject: Subject, blocks: ExplainedBlocks, looking: Looking): Promise<Found> {
  const txId = transactionId(subject.bytes) ?? '';
  const number = subject.block.header?.number ?? 0n;
  const indexIn = ({ data }: common.Block, below: number): number =>
    (data?.data ?? []).findIndex((bytes, at) => at < below && transactionId(bytes) === txId);
  const first = await blocks.blockOf(txId, looking); // where the copies in a block are all of an older one, that is it
  const place =
    first !== undefined && first < number
      ? { block: first, index: indexIn(await blockAt(blocks, first, looking.signal), Number.POSITIVE_INFINITY) }
      : { block: number, index: indexIn(subject.block, subject.index) };
  if (place.index < 0)
    return { reason: meaningOf(subject.code).says, details: { txId }, doubts: ['The peer does not find the first one.'] };
  const winner = await citedAt(place, subject, blocks, looking);
  return {
    reason: `its id stands in ${placeText(place)} already`,
    details: { txId, firstBlock: String(place.block), firstIndex: place.index },
    winner,
  };
}

async function againstRules(subject: Subject, blocks: ExplainedBlocks, looking: Looking): Promise<Found> {
  const { block, index, bytes, code } = subject;
  const meaning = meaningOf(code).says;
  try {
    const { invalid, looked } = await rejudge(block, index, blocks, looking);
    const doubt = doubtOf(looked, looking);
    const doubts = doubt === undefined ? [] : [doubt];
    if (invalid?.code === code) {
      const reason = code === ENDORSEMENT_POLICY_FAILURE ? policySentence(invalid) : told(code, plain(invalid.message));
      const winner = await namedInBlock(invalid.details, subject, blocks, looking);
      return { reason, details: invalid.details, doubts, winner, ...remedyFor(invalid) };
    }
    const refused = invalid === undefined ? readTransaction(bytes).refused : undefined;
    if (refused !== undefined) return { reason: told(code, plain(refused.message)), details: {}, doubts };
    const summary = code === INVALID_OTHER_REASON ? await staleSummary(subject, blocks, looking) : undefined;
    if (summary !== undefined) return { reason: summary, details: {}, doubts };
    const ours = invalid === undefined ? 'find nothing wrong with it' : `say ${codeName(invalid.code)}: ${plain(invalid.message)}`;
    return { reason: meaning, details: {}, doubts: [...doubts, `The rules of this version ${ours}.`] };
  } catch (thrown) {
    if (!(thrown instanceof SelvageError) || !['CHANNEL_HALTED', 'CONFIG_INVALID', 'NOT_FOUND'].includes(thrown.code)) throw thrown;
    return { reason: meaning, details: {}, doubts: [`It could not be judged again: ${plain(thrown.message)}.`] };
  }
}

/** What the code says of all such transactions, and the message of this one; some codes say nothing by themselves. */
const told = (code: number, message: string): string => (code === INVALID_OTHER_REASON ? message : `${meaningOf(code).says}: ${message}`);

/** The transaction of the same block that a rule names: what changed the policy of a key, or upgraded the chaincode. */
async function namedInBlock(
  details: Invalid['details'],
  subject: Subject,
  blocks: ExplainedBlocks,
  looking: Looking,
): Promise<Cited | undefined> {
  const index = details['changedByIndex'] ?? details['upgradeIndex'];
  if (typeof index !== 'number') return undefined;
  return citedAt({ block: subject.block.header?.number ?? 0n, index }, subject, blocks, looking);
}

/** Where the reason says more than the code about what to do. */
function remedyFor({ code, details }: Invalid): Partial<Pick<Explanation, 'remedy'>> {
  if (code !== ENDORSEMENT_POLICY_FAILURE) return {};
  if (details['changedByIndex'] !== undefined)
    return { remedy: 'Submit it again: the policy of the key was changed by the other transaction of the block.' };
  if (details['endorsements'] === 0)
    return { remedy: 'It was submitted without endorsements: put those of the proposal responses into it.' };
  if (details['refusedEndorsements'] === undefined) return {};
  return {
    remedy: 'Look at the endorsers that are refused: their certificates, and whether what they signed reached the orderer unchanged.',
  };
}

/** A range query whose summary is none is refused by the ledger, beside conflicts. */
async function staleSummary({ block, index, bytes }: Subject, blocks: ExplainedBlocks, looking: Looking): Promise<string | undefined> {
  const { transaction } = readTransaction(bytes);
  if (transaction === undefined) return undefined;
  const { conflict } = await findStaleRead({ block, index, transaction }, blocks, { ...looking, most: 0 });
  return conflict?.code === INVALID_OTHER_REASON ? conflict.message : undefined;
}

function doubtOf(looked: LookedBack, { most }: Looking): string | undefined {
  if (looked === 'limit') return `Only ${most} blocks were read: --blocks N reads more.`;
  return looked === 'absent' ? 'The peer does not have the oldest blocks: ask one that has them.' : undefined;
}
