/**
 * Reads a ledger that somebody else writes, in a thread or a process of its own, and tells what it sees whenever it is asked. It runs
 * what was built into dist/, since neither can run TypeScript.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { openLedgerView } = await import(new URL('../../dist/ledger/view/open-view.js', import.meta.url).href);

const folder = workerData?.folder ?? process.argv[2];
const say = (seen) => (parentPort === null ? process.send(seen) : parentPort.postMessage(seen));
const view = await openLedgerView({ channelId: 'ch', folder });

const hex = (bytes) => bytes && Buffer.from(bytes).toString('hex');

/** What `key` is, in every way that a ledger can be asked. */
async function look({ key, txId }) {
  const snapshot = view.snapshot();
  const { height, currentBlockHash } = view.blocks.info();
  const simulator = await view.simulate('tx');
  await simulator.getState('cc', key);
  simulator.putState('cc', key, Buffer.from('simulated'));
  const seen = {
    height: Number(height),
    hash: hex(currentBlockHash),
    savepoint: Number(snapshot.savepoint?.blockNum),
    value: hex(snapshot.get('cc', key)?.value),
    changes: await changesOf(key),
    publicRwset: hex((await simulator.result()).publicRwset),
    code: (await view.blocks.transaction(txId))?.validationCode,
    last: Number((await view.blocks.block(height - 1n))?.header?.number),
  };
  snapshot[Symbol.dispose]();
  return seen;
}

/** Who wrote it, the last one first. */
async function changesOf(key) {
  const history = view.history('cc', key);
  const changes = [];
  for (let each = await history.next(); each !== undefined; each = await history.next()) changes.push(each.txId);
  await history[Symbol.asyncDispose]();
  return changes;
}

async function answer(asked) {
  if (asked !== 'end') return say(await look(asked));
  await view[Symbol.asyncDispose]();
  if (parentPort === null) process.disconnect();
  else parentPort.close();
}

(parentPort ?? process).on('message', answer);
say('ready');
