import { messageOf } from '../common/errors.ts';

/**
 * Why bytes are no message, as Go's protobuf library tells it and clients read it behind the name of the message. Where and what
 * exactly stays with the cause.
 * @see google.golang.org/protobuf v1.36, internal/impl/decode.go
 */
export const unreadable = (thrown: unknown): string =>
  messageOf(thrown).endsWith('contains invalid UTF-8')
    ? 'string field contains invalid UTF-8'
    : 'proto: cannot parse invalid wire-format data';
