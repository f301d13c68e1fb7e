/**
 * What a chaincode can ask of its peer, one function per request: (stub, parameters) to a payload, a text or bytes.
 * Lists answer with JSON: [{ k, v }], for history [{ k, v, tx, del }].
 */

const { createHash } = require('node:crypto');
const { KeyEndorsementPolicy } = require('fabric-shim');

const text = (bytes) => Buffer.from(bytes ?? []).toString('utf8');
const count = (parameter) => Number.parseInt(parameter, 10);
const numbered = (prefix, n) => `${prefix}${String(n).padStart(4, '0')}`;

async function drain(results, limit = Number.POSITIVE_INFINITY) {
  const found = [];
  for await (const { key, value, txId, isDelete } of results) {
    found.push({ k: key, v: text(value), tx: txId, del: isDelete });
    if (found.length >= limit) break; // closes the query
  }
  return JSON.stringify(found);
}

module.exports = {
  /** Touches nothing: what a call costs. */
  noop: async () => '',

  /** KEY VALUE [KEY VALUE …] */
  put: async (stub, args) => {
    for (let at = 0; at + 1 < args.length; at += 2) await stub.putState(args[at], Buffer.from(args[at + 1]));
    return 'ok';
  },

  /** KEY VALUE [KEY VALUE …], all asked for at once */
  putMulti: async (stub, args) => {
    const pairs = args.flatMap((key, at) => (at % 2 === 0 && at + 1 < args.length ? [[key, args[at + 1]]] : []));
    await Promise.all(pairs.map(([key, value]) => stub.putState(key, Buffer.from(value))));
    return 'ok';
  },

  /** KEY */
  get: (stub, [key]) => stub.getState(key),

  /** KEY [KEY …] */
  del: async (stub, keys) => {
    for (const key of keys) await stub.deleteState(key);
  },

  /** KEY [STEP]: a counter, which conflicts with itself */
  incr: async (stub, [key, step = '1']) => {
    const next = String((count(text(await stub.getState(key))) || 0) + count(step));
    await stub.putState(key, Buffer.from(next));
    return next;
  },

  /** N PREFIX [BYTES]: reads and then writes N keys, one after the other */
  getput: async (stub, [n, prefix, size = '16']) => {
    const value = Buffer.alloc(count(size), 'v');
    for (let at = 0; at < count(n); at += 1) {
      await stub.getState(numbered(prefix, at));
      await stub.putState(numbered(prefix, at), value);
    }
    return n;
  },

  /** PREFIX N: writes N keys */
  fill: async (stub, [prefix, n]) => {
    for (let at = 0; at < count(n); at += 1) await stub.putState(numbered(prefix, at), Buffer.from(`v${at}`));
  },

  /** KEY VALUE: a write is not seen by the same transaction */
  putget: async (stub, [key, value]) => {
    await stub.putState(key, Buffer.from(value));
    return text(await stub.getState(key)) || '(none)';
  },

  /** KEY BYTES: a large value */
  big: async (stub, [key, size]) => {
    await stub.putState(key, Buffer.alloc(count(size), 'a'));
  },

  /** KEY: a value that is no text */
  bin: async (stub, [key]) => {
    const value = Buffer.from([0, 1, 2, 0x7f, 0x80, 0xfe, 0xff]);
    await stub.putState(key, value);
    return value;
  },

  /** TEXT COUNT: SHA-256 of the text, of that digest, and so on, COUNT times, as hex: work for the processor */
  hash: async (_, [value, times]) => {
    let digest = Buffer.from(value);
    for (let at = 0; at < count(times); at += 1) digest = createHash('sha256').update(digest).digest();
    return digest.toString('hex');
  },

  /** START END */
  range: (stub, [start, end]) => drain(stub.getStateByRange(start, end)),

  /** START END N: stops early */
  rangefirst: (stub, [start, end, n]) => drain(stub.getStateByRange(start, end), count(n)),

  /** START END KEY: writes what it read, for phantom reads */
  rangeput: async (stub, [start, end, key]) => {
    const found = await drain(stub.getStateByRange(start, end));
    await stub.putState(key, Buffer.from(found));
    return found;
  },

  /** START END SIZE [BOOKMARK]: one page */
  page: async (stub, [start, end, size, bookmark = '']) => {
    const results = stub.getStateByRangeWithPagination(start, end, count(size), bookmark);
    const { metadata } = await results;
    return JSON.stringify({ found: JSON.parse(await drain(results)), bookmark: metadata.bookmark, count: metadata.fetchedRecordsCount });
  },

  /** TYPE PART [PART …] VALUE */
  ckput: async (stub, args) => {
    const key = stub.createCompositeKey(args[0], args.slice(1, -1));
    await stub.putState(key, Buffer.from(args[args.length - 1]));
    return key;
  },

  /** TYPE [PART …] */
  ckrange: (stub, [type, ...parts]) => drain(stub.getStateByPartialCompositeKey(type, parts)),

  /** KEY */
  history: (stub, [key]) => drain(stub.getHistoryForKey(key)),

  /** SELECTOR: a rich query, where the state database has them */
  query: (stub, [query]) => drain(stub.getQueryResult(query)),

  /** NAME PAYLOAD */
  event: async (stub, [name, payload]) => {
    stub.setEvent(name, Buffer.from(payload));
    await stub.putState('evt', Buffer.from(name));
    return 'sent';
  },

  /** NAME CHANNEL ARG [ARG …]: calls another chaincode; an empty channel is this one */
  call: async (stub, [name, channel, ...args]) => {
    const response = await stub.invokeChaincode(name, args, channel);
    await stub.putState('lastcall', Buffer.from(String(response.status)));
    return response.payload;
  },

  who: async (stub) => JSON.stringify({ mspid: stub.getCreator().mspid, txid: stub.getTxID(), channel: stub.getChannelID() }),

  /** Answers with what only this peer was told, as hex. */
  transient: async (stub) =>
    JSON.stringify(Object.fromEntries([...stub.getTransient()].map(([key, value]) => [key, Buffer.from(value).toString('hex')]))),

  /** KEY MSPID [MSPID …]: from now on these organisations' peers must endorse changes of the key */
  setep: async (stub, [key, ...organisations]) => {
    const policy = new KeyEndorsementPolicy();
    policy.addOrgs('PEER', ...organisations);
    await stub.setStateValidationParameter(key, policy.getPolicy());
  },

  /** KEY */
  getep: async (stub, [key]) => Buffer.from((await stub.getStateValidationParameter(key)) ?? []).toString('hex'),

  /** COLLECTION KEY VALUE */
  pput: async (stub, [collection, key, value]) => {
    await stub.putPrivateData(collection, key, Buffer.from(value));
  },

  /** COLLECTION KEY */
  pget: (stub, [collection, key]) => stub.getPrivateData(collection, key),

  /** COLLECTION KEY */
  pdel: async (stub, [collection, key]) => {
    await stub.deletePrivateData(collection, key);
  },

  /** COLLECTION KEY */
  phash: async (stub, [collection, key]) => Buffer.from(await stub.getPrivateDataHash(collection, key)).toString('hex'),

  /** COLLECTION START END */
  prange: (stub, [collection, start, end]) => drain(stub.getPrivateDataByRange(collection, start, end)),

  /** MS: answers late */
  sleep: (_, [ms]) =>
    new Promise((resolve) => {
      setTimeout(resolve, count(ms));
    }),

  /** TEXT [TEXT]: prints, the second text to standard error */
  print: async (_, [text, warning]) => {
    console.log(text);
    if (warning !== undefined) console.error(warning);
  },

  /** MESSAGE: writes and then fails, so that nothing is written */
  error: async (stub, [message]) => {
    await stub.putState('never', Buffer.from('x'));
    throw new Error(message);
  },
};

module.exports.err = module.exports.error; // its older name
