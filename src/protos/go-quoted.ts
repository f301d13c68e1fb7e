const ESCAPES: Readonly<Record<number, string>> = { 10: '\\n', 13: '\\r', 9: '\\t', 34: '\\"', 92: '\\\\' };

/**
 * Bytes in quotes as protobuf's text form has them: C escapes, everything outside printable ASCII in octal.
 * @see writeQuotedString in golang/protobuf v1.5, proto/text_encode.go
 */
export function goQuoted(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const printable = byte >= 0x20 && byte < 0x7f;
    text += ESCAPES[byte] ?? (printable ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`);
  }
  return `"${text}"`;
}
