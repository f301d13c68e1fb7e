/**
 * A process that makes and changes what a peer keeps, for tests that fail what it asks of the disk or take away what was not synced. It
 * runs what was built into dist/. Arguments: one JSON object with `root` and `mode`. What it was told is done it says in the log of
 * changes (`FAULTS_LOG`), if there is one; at the end one JSON line goes to stdout.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

const built = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { root, mode } = JSON.parse(process.argv[2]);
const failures = [];
let acknowledged = 0;

function acknowledge(what) {
  acknowledged = what;
  if (process.env.FAULTS_LOG !== undefined) appendFileSync(process.env.FAULTS_LOG, `0 ack 0 0 ${what} 0\n`);
}

/** Tries again what the disk refused, as committers and people do. */
async function tried(work) {
  for (let left = 3; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      failures.push(`${error.code ?? error.name}: ${error.message}`);
      if (left === 0 || error.retryable === false) throw error;
    }
  }
}

async function ledger() {
  const { common, protos } = await built('protos/messages.js');
  const { blockDataHash } = await built('protos/hashes.js');
  const { FolderLedgerProvider } = await built('ledger/ledger-provider.js');
  const envelope = (type, txId, data) => {
    const channelHeader = common.ChannelHeader.encode({ type, channelId: 'channel', txId });
    return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data }) });
  };
  const blockOf = (number, previousHash, data) => ({
    header: { number, previousHash, dataHash: blockDataHash({ data }) },
    data: { data },
    metadata: { metadata: [] },
  });
  const provider = await tried(() => FolderLedgerProvider.open({ root, segmentBytes: 2_000 }));
  const genesis = blockOf(0n, new Uint8Array(0), [envelope(common.HeaderType.MESSAGE, 'genesis', new Uint8Array(0))]);
  const channel = await tried(() => (provider.list().includes('channel') ? provider.open('channel') : provider.create('channel', genesis)));
  acknowledge(Number(channel.blocks.info().height));
  for (let count = 0; count < 4; count += 1) {
    const { height, currentBlockHash } = channel.blocks.info();
    const simulator = await channel.simulate(`tx${height}`);
    await simulator.putState('cc', `key ${height % 3n}`, Buffer.alloc(300, `${height} `));
    await simulator.putPrivateData('cc', 'secrets', `key ${height % 2n}`, Buffer.from(`secret ${height}`));
    const { publicRwset, privateRwset } = await simulator.result();
    await simulator[Symbol.asyncDispose]();
    const extension = protos.ChaincodeAction.encode({ results: publicRwset, response: { status: 200 } });
    const proposalResponsePayload = protos.ProposalResponsePayload.encode({ extension });
    const payload = protos.ChaincodeActionPayload.encode({ action: { proposalResponsePayload } });
    const data = protos.Transaction.encode({ actions: [{ payload }] });
    const block = blockOf(height, currentBlockHash, [envelope(common.HeaderType.ENDORSER_TRANSACTION, `tx${height}`, data)]);
    await tried(() => channel.commit({ block, flags: new Uint8Array(1), reasons: [], privateData: new Map([[0, [privateRwset]]]) }));
    acknowledge(Number(height) + 1);
  }
  await provider[Symbol.asyncDispose]();
}

async function packages() {
  const { createDurably, filesIn, replaceDurably } = await built('common/durable-files.js');
  for (let number = 1; number <= 3; number += 1) {
    await tried(() => createDurably(join(root, 'lifecycle', 'chaincodes', `cc${number}.tar.gz`), Buffer.alloc(5_000, `${number}`)));
    acknowledge(number);
  }
  await tried(() => replaceDurably(join(root, 'lifecycle', 'settings'), 'new settings'));
  await filesIn(join(root, 'lifecycle', 'chaincodes'));
}

async function material() {
  const { devFolders, makeMaterial } = await built('node/dev/dev-material.js');
  const { planNetwork } = await built('node/dev/dev-plan.js');
  const plan = await tried(() => planNetwork(root, { channel: 'mychannel', orgs: 1, tls: true, portBase: 0, block: 'instant' }));
  await tried(() => makeMaterial(devFolders(root, plan), plan, new Date()));
  acknowledge(1);
}

let failed;
try {
  await { ledger, packages, material }[mode]();
} catch (error) {
  failed = `${error.code ?? error.name}: ${error.message}`;
}
process.stdout.write(`${JSON.stringify({ acknowledged, failures, failed })}\n`, () => process.exit(0));
