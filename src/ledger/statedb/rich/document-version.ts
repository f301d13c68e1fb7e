import { heightBytes } from '../../commit/commit-hash.ts';
import type { StateValue } from '../state.ts';

/**
 * The member `~version` of a document: base64 of a protobuf message with the height (1) and the metadata (2).
 * @see encodeVersionAndMetadata in hyperledger/fabric v2.5, statecouchdb/version.go, and NewHeight's bytes in internal/version
 */
export function encodeDocumentVersion({ version, metadata }: Pick<StateValue, 'version' | 'metadata'>): string {
  const parts = [...lengthPrefixed(1, heightBytes(version))];
  const more = metadata === undefined || metadata.length === 0 ? new Uint8Array(0) : metadata;
  if (more.length > 0) parts.push(...lengthPrefixed(2, more));
  return Buffer.from(parts).toString('base64');
}

function* lengthPrefixed(field: number, bytes: Uint8Array): Iterable<number> {
  yield (field << 3) | 2;
  for (let rest = bytes.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      yield rest;
      break;
    }
    yield (rest & 0x7f) | 0x80;
  }
  yield* bytes;
}
