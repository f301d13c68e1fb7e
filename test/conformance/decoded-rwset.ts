/** Read-write sets as `configtxlator proto_decode` prints them. */
import { common, kvrwset, protos, rwset } from '../../src/protos/messages.ts';

/** `TxReadWriteSet` bytes of the first action of a transaction. */
export function resultsIn(envelope: Uint8Array): Uint8Array {
  const { data } = common.Payload.decode(common.Envelope.decode(envelope).payload);
  const [action] = protos.Transaction.decode(data).actions;
  const { action: endorsed } = protos.ChaincodeActionPayload.decode(action?.payload ?? new Uint8Array());
  const { extension } = protos.ProposalResponsePayload.decode(endorsed?.proposalResponsePayload ?? new Uint8Array());
  return protos.ChaincodeAction.decode(extension).results;
}

export function likeConfigtxlator(results: Uint8Array): unknown {
  const { nsRwset, dataModel } = rwset.TxReadWriteSet.decode(results);
  return withoutNothing({
    data_model: Object.entries(rwset.TxReadWriteSet_DataModel).find(([, value]) => value === dataModel)?.[0],
    ns_rwset: nsRwset.map(({ namespace, rwset: bytes, collectionHashedRwset }) => ({
      namespace,
      rwset: printed(kvrwset.KVRWSet.decode(bytes)),
      collection_hashed_rwset: printed(collectionHashedRwset),
    })),
  });
}

/** Snake case, bytes in base64, 64 bits as text. */
function printed(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(printed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), printed(each)]),
  );
}

/** Without what is absent, empty, or a default: configtxlator spells out some of these and leaves out others. */
export function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutNothing(each) ?? {});
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).flatMap(([key, each]) => {
    const inner = withoutNothing(each);
    const nothing = inner === undefined || inner === null || inner === '' || inner === '0' || inner === 0 || inner === false;
    return nothing || (Array.isArray(inner) && inner.length === 0) ? [] : [[key, inner] as const];
  });
  return Object.fromEntries(kept);
}
