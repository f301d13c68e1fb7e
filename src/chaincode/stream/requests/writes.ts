import { SelvageError } from '../../../common/errors.ts';
import { type MaybePromise, whenKnown } from '../../../common/maybe.ts';
import { protos } from '../../../protos/messages.ts';
import { NO_PAYLOAD, type StateRequest, unmarshal } from './request.ts';
import { requireKeyLevelEndorsement, requirePurge, requireWritable } from './rules.ts';

const nothing = (): Uint8Array => NO_PAYLOAD;

/** PUT_STATE. An empty value deletes, as in every Fabric version. */
export function putState(request: StateRequest): MaybePromise<Uint8Array> {
  return whenKnown(put(request, unmarshal(protos.PutState, request.payload)), nothing);
}

/** DEL_STATE. */
export function delState(request: StateRequest): MaybePromise<Uint8Array> {
  return whenKnown(del(request, unmarshal(protos.DelState, request.payload)), nothing);
}

/** PUT_STATE_METADATA: the entry replaces all metadata of the key. */
export async function putStateMetadata(request: StateRequest): Promise<Uint8Array> {
  requireKeyLevelEndorsement(request);
  await putMetadata(request, unmarshal(protos.PutStateMetadata, request.payload));
  return NO_PAYLOAD;
}

/** PURGE_PRIVATE_DATA. */
export async function purgePrivateData(request: StateRequest): Promise<Uint8Array> {
  requirePurge(request);
  await purge(request, unmarshal(protos.PurgePrivateState, request.payload));
  return NO_PAYLOAD;
}

/**
 * WRITE_BATCH_STATE: the records in order, each as if it had come alone; the first that fails, fails the batch.
 * @see HandleWriteBatch in hyperledger/fabric v3.1, core/chaincode/handler.go
 */
export async function writeBatch(request: StateRequest): Promise<Uint8Array> {
  for (const record of unmarshal(protos.WriteBatchState, request.payload).rec) await write(request, record);
  return NO_PAYLOAD;
}

async function write(request: StateRequest, record: protos.WriteRecord): Promise<void> {
  switch (record.type) {
    case protos.WriteRecord_Type.PUT_STATE:
      return put(request, record);
    case protos.WriteRecord_Type.DEL_STATE:
      return del(request, record);
    case protos.WriteRecord_Type.PUT_STATE_METADATA:
      requireKeyLevelEndorsement(request);
      return putMetadata(request, record);
    case protos.WriteRecord_Type.PURGE_PRIVATE_DATA:
      requirePurge(request);
      return purge(request, record);
    default:
      throw new SelvageError('CHAINCODE_PROTOCOL', `unknown operation type: ${record.type}`);
  }
}

type Record = Pick<protos.WriteRecord, 'key' | 'collection'>;

function put(request: StateRequest, record: Record & Pick<protos.WriteRecord, 'value'>): MaybePromise<void> {
  const { key, value, collection } = record;
  if (value.length === 0) return del(request, record);
  const { namespace } = request.context.call;
  if (collection === '') return request.simulator.putState(namespace, key, value);
  return requireWritable(request, collection).then(() => request.simulator.putPrivateData(namespace, collection, key, value));
}

function del(request: StateRequest, { key, collection }: Record): MaybePromise<void> {
  const { namespace } = request.context.call;
  if (collection === '') return request.simulator.deleteState(namespace, key);
  return requireWritable(request, collection).then(() => request.simulator.deletePrivateData(namespace, collection, key));
}

async function putMetadata(
  request: StateRequest,
  { key, collection, metadata }: Record & Pick<protos.WriteRecord, 'metadata'>,
): Promise<void> {
  if (metadata === undefined) throw new SelvageError('CHAINCODE_PROTOCOL', 'unmarshal failed: the request carries no metadata');
  const { namespace } = request.context.call;
  const entries = new Map([[metadata.metakey, metadata.value]]);
  if (collection === '') return request.simulator.setStateMetadata(namespace, key, entries);
  await requireWritable(request, collection);
  request.simulator.setPrivateDataMetadata(namespace, collection, key, entries);
}

async function purge(request: StateRequest, { key, collection }: Record): Promise<void> {
  if (collection === '') throw new SelvageError('CHAINCODE_PROTOCOL', 'only applicable for private data');
  await requireWritable(request, collection);
  request.simulator.purgePrivateData(request.context.call.namespace, collection, key);
}
