'use strict';
/**
 * Frames of the socket between peer and chaincode: four bytes, big-endian, of which the upper 4 bits say what it is and the lower 28 how
 * many bytes follow. frame-reader.ts is the peer's end.
 */
const KIND = { message: 0, ping: 1, pong: 2, end: 3, hello: 4 };
const HEADER = 4;
const MOST = 0xfffffff;

/**
 * An empty frame with room for its content, which begins at byte 4.
 * @param {number} kind
 * @param {number} length
 */
function newFrame(kind, length) {
  if (length > MOST) throw new RangeError(`a message of ${length} bytes, where ${MOST} are the most`);
  const frame = Buffer.allocUnsafe(HEADER + length);
  frame.writeUInt32BE(kind * 0x10000000 + length, 0);
  return frame;
}

/**
 * @param {number} kind
 * @param {Uint8Array} content
 */
function frameOf(kind, content) {
  const frame = newFrame(kind, content.length);
  frame.set(content, HEADER);
  return frame;
}

/** Cuts what arrives into frames. A frame's content is a view of the chunk it came in, unless it came in several. */
class FrameReader {
  /** @param {(kind: number, content: Buffer) => void} take */
  constructor(take) {
    this._take = take;
    /** @type {Buffer[]} */
    this._chunks = [];
    this._held = 0;
    this._wanted = HEADER;
  }

  /** @param {Buffer} chunk */
  push(chunk) {
    this._chunks.push(chunk);
    this._held += chunk.length;
    if (this._held < this._wanted) return; // joined once, however many chunks a long message comes in
    const all = this._chunks.length === 1 ? chunk : Buffer.concat(this._chunks, this._held);
    const rest = this._cut(all);
    this._chunks = rest.length === 0 ? [] : [rest];
    this._held = rest.length;
    this._wanted = rest.length < HEADER ? HEADER : HEADER + (rest.readUInt32BE(0) & 0xfffffff);
  }

  /** @param {Buffer} all */
  _cut(all) {
    let at = 0;
    while (all.length - at >= HEADER) {
      const header = all.readUInt32BE(at);
      const end = at + HEADER + (header & 0xfffffff);
      if (end > all.length) break;
      const content = all.subarray(at + HEADER, end);
      at = end;
      this._take(header >>> 28, content);
    }
    return at === 0 ? all : all.subarray(at);
  }
}

module.exports = { KIND, HEADER, newFrame, frameOf, FrameReader };
