'use strict';
const { EventEmitter } = require('node:events');
const { KIND, frameOf, FrameReader } = require('./frames.cjs');

const NOTHING = Buffer.alloc(0);
/** The names of gRPC's statuses that a peer ends a stream with; @see errors.ts */
const STATUS_NAMES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED'],
  ...['RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
];
const UNAVAILABLE = 14;

/** An error as grpc-js gives it. @param {number} code @param {string} details */
function statusError(code, details) {
  return Object.assign(new Error(`${code} ${STATUS_NAMES[code] || code}: ${details}`), { code, details });
}

/**
 * What fabric-shim takes for the stream of a gRPC call: the same events, and messages as objects of its own. `raw`, where it is set, sees
 * the bytes of a message first, and keeps what it returns true for.
 */
class LocalStream extends EventEmitter {
  /**
   * @param {import('net').Socket} socket connected
   * @param {{ serialize: (message: unknown) => Uint8Array, deserialize: (bytes: Buffer) => unknown }} codec
   */
  constructor(socket, codec) {
    super();
    this._socket = socket;
    this._codec = codec;
    /** @type {((bytes: Buffer) => boolean) | undefined} */
    this.raw = undefined;
    /** @type {Buffer[]} */
    this._unsent = [];
    this._ended = false;
    this._over = false;
    const frames = new FrameReader((kind, content) => this._receive(kind, content));
    socket.on('data', (chunk) => frames.push(chunk));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this._finish(statusError(UNAVAILABLE, 'Connection dropped')));
  }

  /** @param {unknown} message of the shim's own kind */
  write(message) {
    if (this._ended) {
      this.emit('error', Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' }));
      return false;
    }
    this.send(frameOf(KIND.message, this._codec.serialize(message)));
    return true;
  }

  /** Frames of one turn of the event loop leave together. @param {Buffer} frame */
  send(frame) {
    if (this._over) return;
    if (this._unsent.push(frame) === 1) setImmediate(() => this._flush());
  }

  end() {
    if (this._ended) return;
    this._ended = true;
    this.send(frameOf(KIND.end, NOTHING));
    if (!this._over) setImmediate(() => this._socket.end());
  }

  /** Of a call that is over, which is when shims call it. */
  cancel() {
    this.end();
  }

  /** Gives the shim a message as its stream would have. @param {Buffer} bytes */
  deliver(bytes) {
    this.emit('data', this._codec.deserialize(bytes));
  }

  _flush() {
    const frames = this._unsent;
    this._unsent = [];
    if (this._over || frames.length === 0) return;
    this._socket.write(frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames));
  }

  /** @param {number} kind @param {Buffer} content */
  _receive(kind, content) {
    if (this._over) return;
    if (kind === KIND.message) {
      if (this.raw === undefined || !this.raw(content)) this.deliver(content);
    } else if (kind === KIND.ping) this.send(frameOf(KIND.pong, NOTHING));
    else if (kind === KIND.end) {
      const code = content[0] || 0;
      this._finish(code === 0 ? undefined : statusError(code, content.toString('utf8', 1)));
    }
  }

  /** @param {Error | undefined} error */
  _finish(error) {
    if (this._over) return;
    this._flush();
    this._over = true;
    if (error && !this._ended) this.emit('error', error);
    this._ended = true;
    this.emit('end');
    this._socket.end();
  }
}

module.exports = { LocalStream };
