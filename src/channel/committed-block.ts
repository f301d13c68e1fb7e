import { common, protos } from '../protos/messages.ts';

/** What is told of one transaction of a committed block. */
export interface TransactionFacts {
  /** As its channel header claims it; '' where that cannot be read. */
  readonly txId: string;
  /** A `common.HeaderType`. */
  readonly type: number;
  /** A `protos.TxValidationCode`. */
  readonly code: number;
  /** What it was a call of, with the version that was endorsed; undefined for what is none and where its bytes do not parse. */
  readonly chaincode: { readonly name: string; readonly version: string } | undefined;
  /** Events of its chaincodes, payloads included; undefined where its bytes do not parse, whatever its code. */
  readonly events: readonly protos.ChaincodeEvent[] | undefined;
}

/** Makes an encoded form of a block for the wire: a function of the block alone. Undefined for a block that has no such form. */
export type BlockForm = (block: CommittedBlock) => Uint8Array | undefined;

/** A block that is on the ledger. Whatever is made of it is made when somebody first asks, and once. */
export class CommittedBlock {
  readonly channelId: string;
  /** With its metadata, the final codes among them. Its bytes are not to be changed. */
  readonly block: common.Block;
  /** Bytes of its transactions and metadata, without what is made of them. */
  readonly size: number;
  readonly #forms = new Map<BlockForm, Uint8Array | undefined>();
  #transactions: readonly TransactionFacts[] | undefined;

  constructor(channelId: string, block: common.Block) {
    this.channelId = channelId;
    this.block = block;
    this.size = [...(block.data?.data ?? []), ...(block.metadata?.metadata ?? [])].reduce((sum, { length }) => sum + length, 0);
  }

  get number(): bigint {
    return this.block.header?.number ?? 0n;
  }

  /** One `protos.TxValidationCode` per transaction. */
  get codes(): Uint8Array {
    return this.block.metadata?.metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER] ?? NOTHING;
  }

  get transactions(): readonly TransactionFacts[] {
    this.#transactions ??= (this.block.data?.data ?? []).map((envelope, index) => factsOf(envelope, this.codes[index] ?? 0));
    return this.#transactions;
  }

  /** The block as `make` encodes it; the same bytes for all who ask with the same function. */
  form(make: BlockForm): Uint8Array | undefined {
    if (!this.#forms.has(make)) this.#forms.set(make, make(this));
    return this.#forms.get(make);
  }
}

const NOTHING = new Uint8Array(0);

function factsOf(envelope: Uint8Array, code: number): TransactionFacts {
  let [txId, type] = ['', -1];
  try {
    const payload = common.Payload.decode(common.Envelope.decode(envelope).payload);
    const header = common.ChannelHeader.decode(payload.header?.channelHeader ?? NOTHING);
    [txId, type] = [header.txId, header.type];
    const actions = type === common.HeaderType.ENDORSER_TRANSACTION ? actionsOf(payload.data) : [];
    return { txId, type, code, chaincode: actions[0]?.chaincodeId, events: actions.flatMap(eventOf) };
  } catch {
    return { txId, type, code, chaincode: undefined, events: undefined };
  }
}

const actionsOf = (transaction: Uint8Array): readonly protos.ChaincodeAction[] =>
  protos.Transaction.decode(transaction).actions.map((action) => {
    const payload = protos.ChaincodeActionPayload.decode(action.payload);
    const response = protos.ProposalResponsePayload.decode(payload.action?.proposalResponsePayload ?? NOTHING);
    return protos.ChaincodeAction.decode(response.extension);
  });

function eventOf({ events }: protos.ChaincodeAction): readonly protos.ChaincodeEvent[] {
  const event = protos.ChaincodeEvent.decode(events);
  return event.chaincodeId === '' ? [] : [event];
}
