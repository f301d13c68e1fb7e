import type { ChaincodeCall } from '../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../chaincode/system.ts';
import { hex, textOf } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import type { BlockReader } from '../ledger/ledger.ts';
import { common, protos } from '../protos/messages.ts';
import { ChannelAccess, type ChannelAccessParts } from './access.ts';
import { parseUint64 } from './go-text.ts';
import { refused, reply } from './reply.ts';

/** A function of qscc: the argument after the channel, and what it answers. */
type Query = (blocks: BlockReader, value: Uint8Array) => Promise<Uint8Array>;

/** What a look-up says when there is no such block or transaction; 2.x has other words. */
const NOT_FOUND = 'Entry not found in index';

/** The number that means "the newest block". */
const NEWEST = 0xffff_ffff_ffff_ffffn;

const QUERIES: ReadonlyMap<string, Query> = new Map([
  ['GetChainInfo', chainInfo],
  ['GetBlockByNumber', blockByNumber],
  ['GetBlockByHash', blockByHash],
  ['GetTransactionByID', transactionById],
  ['GetBlockByTxID', blockByTxId],
]);

/**
 * Answers questions about the blocks of a channel. Reads the ledger as it is now, outside of any simulation.
 * @see core/scc/qscc/query.go in hyperledger/fabric v1.1, whose texts these are
 */
export class Qscc implements SystemChaincode {
  readonly name = 'qscc';
  readonly fromProposal = true;
  readonly fromChaincode = true;
  readonly #parts: ChannelAccessParts;
  readonly #access: ChannelAccess;

  constructor(parts: ChannelAccessParts) {
    this.#parts = parts;
    this.#access = new ChannelAccess(parts);
  }

  invoke(call: ChaincodeCall): Promise<protos.Response> {
    return reply(() => this.#answer(call));
  }

  async #answer({ input: { args = [] }, proposal }: ChaincodeCall): Promise<Uint8Array> {
    const [name, channelArg, value] = args;
    if (name === undefined || channelArg === undefined) throw refused(`Incorrect number of arguments, ${args.length}`);
    const [fn, channelId] = [textOf(name), textOf(channelArg)];
    if (fn !== 'GetChainInfo' && value === undefined) throw refused(`missing 3rd argument for ${fn}`);
    if (this.#parts.channels.get(channelId) === undefined) throw refused(`Invalid chain ID, ${channelId}`);
    const denied = (cause: string) => `Authorization request for [${fn}][${channelId}] failed: [${cause}]`;
    const { ledger } = await this.#access.channel(`qscc/${fn}`, channelId, proposal.signedProposal, denied);
    const query = QUERIES.get(fn);
    if (query === undefined) throw refused(`Requested function ${fn} not found.`);
    return query(ledger.blocks, value ?? new Uint8Array(0));
  }
}

async function chainInfo(blocks: BlockReader): Promise<Uint8Array> {
  const { height, currentBlockHash, previousBlockHash } = blocks.info();
  return common.BlockchainInfo.encode({ height, currentBlockHash, previousBlockHash });
}

async function blockByNumber(blocks: BlockReader, value: Uint8Array): Promise<Uint8Array> {
  const parsed = parseUint64(textOf(value));
  if ('error' in parsed) throw refused(`Failed to parse block number with error ${parsed.error}`);
  const number = parsed.value === NEWEST ? blocks.info().height - 1n : parsed.value;
  return encoded(`Failed to get block number ${parsed.value}`, () => blocks.block(number));
}

/** The hash is shown in hexadecimal: its bytes, which Fabric prints, are no text. */
function blockByHash(blocks: BlockReader, hash: Uint8Array): Promise<Uint8Array> {
  return encoded(`Failed to get block hash ${hex(hash)}`, () => blocks.blockByHash(hash));
}

async function blockByTxId(blocks: BlockReader, value: Uint8Array): Promise<Uint8Array> {
  const txId = textOf(value);
  return encoded(`Failed to get block for txID ${txId}`, () => blocks.blockByTxId(txId));
}

async function transactionById(blocks: BlockReader, value: Uint8Array): Promise<Uint8Array> {
  const txId = textOf(value);
  if (txId === '') throw refused('Transaction ID must not be nil.');
  const found = await lookUp(`Failed to get transaction with id ${txId}`, () => blocks.transaction(txId));
  const transactionEnvelope = common.Envelope.decode(found.envelope);
  return protos.ProcessedTransaction.encode({ transactionEnvelope, validationCode: found.validationCode });
}

const encoded = async (text: string, look: Parameters<typeof lookUp<common.Block>>[1]): Promise<Uint8Array> =>
  common.Block.encode(await lookUp(text, look));

async function lookUp<T>(text: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  let found: T | undefined;
  try {
    found = await look();
  } catch (thrown) {
    throw refused(`${text}, error ${messageOf(thrown)}`, thrown);
  }
  if (found === undefined) throw refused(`${text}, error ${NOT_FOUND}`);
  return found;
}
