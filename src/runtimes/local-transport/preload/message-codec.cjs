'use strict';
const { HEADER, KIND, newFrame } = require('./frames.cjs');

/**
 * The few protobuf messages that most calls consist of, written into their frame and read in place. Field numbers are those of
 * `protos.ChaincodeMessage` and of what it carries. @see chaincode_shim.proto, chaincode.proto and proposal_response.proto in hyperledger/fabric-protos v0.3
 */
const TYPE = {
  ...{ READY: 4, TRANSACTION: 5, COMPLETED: 6, ERROR: 7, GET_STATE: 8, PUT_STATE: 9, DEL_STATE: 10, RESPONSE: 13 },
  ...{ GET_STATE_BY_RANGE: 14, QUERY_STATE_NEXT: 16, QUERY_STATE_CLOSE: 17, GET_PRIVATE_DATA_HASH: 22, PURGE_PRIVATE_DATA: 23 },
};
const NOTHING = Buffer.alloc(0);

/** Bytes of a number below 2 ** 32. @param {number} value */
function varintSize(value) {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** Of a field with bytes, which is left out when it has none. @param {number} length */
const fieldSize = (length) => (length === 0 ? 0 : 1 + varintSize(length) + length);

/** Puts fields into a buffer of the right size. */
class Writer {
  /** @param {Buffer} buffer @param {number} at */
  constructor(buffer, at) {
    this.buffer = buffer;
    this.at = at;
  }

  /** @param {number} value */
  varint(value) {
    let rest = value;
    while (rest > 127) {
      this.buffer[this.at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  /** @param {number} field @param {number} value */
  number(field, value) {
    this.buffer[this.at++] = field << 3;
    this.varint(value);
  }

  /** @param {number} field @param {number} length */
  head(field, length) {
    this.buffer[this.at++] = (field << 3) | 2;
    this.varint(length);
  }

  /** @param {number} field @param {string} text @param {number} length in UTF-8 */
  text(field, text, length) {
    if (length === 0) return;
    this.head(field, length);
    this.at += this.buffer.write(text, this.at, length, 'utf8');
  }

  /** @param {number} field @param {Uint8Array} bytes */
  bytes(field, bytes) {
    if (bytes.length === 0) return;
    this.head(field, bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }
}

/**
 * A frame with a `ChaincodeMessage` of a transaction.
 * @param {number} type
 * @param {Transaction} transaction
 * @param {number} length of the payload
 * @param {(writer: Writer) => void} payload
 * @param {Uint8Array} event bytes of a `ChaincodeEvent`; empty: none
 */
function messageFrame(type, { channel, txid }, length, payload, event) {
  const [ofChannel, ofTxid] = [Buffer.byteLength(channel), Buffer.byteLength(txid)];
  const frame = newFrame(KIND.message, 2 + fieldSize(length) + fieldSize(ofTxid) + fieldSize(event.length) + fieldSize(ofChannel));
  const writer = new Writer(frame, HEADER);
  writer.number(1, type);
  if (length > 0) {
    writer.head(3, length);
    payload(writer);
  }
  writer.text(4, txid, ofTxid);
  writer.bytes(6, event);
  writer.text(7, channel, ofChannel);
  return frame;
}

/**
 * A request whose payload has texts in fields 1 to 3, and perhaps bytes in field 2: all of those for keys and ranges are like that.
 * @param {number} type
 * @param {Transaction} transaction
 * @param {{ one?: string, two?: string | Uint8Array, three?: string }} fields
 */
function requestFrame(type, transaction, { one = '', two = '', three = '' }) {
  const text = typeof two === 'string' ? two : undefined;
  const bytes = typeof two === 'string' ? NOTHING : two;
  const [first, second, third] = [
    Buffer.byteLength(one),
    text === undefined ? bytes.length : Buffer.byteLength(text),
    Buffer.byteLength(three),
  ];
  const write = (/** @type {Writer} */ writer) => {
    writer.text(1, one, first);
    if (text === undefined) writer.bytes(2, bytes);
    else writer.text(2, text, second);
    writer.text(3, three, third);
  };
  return messageFrame(type, transaction, fieldSize(first) + fieldSize(second) + fieldSize(third), write, NOTHING);
}

/**
 * COMPLETED with a `Response`.
 * @param {Transaction} transaction
 * @param {{ status: number, message: string, payload: Uint8Array }} response
 * @param {Uint8Array} event
 */
function completedFrame(transaction, { status, message, payload }, event) {
  const ofMessage = Buffer.byteLength(message);
  const length = 1 + varintSize(status) + fieldSize(ofMessage) + fieldSize(payload.length);
  const write = (/** @type {Writer} */ writer) => {
    writer.number(1, status);
    writer.text(2, message, ofMessage);
    writer.bytes(3, payload);
  };
  return messageFrame(TYPE.COMPLETED, transaction, length, write, event);
}

/** Walks over the fields of a message; a message that does not end where it should throws. */
class Reader {
  /** @param {Buffer} buffer */
  constructor(buffer) {
    this.buffer = buffer;
    this.at = 0;
    this.field = 0;
    this.value = 0;
    this.start = 0;
  }

  /** Goes to the next field: a number is in `value`, bytes are from `start` to `at`. */
  next() {
    if (this.at >= this.buffer.length) return false;
    const key = this.varint();
    this.field = key >>> 3;
    const kind = key & 7;
    if (kind === 0) this.value = this.varint();
    else {
      const length = kind === 2 ? this.varint() : kind === 1 ? 8 : kind === 5 ? 4 : -1;
      if (length < 0 || length > this.buffer.length - this.at) throw new Error('not a message');
      this.start = this.at;
      this.at += length;
    }
    return true;
  }

  /** Of a longer number the lower 32 bits. */
  varint() {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.buffer[this.at++];
      if (byte === undefined) break;
      if (shift < 32) value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new Error('not a message');
  }

  bytes() {
    return this.buffer.subarray(this.start, this.at);
  }

  text() {
    return this.buffer.toString('utf8', this.start, this.at);
  }
}

/** @param {Buffer} bytes */
function decodeMessage(bytes) {
  const message = {
    type: 0,
    payload: /** @type {Buffer} */ (NOTHING),
    txid: '',
    channel: '',
    proposal: /** @type {Buffer | undefined} */ (undefined),
  };
  for (const reader = new Reader(bytes); reader.next(); ) {
    if (reader.field === 1) message.type = reader.value;
    else if (reader.field === 3) message.payload = reader.bytes();
    else if (reader.field === 4) message.txid = reader.text();
    else if (reader.field === 5) message.proposal = reader.bytes();
    else if (reader.field === 7) message.channel = reader.text();
  }
  return message;
}

/** The fields of bytes of a message, each as often as it comes. @param {Buffer} bytes @param {(field: number, reader: Reader) => void} take */
function eachField(bytes, take) {
  for (const reader = new Reader(bytes); reader.next(); ) take(reader.field, reader);
}

/** As google-protobuf gives bytes, which is no Buffer; the memory is the same. @param {Buffer} bytes */
const plain = (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

module.exports = { TYPE, requestFrame, completedFrame, decodeMessage, eachField, plain };

/** @typedef {{ readonly channel: string, readonly txid: string }} Transaction */
