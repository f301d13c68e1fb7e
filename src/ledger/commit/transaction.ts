import { messageOf } from '../../common/errors.ts';
import { common, type google, kvrwset, protos, rwset } from '../../protos/messages.ts';
import { broken, type Conflict } from './conflict.ts';

/** What one transaction read and wrote in one namespace, decoded. Bytes are views of the block. */
export interface NamespaceReadsWrites {
  readonly namespace: string;
  readonly kv: kvrwset.KVRWSet;
  readonly collections: readonly CollectionReadsWrites[];
}

export interface CollectionReadsWrites {
  readonly collection: string;
  readonly hashed: kvrwset.HashedRWSet;
  /** Empty when the transaction wrote nothing private. */
  readonly pvtRwsetHash: Uint8Array;
}

export interface Transaction {
  readonly txId: string;
  readonly timestamp: google.Timestamp | undefined;
  readonly endorsed: boolean;
  readonly namespaces: readonly NamespaceReadsWrites[];
}

/** A transaction of a block, or why it is none. The tx id is '' where even that could not be read. */
export type ReadTransaction =
  | { readonly transaction: Transaction; readonly txId: string; readonly refused?: undefined }
  | { readonly txId: string; readonly refused: Conflict; readonly transaction?: undefined };

/** The key, in the empty namespace, under which the state holds the raw `common.ConfigEnvelope` of the last config transaction. */
export const CONFIG_KEY = 'CHANNEL_CONFIG_ENV_BYTES';

/**
 * Opens a transaction that was found valid so far. What cannot be opened gets the code Fabric's committer gives it.
 * @param bytes `common.Envelope`
 * @see preprocessProtoBlock in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation/batch_preparer.go
 */
export function readTransaction(bytes: Uint8Array): ReadTransaction {
  let txId = '';
  try {
    const payload = common.Payload.decode(common.Envelope.decode(bytes).payload);
    const header = common.ChannelHeader.decode(payload.header?.channelHeader ?? new Uint8Array());
    txId = header.txId;
    const { timestamp } = header;
    if (header.type === common.HeaderType.ENDORSER_TRANSACTION) return readEndorsed(payload.data, { txId, timestamp, endorsed: true });
    const namespaces = header.type === common.HeaderType.CONFIG ? configWrites(payload.data) : [];
    return { txId, transaction: { txId, timestamp, endorsed: false, namespaces } };
  } catch (thrown) {
    return { txId, refused: broken(messageOf(thrown)) };
  }
}

type Head = Omit<Transaction, 'namespaces'>;

function readEndorsed(data: Uint8Array, head: Head): ReadTransaction {
  let results: Uint8Array;
  try {
    results = actionOf(data).results;
  } catch (thrown) {
    const refused = { code: protos.TxValidationCode.NIL_TXACTION, message: messageOf(thrown), details: {} };
    return { txId: head.txId, refused };
  }
  const namespaces = rwset.TxReadWriteSet.decode(results).nsRwset.map(readNamespace);
  return { txId: head.txId, transaction: { ...head, namespaces } };
}

function actionOf(data: Uint8Array): protos.ChaincodeAction {
  const [action] = protos.Transaction.decode(data).actions;
  if (action === undefined) throw new Error('at least one TransactionAction required');
  const endorsed = protos.ChaincodeActionPayload.decode(action.payload).action;
  if (endorsed === undefined) throw new Error('no payload in ChaincodeActionPayload');
  const response = protos.ProposalResponsePayload.decode(endorsed.proposalResponsePayload);
  if (response.extension.length === 0) throw new Error('response payload is missing extension');
  return protos.ChaincodeAction.decode(response.extension);
}

const readNamespace = ({ namespace, rwset: kv, collectionHashedRwset }: rwset.NsReadWriteSet): NamespaceReadsWrites => ({
  namespace,
  kv: kvrwset.KVRWSet.decode(kv),
  collections: collectionHashedRwset.map(({ collectionName: collection, hashedRwset, pvtRwsetHash }) => ({
    collection,
    hashed: kvrwset.HashedRWSet.decode(hashedRwset),
    pvtRwsetHash,
  })),
});

function configWrites(data: Uint8Array): readonly NamespaceReadsWrites[] {
  if (common.ConfigEnvelope.decode(data).config === undefined) throw new Error('the config transaction holds no config');
  const writes = [{ key: CONFIG_KEY, isDelete: false, value: data }];
  return [{ namespace: '', kv: { reads: [], rangeQueriesInfo: [], writes, metadataWrites: [] }, collections: [] }];
}
