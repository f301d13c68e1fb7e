/** 100 MiB: Fabric's limit of a message in both directions. @see MaxRecvMsgSize in hyperledger/fabric v2.5, internal/pkg/comm/config.go */
export const MAX_MESSAGE_BYTES = 100 * 1024 * 1024;

/** Calls of one connection at a time. */
export const MAX_CALLS = 2_500;

/** After how much silence the other side is asked whether it is there, and how long it may take to say so, in milliseconds. */
export interface KeepaliveTimes {
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** @see DefaultKeepaliveOptions in hyperledger/fabric v2.5, internal/pkg/comm/config.go */
export const SERVER_KEEPALIVE: KeepaliveTimes = { keepaliveMs: 2 * 60 * 60 * 1000, keepaliveTimeoutMs: 20_000 };
export const CLIENT_KEEPALIVE: KeepaliveTimes = { keepaliveMs: 60_000, keepaliveTimeoutMs: 20_000 };

/** What strangers may cost a server below its handlers. */
export interface AdmissionLimits {
  /** Connections at a time. One more closes the oldest that has no call open, and where there is none is closed itself. */
  readonly connections: number;
  /** Milliseconds that a connection has for its first word, which follows the TLS handshake. @see DefaultConnectionTimeout in hyperledger/fabric v2.5, internal/pkg/comm */
  readonly handshakeMs: number;
  /** Bytes held for the calls of one connection: two requests of the largest size. */
  readonly bytesPerConnection: number;
  /** Bytes held for all calls. */
  readonly bytes: number;
}

export const ADMISSION_LIMITS: AdmissionLimits = {
  connections: 5_000,
  handshakeMs: 5_000,
  bytesPerConnection: 2.2 * MAX_MESSAGE_BYTES,
  bytes: 5 * MAX_MESSAGE_BYTES,
};

/** What a call costs before it says anything, beside its headers. */
export const PER_CALL_BYTES = 16 * 1024;

/** What a caller hears whose request held most when there was too much. */
export const EXHAUSTED = 'the server holds as much for requests in progress as it may; try again later';
