import { createHash } from 'node:crypto';
import type { ChaincodeStub, Iterators } from 'fabric-shim';

export type Operation = (stub: ChaincodeStub, args: readonly string[]) => Promise<Uint8Array | string>;

/** The functions that can be called, by name. Lists answer with JSON: [{ k, v }]. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  /** Touches nothing: what a call costs. */
  ['noop', async () => ''],
  ['put', put],
  /** KEY */
  ['get', (stub, [key = '']) => stub.getState(key)],
  ['del', del],
  ['incr', incr],
  ['putget', putget],
  /** KEY BYTES: a large value */
  ['big', (stub, [key = '', size]) => stub.putState(key, Buffer.alloc(Number(size), 'a')).then(() => '')],
  ['hash', hash],
  ['range', range],
  ['event', event],
  ['call', call],
  ['error', fail],
]);

/** KEY VALUE [KEY VALUE …] */
export async function put(stub: ChaincodeStub, args: readonly string[]): Promise<string> {
  for (let at = 0; at + 1 < args.length; at += 2) await stub.putState(args[at] ?? '', Buffer.from(args[at + 1] ?? ''));
  return 'ok';
}

/** KEY [KEY …] */
async function del(stub: ChaincodeStub, keys: readonly string[]): Promise<string> {
  for (const key of keys) await stub.deleteState(key);
  return '';
}

/** KEY [STEP]: a counter, which conflicts with itself */
async function incr(stub: ChaincodeStub, [key = '', step = '1']: readonly string[]): Promise<string> {
  const next = String((Number(textOf(await stub.getState(key))) || 0) + Number(step));
  await stub.putState(key, Buffer.from(next));
  return next;
}

/** KEY VALUE: a write is not seen by the same transaction */
async function putget(stub: ChaincodeStub, [key = '', value = '']: readonly string[]): Promise<string> {
  await stub.putState(key, Buffer.from(value));
  return textOf(await stub.getState(key)) || '(none)';
}

/** TEXT COUNT: SHA-256 of the text, of that digest, and so on, COUNT times, as hex: work for the processor */
async function hash(_: ChaincodeStub, [value = '', times]: readonly string[]): Promise<string> {
  let digest: Buffer = Buffer.from(value);
  for (let at = 0; at < Number(times); at += 1) digest = createHash('sha256').update(digest).digest();
  return digest.toString('hex');
}

/** START END */
async function range(stub: ChaincodeStub, [start = '', end = '']: readonly string[]): Promise<string> {
  const results: Iterators.StateQueryIterator = await stub.getStateByRange(start, end);
  const found: { k: string; v: string }[] = [];
  for (let next = await results.next(); !next.done; next = await results.next()) {
    found.push({ k: next.value.key, v: textOf(next.value.value) });
  }
  await results.close();
  return JSON.stringify(found);
}

/** NAME PAYLOAD */
async function event(stub: ChaincodeStub, [name = '', payload = '']: readonly string[]): Promise<string> {
  stub.setEvent(name, Buffer.from(payload));
  await stub.putState('evt', Buffer.from(name));
  return 'sent';
}

/** NAME CHANNEL ARG [ARG …]: calls another chaincode; an empty channel is this one */
async function call(stub: ChaincodeStub, [name = '', channel = '', ...args]: readonly string[]): Promise<Uint8Array | string> {
  const response = await stub.invokeChaincode(name, args, channel);
  await stub.putState('lastcall', Buffer.from(String(response.status)));
  return response.payload ?? '';
}

/** MESSAGE: writes and then fails, so that nothing is written */
async function fail(stub: ChaincodeStub, [message = '']: readonly string[]): Promise<never> {
  await stub.putState('never', Buffer.from('x'));
  throw new Error(message);
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
