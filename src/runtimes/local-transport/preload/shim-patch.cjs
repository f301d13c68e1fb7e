'use strict';
const { closeSync, openSync } = require('node:fs');
const { connect } = require('node:net');
const { basename, dirname } = require('node:path');
const { KIND, frameOf } = require('./frames.cjs');
const { LocalStream } = require('./local-stream.cjs');

/** As the peer counts it. */
const MOST_PATH = 103;
const REGISTER = '/protos.ChaincodeSupport/Register';

/**
 * Lets the shim's client speak over the socket instead of dialling. Its constructor stays, with all that it checks; so does its handler,
 * but for the calls that lean-handler.cjs knows how to make faster.
 * @param {NodeJS.Module} module fabric-shim/lib/handler.js, which was just loaded
 * @param {string} filename of it
 * @param {string} path of the socket
 */
function patchShim(module, filename, path) {
  const { prototype } = module.exports.ChaincodeSupportClient;
  const { chat } = prototype;
  if (typeof chat !== 'function') return;
  /** @this {ShimClient} @param {unknown} start */
  prototype.chat = function (start) {
    const codec = codecOf(this._client);
    if (codec === undefined) return chat.call(this, start);
    let closed = false;
    this._stream = {
      end: () => {
        closed = true;
      },
    };
    const dialled = dial(path);
    if (dialled === undefined) return chat.call(this, start);
    const { socket, settled } = dialled;
    socket.once('error', () => {
      settled();
      if (!closed) chat.call(this, start);
    });
    socket.once('connect', () => {
      settled();
      socket.removeAllListeners('error');
      const stream = new LocalStream(socket, codec);
      if (closed) return stream.end();
      const lean = leanHandlerFor(module, filename);
      stream.send(frameOf(KIND.hello, Buffer.from(lean ? 'lean' : 'stream')));
      this._client = Object.create(this._client, { register: { value: () => stream } });
      chat.call(this, start);
      if (lean) lean(this._handler, stream);
    });
  };
}

/** A path that is too long for a socket has a short name in `/proc`, as long as its folder is open. @param {string} path */
function dial(path) {
  if (Buffer.byteLength(path) <= MOST_PATH) return { socket: connect(path), settled: () => undefined };
  try {
    const folder = openSync(dirname(path), 'r');
    return { socket: connect(`/proc/self/fd/${folder}/${basename(path)}`), settled: () => closeSync(folder) };
  } catch {
    return undefined;
  }
}

/**
 * How this shim writes and reads messages, by the description of the service that its client was made from.
 * @param {any} client
 */
function codecOf(client) {
  const methods = Object.values(client?.constructor?.service || {});
  const found = methods.find((method) => method && method.path === REGISTER);
  if (!found || typeof found.requestSerialize !== 'function' || typeof found.responseDeserialize !== 'function') return undefined;
  return { serialize: found.requestSerialize, deserialize: found.responseDeserialize };
}

/** @param {NodeJS.Module} module @param {string} filename */
function leanHandlerFor(module, filename) {
  try {
    return require('./lean-handler.cjs').leanHandlerFor(module, filename);
  } catch {
    return undefined;
  }
}

module.exports = { patchShim };

/** @typedef {{ _client: any, _stream: { end(): void }, _handler: any }} ShimClient */
