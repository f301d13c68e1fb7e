/**
 * How `_lifecycle` keeps its records: one key for a record's type and one per field, so that only what changes is written.
 * @see Serializer in hyperledger/fabric v2.5, core/chaincode/lifecycle/serializer.go
 */
import { equalBytes, sha256 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { type MaybePromise, whenKnown } from '../common/maybe.ts';
import { prefixed } from '../common/prefixed.ts';
import { lifecycle } from '../protos/messages.ts';

/** The namespace of the 2.x lifecycle, which is also the name of its system chaincode. */
export const LIFECYCLE = '_lifecycle';

/** Where a record lies: definitions and approvals, or which package an organisation runs. */
export type RecordArea = 'namespaces' | 'chaincode-sources';

export interface RecordName {
  readonly area: RecordArea;
  /** A chaincode's name in the public state; `name#sequence` in an organisation's collection. */
  readonly name: string;
}

/** What a record holds: the name of its type, and its fields in order. */
export interface StateRecord {
  readonly datatype: string;
  readonly fields: readonly RecordField[];
}

export interface RecordField {
  readonly name: string;
  readonly data: lifecycle.StateDataInit;
}

export interface ReadableRecords {
  get(key: string): MaybePromise<Uint8Array | undefined>;
}

export interface WritableRecords extends ReadableRecords {
  put(key: string, value: Uint8Array): void;
  delete(key: string): void;
}

/** Records of which only hashes are known here, like those of another organisation. */
export interface HashedRecords {
  hashOf(key: string): MaybePromise<Uint8Array | undefined>;
}

export const metadataKey = ({ area, name }: RecordName): string => `${area}/metadata/${name}`;

export const fieldKey = ({ area, name }: RecordName, field: string): string => `${area}/fields/${name}/${field}`;

/** `StateMetadata` of a record. @throws {SelvageError} `LEDGER_CORRUPT` */
export async function readMetadata(name: RecordName, records: ReadableRecords): Promise<lifecycle.StateMetadata | undefined> {
  const bytes = await records.get(metadataKey(name));
  return bytes === undefined
    ? undefined
    : readable(`metadata for namespace ${name.area}/${name.name}`, () => lifecycle.StateMetadata.decode(bytes));
}

/** One field of a record, without value where there is none. @throws {SelvageError} `LEDGER_CORRUPT` */
export function readField(name: RecordName, field: string, records: ReadableRecords): MaybePromise<lifecycle.StateData> {
  const key = fieldKey(name, field);
  return whenKnown(records.get(key), (bytes = NOTHING) => readable(`state for key ${key}`, () => lifecycle.StateData.decode(bytes)));
}

/** A field that holds bytes; none where there is no field. @throws {SelvageError} `LEDGER_CORRUPT` */
export async function readBytes(name: RecordName, field: string, records: ReadableRecords): Promise<Uint8Array> {
  const { int64, bytes, string } = await readField(name, field, records);
  if (int64 === undefined && string === undefined) return bytes ?? NOTHING;
  throw new SelvageError('LEDGER_CORRUPT', `expected key ${fieldKey(name, field)} to encode a value of type []byte`);
}

/** The sequence of a definition; 0 for what was never defined. @throws {SelvageError} `LEDGER_CORRUPT` */
export function readSequence(chaincode: string, records: ReadableRecords): MaybePromise<bigint> {
  const name = { area: 'namespaces', name: chaincode } as const;
  return whenKnown(readField(name, 'Sequence', records), ({ int64, bytes, string }) => {
    if (bytes === undefined && string === undefined) return int64 ?? 0n;
    throw new SelvageError('LEDGER_CORRUPT', `expected key ${fieldKey(name, 'Sequence')} to encode a value of type Int64`);
  });
}

/** Writes what differs from the record that is there; its metadata only when the type or the fields change. */
export async function writeRecord(name: RecordName, { datatype, fields }: StateRecord, records: WritableRecords): Promise<void> {
  const metadata = await readMetadata(name, records);
  const existing = new Map<string, Uint8Array | undefined>();
  for (const field of metadata?.fields ?? []) existing.set(fieldKey(name, field), await records.get(fieldKey(name, field)));
  for (const field of fields) {
    const key = fieldKey(name, field.name);
    const value = lifecycle.StateData.encode(field.data);
    const current = existing.get(key);
    if (current === undefined || !equalBytes(current, value)) records.put(key, value);
    existing.delete(key);
  }
  const same = existing.size === 0 && metadata?.datatype === datatype && metadata.fields.length === fields.length;
  if (!same) records.put(metadataKey(name), metadataOf({ datatype, fields }));
  for (const key of existing.keys()) records.delete(key);
}

/** Whether the hashes say that exactly this record is there. All keys are read, whatever the first one says. */
export async function isWritten(name: RecordName, record: StateRecord, records: HashedRecords): Promise<boolean> {
  let written = await isMetadataWritten(name, record, records);
  for (const field of record.fields) {
    const hash = await records.hashOf(fieldKey(name, field.name));
    written = isHashOf(lifecycle.StateData.encode(field.data), hash) && written;
  }
  return written;
}

/** Whether the hash of a record's metadata is that of this type. */
export const isMetadataWritten = async (name: RecordName, record: StateRecord, records: HashedRecords): Promise<boolean> =>
  isHashOf(metadataOf(record), await records.hashOf(metadataKey(name)));

/** `StateMetadata` bytes. */
export const metadataOf = ({ datatype, fields }: StateRecord): Uint8Array =>
  lifecycle.StateMetadata.encode({ datatype, fields: fields.map(({ name }) => name) });

const isHashOf = (bytes: Uint8Array, hash: Uint8Array | undefined): boolean => hash !== undefined && equalBytes(sha256(bytes), hash);

/** Runs a decoding; what does not decode is a broken ledger. */
export function readable<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (thrown) {
    const { message, details } = prefixed(`could not unmarshal ${what}: `, thrown);
    throw new SelvageError('LEDGER_CORRUPT', message, { cause: thrown, details });
  }
}

const NOTHING = new Uint8Array(0);
