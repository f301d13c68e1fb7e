'use strict';
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { leanCalls } = require('./lean-calls.cjs');
const { leanRequests } = require('./lean-requests.cjs');
const { decodeMessage, TYPE } = require('./message-codec.cjs');
const { RequestTurns } = require('./request-turns.cjs');

/** SHA-256 of lib/handler.js: what is replaced was read in exactly these. 2.5.0; 2.5.2 and 2.5.3; 2.5.4 to 2.5.8. */
const KNOWN = new Set([
  '762d571d3147d09557e4a9b180f691b84d726c1f28e2a04117fc636f961eb832',
  'db25f3ce5565e4fdcbda6ed57c775f1ab7c68eeb5dd418641881655d80591bcf',
  '3be3075846a0a693d3da778dfbd685e0f341fb3c817978437a6d2c88896bc711',
]);

/** At these levels of the shim's log its own handler tells every step, so it does the work. */
const TALKATIVE = new Set(['debug', 'verbose', 'silly', 'http']);

/**
 * Makes a message handler of the shim lean: transactions and the requests that most of them make go around its message objects, its texts
 * for the log and its line for every call that went well. All else, and whatever looks unusual, takes the shim's own way: so do the
 * registration, Init, and every error's text.
 * @param {NodeJS.Module} module fabric-shim/lib/handler.js
 * @param {string} filename of it
 * @returns {((handler: any, stream: any) => void) | undefined} undefined for a shim that is not known
 */
function leanHandlerFor(module, filename) {
  if (!KNOWN.has(createHash('sha256').update(readFileSync(filename)).digest('hex'))) return undefined;
  const shim = {
    Stub: module.require('./stub.js'),
    StateQueryIterator: module.require('./iterators').StateQueryIterator,
    logger: module.require('./logger').getLogger('lib/handler.js'),
    utils: module.require('./utils/utils'),
    peer: module.require('@hyperledger/fabric-protos').peer,
  };
  return (handler, stream) => makeLean(handler, stream, shim);
}

/** @param {any} handler @param {any} stream @param {Shim} shim */
function makeLean(handler, stream, shim) {
  const turns = new RequestTurns();
  const quiet = () => !TALKATIVE.has(shim.logger.level);
  const call = leanCalls(handler, stream, shim);
  leanRequests(handler, stream, { turns, quiet, shim });
  let ready = false;
  stream.raw = (/** @type {Buffer} */ bytes) => {
    const { type, channel, txid, payload, proposal } = decodeMessage(bytes);
    if (type === TYPE.RESPONSE || type === TYPE.ERROR) return turns.answered(channel + txid, { type, payload, bytes });
    if (type === TYPE.TRANSACTION && ready && quiet()) return call({ channel, txid }, payload, proposal);
    if (type === TYPE.READY) ready = true;
    return false;
  };
}

module.exports = { leanHandlerFor };

/** @typedef {{ Stub: any, StateQueryIterator: any, logger: any, utils: any, peer: any }} Shim */
