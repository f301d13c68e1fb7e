'use strict';
const { eachField, plain, requestFrame, TYPE } = require('./message-codec.cjs');

/** Texts that are no valid UTF-16 are left to the shim: what becomes of them is its business. @param {unknown} text */
const isText = (text) => typeof text === 'string' && (!/[\ud800-\udfff]/.test(text) || isWellFormed(text));

/** @param {string} text */
function isWellFormed(text) {
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Replaces what a stub and its iterators call for single keys and for ranges without pages. Every other request keeps its way through the
 * shim, and waits for its turn with these.
 * @param {any} handler
 * @param {any} stream
 * @param {{ turns: import('./request-turns.cjs').Turns, quiet: () => boolean, shim: import('./lean-handler.cjs').Shim }} parts
 */
function leanRequests(handler, stream, { turns, quiet, shim }) {
  const own = Object.getPrototypeOf(handler);

  /**
   * @template T
   * @param {Transaction} transaction
   * @param {() => Buffer} frame made when it is sent, or never
   * @param {(payload: Buffer) => T} result
   * @returns {Promise<T>}
   */
  const ask = (transaction, frame, result) =>
    new Promise((resolve, reject) => {
      const made = frame();
      turns.add(transaction.channel + transaction.txid, {
        send: () => stream.send(made),
        answered: ({ type, payload }) => {
          if (type !== TYPE.RESPONSE) return reject(new Error(payload.toString()));
          try {
            resolve(result(payload));
          } catch (thrown) {
            reject(thrown);
          }
        },
      });
    });

  /** A request about one key. @param {number} type @param {string} name */
  const ofKey = (type, name) => {
    handler[name] = (/** @type {any} */ collection, /** @type {any} */ key, /** @type {string} */ channel, /** @type {string} */ txid) => {
      if (!quiet() || !isText(key) || !isText(collection)) return own[name].call(handler, collection, key, channel, txid);
      const transaction = { channel, txid };
      return ask(transaction, () => requestFrame(type, transaction, { one: key, two: collection }), copied);
    };
  };
  ofKey(TYPE.GET_STATE, 'handleGetState');
  ofKey(TYPE.DEL_STATE, 'handleDeleteState');
  ofKey(TYPE.GET_PRIVATE_DATA_HASH, 'handleGetPrivateDataHash');
  if (own.handlePurgeState) ofKey(TYPE.PURGE_PRIVATE_DATA, 'handlePurgeState');

  /** @param {any} collection @param {any} key @param {any} value @param {string} channel @param {string} txid */
  handler.handlePutState = (collection, key, value, channel, txid) => {
    if (!quiet() || !isText(key) || !isText(collection) || !(value instanceof Uint8Array))
      return own.handlePutState.call(handler, collection, key, value, channel, txid);
    const transaction = { channel, txid };
    return ask(transaction, () => requestFrame(TYPE.PUT_STATE, transaction, { one: key, two: value, three: collection }), copied);
  };

  /** @param {any} collection @param {any} start @param {any} end @param {string} channel @param {string} txid @param {any} metadata */
  handler.handleGetStateByRange = (collection, start, end, channel, txid, metadata) => {
    if (!quiet() || metadata || !isText(start) || !isText(end) || !isText(collection))
      return own.handleGetStateByRange.call(handler, collection, start, end, channel, txid, metadata);
    const transaction = { channel, txid };
    const frame = () => requestFrame(TYPE.GET_STATE_BY_RANGE, transaction, { one: start, two: end, three: collection });
    return ask(transaction, frame, (payload) => ({
      iterator: new shim.StateQueryIterator(handler, channel, txid, batchOf(payload)),
    }));
  };

  /** @param {any} id @param {string} channel @param {string} txid */
  handler.handleQueryStateNext = (id, channel, txid) => {
    if (!quiet() || !isText(id)) return own.handleQueryStateNext.call(handler, id, channel, txid);
    const transaction = { channel, txid };
    return ask(transaction, () => requestFrame(TYPE.QUERY_STATE_NEXT, transaction, { one: id }), batchOf);
  };

  /** @param {any} id @param {string} channel @param {string} txid */
  handler.handleQueryStateClose = (id, channel, txid) => {
    if (!quiet() || !isText(id)) return own.handleQueryStateClose.call(handler, id, channel, txid);
    const transaction = { channel, txid };
    const frame = () => requestFrame(TYPE.QUERY_STATE_CLOSE, transaction, { one: id });
    return ask(transaction, frame, (payload) => shim.peer.QueryResponse.deserializeBinary(payload));
  };

  /** What the shim makes itself: its turn comes among the others', and its queue of that transaction is empty then. @param {any} message @param {string} method */
  handler._askPeerAndListen = (message, method) =>
    new Promise((resolve, reject) => {
      const transaction = message.getChannelId() + message.getTxid();
      let answered = false;
      const failed = (/** @type {unknown} */ failure) => {
        reject(failure);
        if (answered) return;
        delete handler.msgQueueHandler?.txQueues?.[transaction]; // where the shim keeps what it could not send, for ever
        turns.failed(transaction, request);
      };
      const request = {
        send: () => void own._askPeerAndListen.call(handler, message, method).then(resolve, failed),
        answered: (/** @type {{ readonly bytes: Buffer }} */ { bytes }) => {
          answered = true;
          stream.deliver(bytes);
        },
      };
      turns.add(transaction, request);
    });
}

/** Memory of its own, as what arrived with it would stay otherwise. @param {Buffer} payload */
const copied = (payload) => Buffer.from(payload);

/** `QueryResponse`, as far as an iterator asks for it. @param {Buffer} payload */
function batchOf(payload) {
  /** @type {{ getResultbytes(): Uint8Array }[]} */
  const results = [];
  let [more, id] = [false, ''];
  eachField(payload, (field, reader) => {
    if (field === 1) results.push(resultOf(reader.bytes()));
    else if (field === 2) more = reader.value !== 0;
    else if (field === 3) id = reader.text();
  });
  return { getResultsList: () => results, getHasMore: () => more, getId: () => id };
}

/** @param {Buffer} bytes */
function resultOf(bytes) {
  /** @type {Uint8Array} */
  let result = new Uint8Array(0);
  eachField(bytes, (field, reader) => {
    if (field === 1) result = plain(reader.bytes());
  });
  return { getResultbytes: () => result };
}

module.exports = { leanRequests };

/** @typedef {import('./message-codec.cjs').Transaction} Transaction */
