/**
 * A process that commits, for tests that kill it or take its disk away. It runs what was built into dist/, since a child of a
 * test cannot run TypeScript. One JSON line per thing that happened goes to stdout.
 *
 * Arguments: one JSON object with `root`, `mode` (`loop`: commit until killed; `fill`: commit until it fails, then wait for a
 * line on stdin, commit once more and end) and options of the provider. With `indexes`, lists of fields, values are documents, and the
 * indexes of the chaincode change all the time from one of the lists to the next.
 */
import { once } from 'node:events';

const built = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { common, protos, rwset, kvrwset } = await built('protos/messages.js');
const { blockDataHash } = await built('protos/hashes.js');
const { FolderLedgerProvider } = await built('ledger/ledger-provider.js');

const { root, mode, valueBytes = 200, writesPerBlock = 5, keys = 50, indexes, ...options } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** An endorser transaction that writes keys which depend on the block's number alone; every third one deletes. */
function transaction(number) {
  const writes = Array.from({ length: writesPerBlock }, (_, at) => {
    const key = `key${(number * 7 + at * 3) % keys}`;
    const text = `${number}/${at} `;
    const value =
      indexes === undefined
        ? Buffer.alloc(valueBytes, text)
        : Buffer.from(JSON.stringify({ n: number, owner: `owner ${at}`, text: text.repeat(valueBytes / text.length) }));
    return (number + at) % 3 === 0 ? { key, isDelete: true } : { key, value };
  });
  const results = rwset.TxReadWriteSet.encode({ nsRwset: [{ namespace: 'cc', rwset: kvrwset.KVRWSet.encode({ writes }) }] });
  const extension = protos.ChaincodeAction.encode({ results });
  const proposalResponsePayload = protos.ProposalResponsePayload.encode({ extension });
  const payload = protos.ChaincodeActionPayload.encode({ action: { proposalResponsePayload } });
  const channelHeader = common.ChannelHeader.encode({
    type: common.HeaderType.ENDORSER_TRANSACTION,
    channelId: 'channel',
    txId: `tx${number}`,
  });
  const data = protos.Transaction.encode({ actions: [{ payload }] });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data }) });
}

function blockAfter({ height, currentBlockHash }) {
  const data = [transaction(Number(height))];
  const header = { number: height, previousHash: currentBlockHash, dataHash: blockDataHash({ data }) };
  return { header, data: { data }, metadata: { metadata: [new Uint8Array(), new Uint8Array(), new Uint8Array(), new Uint8Array()] } };
}

function genesis() {
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.MESSAGE, channelId: 'channel', txId: 'genesis' });
  const data = [common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader } }) })];
  return {
    header: { number: 0n, previousHash: new Uint8Array(), dataHash: blockDataHash({ data }) },
    data: { data },
    metadata: { metadata: [] },
  };
}

const provider = await FolderLedgerProvider.open({ root, ...options });
const ledger = provider.list().includes('channel') ? await provider.open('channel') : await provider.create('channel', genesis());
const commit = () => ledger.commit({ block: blockAfter(ledger.blocks.info()), flags: new Uint8Array(1), reasons: [] });
say({ opened: Number(ledger.blocks.info().height) });

const deploy = (fields, at) =>
  ledger.indexes.deploy('cc', [
    { path: 'a.json', content: JSON.stringify({ index: { fields }, ddoc: 'd', name: 'a' }) },
    { path: 'b.json', content: JSON.stringify({ index: { fields: ['owner'] }, ddoc: 'd', name: `b${at % 2}` }) },
  ]);

if (mode === 'loop') {
  for (let at = 0; ; at += 1) {
    if (indexes !== undefined && at % 3 === 0) await deploy(indexes[(at / 3) % indexes.length], at);
    await commit();
    say({ height: Number(ledger.blocks.info().height) });
  }
}

let failure;
while (failure === undefined) {
  try {
    await commit();
  } catch (error) {
    failure = error;
  }
}
const { height, currentBlockHash } = ledger.blocks.info();
say({ failed: failure.code, message: failure.message, height: Number(height), hash: Buffer.from(currentBlockHash).toString('hex') });
await once(process.stdin, 'data');
await commit();
say({ height: Number(ledger.blocks.info().height), found: await ledger.blocks.hasTransaction(`tx${height}`) });
await provider[Symbol.asyncDispose]();
process.exit(0);
