import { SelvageError } from '../../common/errors.ts';
import { Reader } from '../../protos/wire.ts';

/** Fields that hold messages, each with those inside it: what decoding makes objects of. */
interface Shape {
  readonly [field: number]: Shape;
}

const ANY: Shape = {};
const ENVELOPE: Shape = { 3: ANY };
const DATA: Shape = { 1: { 3: ANY } };
const POLICY: Shape = { 1: { 1: { 2: ANY }, 2: { 2: ANY } } };

/** @see gossip/message.proto in hyperledger/fabric-protos */
const MESSAGE: Shape = {
  5: { 1: ANY, 2: ANY },
  6: { 1: ENVELOPE },
  7: { 1: ENVELOPE, 2: ENVELOPE },
  8: DATA,
  9: ANY,
  10: ANY,
  11: ANY,
  12: { 2: ENVELOPE },
  13: ANY,
  14: ANY,
  15: { 2: ANY, 5: { 3: ANY } },
  16: { 1: ENVELOPE },
  17: ANY,
  18: ANY,
  19: DATA,
  20: { 3: ANY },
  21: ANY,
  22: ANY,
  23: { 1: ANY },
  24: { 1: { 1: ANY } },
  25: { 1: { 6: { 1: { 1: { 2: POLICY } } } } },
};

const WHOLE: Shape = { 1: MESSAGE, 3: ANY };

/** What is smaller cannot hold so many fields that they matter. */
const UNLOOKED_BYTES = 32 * 1024;

/** Fields of one message. A network of a thousand peers needs some ten thousand in the largest. */
const MOST_FIELDS = 100_000;

const LENGTH_DELIMITED = 2;

/**
 * Refuses an envelope of very many very small parts, each of which would become an object a hundred times its size, before anything of
 * it is decoded. What is no message at all is left to who decodes it.
 * @throws {SelvageError} `MESSAGE_TOO_LARGE`
 */
export function checkParts(envelope: Uint8Array, most: number = MOST_FIELDS): void {
  if (envelope.length <= UNLOOKED_BYTES) return;
  const budget = { left: most };
  try {
    count(new Reader(Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength)), envelope.length, WHOLE, budget);
  } catch {
    return; // not to be read: its decoder says so
  }
  if (budget.left < 0)
    throw new SelvageError('MESSAGE_TOO_LARGE', `a gossip message of ${envelope.length} bytes has more than ${most} parts`);
}

function count(reader: Reader, end: number, shape: Shape, budget: { left: number }): void {
  while (reader.pos < end && budget.left >= 0) {
    budget.left -= 1;
    const tag = reader.tag();
    const inside = shape[tag >>> 3];
    if (inside === undefined || (tag & 7) !== LENGTH_DELIMITED) reader.skipType(tag & 7);
    else count(reader, reader.enter(end, 0), inside, budget);
  }
}
