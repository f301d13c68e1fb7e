'use strict';
const { format } = require('node:util');
const { completedFrame, eachField, plain } = require('./message-codec.cjs');

const NOTHING = Buffer.alloc(0);
const MOST_STATUS = 0x7fffffff;

/**
 * What the shim does with TRANSACTION: make a stub, invoke, answer. An exception of the chaincode goes where it goes in the shim: it is an
 * unhandled rejection.
 * @param {any} handler @param {any} stream @param {import('./lean-handler.cjs').Shim} shim
 * @returns whether the transaction was taken; otherwise nothing was done
 */
function leanCalls(handler, stream, shim) {
  return (/** @type {Transaction} */ transaction, /** @type {Buffer} */ input, /** @type {Buffer | undefined} */ proposal) => {
    const stub = stubOf(handler, shim, transaction, input, proposal);
    if (stub === undefined) return false; // the shim says why
    void handleMessage(handler, stream, shim, transaction, stub);
    return true;
  };
}

/** @param {any} handler @param {import('./lean-handler.cjs').Shim} shim @param {Transaction} transaction @param {Buffer} input @param {Buffer | undefined} proposal */
function stubOf(handler, { Stub }, { channel, txid }, input, proposal) {
  try {
    return new Stub(handler, channel, txid, inputOf(input), proposal && signedProposalOf(proposal));
  } catch {
    return undefined;
  }
}

/** `ChaincodeInput`, as far as a stub asks for it. @param {Buffer} bytes */
function inputOf(bytes) {
  /** @type {Uint8Array[]} */
  const args = [];
  eachField(bytes, (field, reader) => {
    if (field === 1) args.push(plain(reader.bytes()));
  });
  return { getArgsList_asU8: () => args };
}

/** `SignedProposal`, as far as a stub asks for it. @param {Buffer} bytes */
function signedProposalOf(bytes) {
  /** @type {Buffer[]} */
  const parts = [NOTHING, NOTHING];
  eachField(bytes, (field, reader) => {
    if (field === 1 || field === 2) parts[field - 1] = reader.bytes();
  });
  const [proposal, signature] = parts.map(plain);
  return { getProposalBytes: () => proposal, getSignature: () => signature };
}

/**
 * Its name is that of the shim's own, as traces show it, which people and the peer read.
 * @param {any} handler @param {any} stream @param {import('./lean-handler.cjs').Shim} shim @param {Transaction} transaction @param {any} stub
 */
async function handleMessage(handler, stream, shim, transaction, stub) {
  const answer = (await handler.chaincode.Invoke(stub)) || {};
  const prefix = () => shim.utils.generateLoggingPrefix(transaction.channel, transaction.txid);
  let response = answer;
  if (!answer.status) {
    const message = format('%s Calling chaincode %s() has not called success or error.', prefix(), 'Invoke');
    shim.logger.error(message);
    response = { status: shim.Stub.RESPONSE_CODE.ERROR, message };
  }
  if (response.status >= shim.Stub.RESPONSE_CODE.ERROR) {
    const text = '%s Calling chaincode %s() returned error response [%s]. Sending COMPLETED message back to peer';
    shim.logger.error(format(text, prefix(), 'Invoke', response.message));
  }
  const { chaincodeEvent } = stub;
  const usual = usualResponse(response);
  if (usual === undefined) return stream.write(unusualAnswer(shim, transaction, response, chaincodeEvent));
  stream.send(completedFrame(transaction, usual, chaincodeEvent ? chaincodeEvent.serializeBinary() : NOTHING));
}

/** A response whose encoding nobody could doubt; undefined for others. @param {any} response */
function usualResponse({ status, message = '', payload = NOTHING }) {
  if (!Number.isInteger(status) || status < 0 || status > MOST_STATUS) return undefined;
  if (typeof message !== 'string' || /[\ud800-\udfff]/.test(message) || !(payload instanceof Uint8Array)) return undefined;
  return { status, message, payload };
}

/** The same as the shim makes it. @param {import('./lean-handler.cjs').Shim} shim @param {Transaction} transaction @param {any} response @param {any} event */
function unusualAnswer({ peer }, { channel, txid }, { status, message, payload }, event) {
  const response = new peer.Response();
  response.setMessage(message);
  response.setStatus(status);
  response.setPayload(payload);
  const answer = new peer.ChaincodeMessage();
  answer.setType(peer.ChaincodeMessage.Type.COMPLETED);
  answer.setPayload(response.serializeBinary());
  answer.setTxid(txid);
  answer.setChannelId(channel);
  answer.setChaincodeEvent(event);
  return answer;
}

module.exports = { leanCalls };

/** @typedef {import('./message-codec.cjs').Transaction} Transaction */
