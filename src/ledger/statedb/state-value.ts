import { concatBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { StateValue } from './state.ts';

/** Block number and transaction number, eight bytes each; then the length of the metadata plus one, 0 for none. */
const HEAD = 20;

/** A value with its version and metadata as one stored value. */
export function encodeStateValue({ value, version, metadata }: StateValue): Uint8Array {
  const head = new Uint8Array(HEAD);
  const view = new DataView(head.buffer);
  view.setBigUint64(0, version.blockNum);
  view.setBigUint64(8, version.txNum);
  view.setUint32(16, metadata === undefined ? 0 : metadata.length + 1);
  return metadata === undefined ? concatBytes(head, value) : concatBytes(head, metadata, value);
}

/** Its bytes are views. @throws {SelvageError} `LEDGER_CORRUPT` */
export function decodeStateValue(bytes: Uint8Array): StateValue {
  if (bytes.length < HEAD) throw new SelvageError('LEDGER_CORRUPT', 'a stored value is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = { blockNum: view.getBigUint64(0), txNum: view.getBigUint64(8) };
  const mark = view.getUint32(16);
  const value = HEAD + Math.max(0, mark - 1);
  if (value > bytes.length) throw new SelvageError('LEDGER_CORRUPT', 'a stored value is shorter than its metadata');
  return { value: bytes.subarray(value), version, ...(mark > 0 && { metadata: bytes.subarray(HEAD, value) }) };
}
