import { CLIENT_KEEPALIVE, type KeepaliveTimes, MAX_CALLS, MAX_MESSAGE_BYTES, SERVER_KEEPALIVE } from '../limits.ts';

/** What one connection may ask of us. Every number bounds memory, time or both, before anybody knows who is calling. */
export interface ConnectionLimits extends KeepaliveTimes {
  /** Bytes of one gRPC message. */
  readonly messageBytes: number;
  /** Calls of one connection at a time; more are refused with REFUSED_STREAM, which clients may try again. */
  readonly calls: number;
  /** Decoded header fields of one call, counted as HTTP/2 does: 32 more for each field. */
  readonly headerListBytes: number;
  /** A header block as it is sent, all its CONTINUATION frames together. */
  readonly headerBlockBytes: number;
  /** Bytes that a stream, and the connection as a whole, may send ahead of who reads them. */
  readonly streamWindow: number;
  readonly connectionWindow: number;
  /** Bytes of answers that wait for a client that does not read; over that the connection ends. */
  readonly unreadAnswerBytes: number;
  /** Bytes of acknowledgements and window updates that wait likewise. */
  readonly unreadControlBytes: number;
  /** Milliseconds from the TCP connection to its first bytes of HTTP/2, TLS handshake included. */
  readonly handshakeMs: number;
}

export const SERVER_LIMITS: ConnectionLimits = {
  messageBytes: MAX_MESSAGE_BYTES,
  calls: MAX_CALLS,
  headerListBytes: 64 * 1024,
  headerBlockBytes: 64 * 1024,
  streamWindow: 4 * 1024 * 1024,
  connectionWindow: 16 * 1024 * 1024,
  unreadAnswerBytes: 256 * 1024 * 1024,
  unreadControlBytes: 256 * 1024,
  handshakeMs: 5_000,
  ...SERVER_KEEPALIVE,
};

export const CLIENT_LIMITS: ConnectionLimits = { ...SERVER_LIMITS, ...CLIENT_KEEPALIVE };
