import { messageOf } from '../common/errors.ts';

/**
 * Why bytes are no message, as Go's protobuf library tells it and clients read it behind the name of the message. Where and what
 * exactly stays with the cause. That there are too many fields no Go peer says: it takes any number.
 * @see google.golang.org/protobuf v1.36, internal/impl/decode.go
 */
export function unreadable(thrown: unknown): string {
  const message = messageOf(thrown);
  if (message.endsWith('contains invalid UTF-8')) return 'string field contains invalid UTF-8';
  const [tooMany] = /more than \d+ fields$/.exec(message) ?? [];
  return tooMany ?? 'proto: cannot parse invalid wire-format data';
}
