import { createHash } from 'node:crypto';
import type { StateEntry } from '../state.ts';
import { parseJsonObject } from './document-json.ts';
import { encodeDocumentVersion } from './document-version.ts';
import { type JsonValue, membersOf } from './json-value.ts';

/** What CouchDB says of the attachment that holds a value. Its `revpos` differs from peer to peer: every CouchDB counts by itself. */
function attachmentOf(value: Uint8Array): JsonValue {
  const digest = `md5-${createHash('md5').update(value).digest('base64')}`;
  return { valueBytes: { content_type: 'application/octet-stream', digest, length: value.length, revpos: 1, stub: true } };
}

/** A state as CouchDB would have it: a JSON object with its members beside what the peer and CouchDB add. */
export class RichDocument {
  readonly entry: StateEntry;
  readonly #members: { readonly [name: string]: JsonValue } | undefined;
  /** A value that is no JSON object, or one with a number beyond doubles: its bytes are an attachment. */
  readonly hasAttachment: boolean;

  constructor(entry: StateEntry) {
    this.entry = entry;
    const parsed = parseJsonObject(entry.value);
    this.#members = parsed?.members;
    this.hasAttachment = parsed === undefined || parsed.beyondDoubles;
  }

  /** A top-level member, undefined without it. */
  member(name: string): JsonValue | undefined {
    switch (name) {
      case '_id':
        return this.entry.key;
      case '_rev':
        return this.#revision;
      case '~version':
        return encodeDocumentVersion(this.entry);
      case '_attachments':
        return this.hasAttachment ? attachmentOf(this.entry.value) : undefined;
      default:
        return this.#members !== undefined && Object.hasOwn(this.#members, name) ? this.#members[name] : undefined;
    }
  }

  /** All members, in the order in which CouchDB has them. */
  get whole(): ReadonlyMap<string, JsonValue> {
    const whole = new Map<string, JsonValue>([
      ['_id', this.entry.key],
      ['_rev', this.#revision],
    ]);
    const own: (readonly [string, JsonValue])[] = this.#members === undefined ? [] : [...membersOf(this.#members)];
    for (const [name, value] of membersOf(new Map([...own, ['~version', encodeDocumentVersion(this.entry)]]))) whole.set(name, value);
    if (this.hasAttachment) whole.set('_attachments', attachmentOf(this.entry.value));
    return whole;
  }

  /** Every peer's CouchDB counts revisions by itself: nobody can rely on more than that there is one. */
  get #revision(): string {
    return `1-${'0'.repeat(32)}`;
  }
}
