import { type MaybePromise, whenKnown } from '../../../common/maybe.ts';
import { protos } from '../../../protos/messages.ts';
import { NO_PAYLOAD, type StateRequest, unmarshal } from './request.ts';
import { requireCollection, requireKeyLevelEndorsement, requireReadable } from './rules.ts';

/** GET_STATE: the committed value, empty where there is none. */
export function getState(request: StateRequest): MaybePromise<Uint8Array> {
  const { context, simulator } = request;
  const { key, collection } = unmarshal(protos.GetState, request.payload);
  const { namespace } = context.call;
  if (collection === '') return whenKnown(simulator.getState(namespace, key), (value) => value ?? NO_PAYLOAD);
  return getPrivateState(request, { key, collection });
}

async function getPrivateState(
  request: StateRequest,
  { key, collection }: Pick<protos.GetState, 'key' | 'collection'>,
): Promise<Uint8Array> {
  await requireReadable(request, collection);
  return (await request.simulator.getPrivateData(request.context.call.namespace, collection, key)) ?? NO_PAYLOAD;
}

/** GET_STATE_MULTIPLE: the values in the order of the keys, empty where there is none. */
export async function getStateMultiple(request: StateRequest): Promise<Uint8Array> {
  const { context, simulator } = request;
  const { keys, collection } = unmarshal(protos.GetStateMultiple, request.payload);
  const { namespace } = context.call;
  if (collection === '') return multiple(await simulator.getStateMultiple(namespace, keys));
  await requireReadable(request, collection);
  const values: (Uint8Array | undefined)[] = [];
  for (const key of keys) values.push(await simulator.getPrivateData(namespace, collection, key));
  return multiple(values);
}

const multiple = (values: readonly (Uint8Array | undefined)[]): Uint8Array =>
  protos.GetStateMultipleResult.encode({ values: values.map((value) => value ?? NO_PAYLOAD) });

/** GET_PRIVATE_DATA_HASH: needs no membership, because the hash is on every peer. */
export async function getPrivateDataHash(request: StateRequest): Promise<Uint8Array> {
  const { key, collection } = unmarshal(protos.GetState, request.payload);
  await requireCollection(request, collection);
  return (await request.simulator.getPrivateDataHash(request.context.call.namespace, collection, key)) ?? NO_PAYLOAD;
}

/** GET_STATE_METADATA. */
export async function getStateMetadata(request: StateRequest): Promise<Uint8Array> {
  requireKeyLevelEndorsement(request);
  const { key, collection } = unmarshal(protos.GetStateMetadata, request.payload);
  const entries = await metadataOf(request, { key, collection });
  return protos.StateMetadataResult.encode({ entries: [...entries].map(([metakey, value]) => ({ metakey, value })) });
}

async function metadataOf(request: StateRequest, { key, collection }: protos.GetStateMetadata): Promise<ReadonlyMap<string, Uint8Array>> {
  const { context, simulator } = request;
  if (collection === '') return simulator.getStateMetadata(context.call.namespace, key);
  await requireReadable(request, collection);
  return simulator.getPrivateDataMetadata(context.call.namespace, collection, key);
}
