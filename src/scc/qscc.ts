import type { ChaincodeCall } from '../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../chaincode/system.ts';
import { dialectOfProposal } from '../channel/dialect.ts';
import { hex, textOf } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import type { MaybePromise } from '../common/maybe.ts';
import type { BlockReader } from '../ledger/ledger.ts';
import type { FabricDialect } from '../msp/policies/dialect.ts';
import { common, protos } from '../protos/messages.ts';
import { ChannelAccess, type ChannelAccessParts } from './access.ts';
import { explainQuery } from './explain-query.ts';
import { parseUint64 } from './go-text.ts';
import { refuseFromChaincode } from './nested-calls.ts';
import { refused, reply } from './reply.ts';

/** A function of qscc: the argument after the channel, and what it answers. */
type Query = (blocks: BlockReader, value: Uint8Array, dialect: FabricDialect) => Promise<Uint8Array>;

/** The number that means "the newest block". */
const NEWEST = 0xffff_ffff_ffff_ffffn;

const QUERIES: ReadonlyMap<string, Query> = new Map([
  ['GetChainInfo', chainInfo],
  ['GetBlockByNumber', blockByNumber],
  ['GetBlockByHash', blockByHash],
  ['GetTransactionByID', transactionById],
  ['GetBlockByTxID', blockByTxId],
]);

/** Of no Fabric. Who may read the blocks may ask: they hold all that it looks at. */
const EXPLAIN = 'ExplainQuery';

/**
 * Answers questions about the blocks of a channel. Reads the ledger as it is now, outside of any simulation.
 * @see core/scc/qscc/query.go in hyperledger/fabric v1.1 and v2.5, whose texts these are
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

  async #answer(call: ChaincodeCall): Promise<Uint8Array> {
    const { args = [] } = call.input;
    const { signedProposal } = call.proposal;
    const [name, channelArg, value] = args;
    if (name === undefined || channelArg === undefined) throw refused(`Incorrect number of arguments, ${args.length}`);
    const [fn, channelId] = [textOf(name), textOf(channelArg)];
    const { channels } = this.#parts;
    const dialect = dialectOfProposal(channels, signedProposal);
    if (dialect === '2.x') refuseFromChaincode(this.name, call, deadlocks);
    if (fn !== 'GetChainInfo' && value === undefined) throw refused(`missing 3rd argument for ${fn}`);
    if (channels.get(channelId) === undefined) throw refused(`Invalid chain ID, ${channelId}`);
    const { ledger } = await this.#access.channel(`qscc/${fn === EXPLAIN ? 'GetBlockByNumber' : fn}`, channelId, signedProposal, (cause) =>
      denied(dialect, fn, channelId, cause),
    );
    if (fn === EXPLAIN) return explainQuery(ledger, textOf(value ?? new Uint8Array(0)), textOf(args[3] ?? new Uint8Array(0)));
    const query = QUERIES.get(fn);
    if (query === undefined) throw refused(`Requested function ${fn} not found.`);
    return query(ledger.blocks, value ?? new Uint8Array(0), dialect);
  }
}

const deadlocks = (invoked: string): string =>
  `Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, original invocation for '${invoked}'`;

const denied = (dialect: FabricDialect, fn: string, channelId: string, cause: string): string =>
  dialect === '1.1'
    ? `Authorization request for [${fn}][${channelId}] failed: [${cause}]`
    : `access denied for [${fn}][${channelId}]: [${cause}]`;

async function chainInfo(blocks: BlockReader): Promise<Uint8Array> {
  const { height, currentBlockHash, previousBlockHash } = blocks.info();
  return common.BlockchainInfo.encode({ height, currentBlockHash, previousBlockHash });
}

async function blockByNumber(blocks: BlockReader, value: Uint8Array, dialect: FabricDialect): Promise<Uint8Array> {
  const parsed = parseUint64(textOf(value));
  if ('error' in parsed) throw refused(`Failed to parse block number with error ${parsed.error}`);
  const number = parsed.value === NEWEST ? blocks.info().height - 1n : parsed.value;
  const words = { failed: `Failed to get block number ${parsed.value}`, absent: absent(dialect, `block number [${number}]`) };
  return encoded(words, () => blocks.block(number));
}

/** Fabric prints the hash as if it were text; 1.1, where it is none, could not answer at all, and here says it in hexadecimal. */
function blockByHash(blocks: BlockReader, hash: Uint8Array, dialect: FabricDialect): Promise<Uint8Array> {
  const words = {
    failed: `Failed to get block hash ${dialect === '1.1' ? hex(hash) : textOf(hash)}`,
    absent: absent(dialect, `block hash [${hex(hash)}]`),
  };
  return encoded(words, () => blocks.blockByHash(hash));
}

async function blockByTxId(blocks: BlockReader, value: Uint8Array, dialect: FabricDialect): Promise<Uint8Array> {
  const txId = textOf(value);
  const words = { failed: `Failed to get block for txID ${txId}`, absent: absent(dialect, `transaction ID [${txId}]`) };
  return encoded(words, () => blocks.blockByTxId(txId));
}

async function transactionById(blocks: BlockReader, value: Uint8Array, dialect: FabricDialect): Promise<Uint8Array> {
  const txId = textOf(value);
  if (txId === '' && dialect === '1.1') throw refused('Transaction ID must not be nil.');
  const words = { failed: `Failed to get transaction with id ${txId}`, absent: absent(dialect, `transaction ID [${txId}]`) };
  const found = await lookUp(words, () => blocks.transaction(txId));
  const transactionEnvelope = common.Envelope.decode(found.envelope);
  return protos.ProcessedTransaction.encode({ transactionEnvelope, validationCode: found.validationCode });
}

/** What a look-up says: that it failed, and why if only because there is no such entry. */
interface LookUpWords {
  readonly failed: string;
  readonly absent: string;
}

const absent = (dialect: FabricDialect, what: string): string =>
  dialect === '1.1' ? 'Entry not found in index' : `no such ${what} in index`;

const encoded = async (words: LookUpWords, look: () => MaybePromise<common.Block | undefined>): Promise<Uint8Array> =>
  common.Block.encode(await lookUp(words, look));

async function lookUp<T>({ failed, absent }: LookUpWords, look: () => MaybePromise<T | undefined>): Promise<T> {
  let found: T | undefined;
  try {
    found = await look();
  } catch (thrown) {
    throw refused(`${failed}, error ${messageOf(thrown)}`, thrown);
  }
  if (found === undefined) throw refused(`${failed}, error ${absent}`);
  return found;
}
