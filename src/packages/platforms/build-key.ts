import { hex, sha256, utf8 } from '../../common/bytes.ts';

/** 64 hex characters over parts. Each part's own hash goes in, so that no two lists of parts read the same. */
export const buildKey = (...parts: readonly (Uint8Array | string)[]): string =>
  hex(sha256(...parts.map((part) => sha256(typeof part === 'string' ? utf8(part) : part))));
