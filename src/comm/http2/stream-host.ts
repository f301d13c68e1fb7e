import type { ConnectionLimits } from './limits.ts';
import type { Output } from './output.ts';

/** What a connection sees of a stream. */
export interface HostedStream {
  readonly id: number;
  /** Bytes that wait to be sent. */
  readonly queued: number;
  /** Sends queued frames while there is room. @returns whether one was sent */
  pump(): boolean;
}

/** What a stream needs of the connection that it shares with others. */
export interface StreamHost {
  readonly limits: ConnectionLimits;
  readonly output: Output;
  /** DER of the certificate that the other side of the connection showed. */
  readonly peerCertificate: Uint8Array | undefined;
  /** Bytes that the other side lets a new stream send. */
  readonly initialSendWindow: number;
  /** Takes `length` bytes of the connection's window if a frame of them may leave at once. */
  claim(length: number, streamWindow: number): boolean;
  /** Bytes that the next frame of a stream may have. */
  room(streamWindow: number): number;
  /** A queued frame has left. */
  spend(length: number): void;
  /** A stream has so many more bytes queued. */
  queue(stream: HostedStream, length: number): void;
  dequeue(stream: HostedStream): void;
  /** Counts bytes of messages that wait for a reader, or have found one. */
  unread(bytes: number): void;
  sendWindowUpdate(stream: number, bytes: number): void;
  sendReset(stream: number, code: number): void;
  /** The stream is closed. @param ended whether the other side has said that it sends nothing more of it */
  forget(stream: HostedStream, ended: boolean): void;
}
