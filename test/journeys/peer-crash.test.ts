import { randomInt } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate, submit } from '../../src/client/submit.ts';
import { hex, textOf } from '../../src/common/bytes.ts';
import { lockFolder } from '../../src/common/folder-lock.ts';
import { connectClients, type DevClients } from '../../src/node/dev/dev-clients.ts';
import { devFolders } from '../../src/node/dev/dev-material.ts';
import { planNetwork } from '../../src/node/dev/dev-plan.ts';
import { blockDataHash, blockHash } from '../../src/protos/hashes.ts';
import { common, kvrwset, protos, rwset } from '../../src/protos/messages.ts';
import { RunningCommand } from './command.ts';
import { chaincodeFolder, privateCache, processesIn, scratchIn, treesIn } from './faulty-chaincode.ts';
import { never } from './network.ts';

/** A transaction whose commit its client heard of. */
interface Acknowledged {
  readonly txId: string;
  readonly block: bigint;
}

const CHANNEL = 'mychannel';
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const WRITERS = 4;

/** `selvage dev --data` killed while clients submit, and started again on what it left. */
describe.skipIf(process.platform !== 'linux')('a network that is killed', () => {
  let folder: string;
  let cache: string;
  let dev: RunningCommand;
  let clients: DevClients;
  const acknowledged: Acknowledged[] = [];

  const start = (): RunningCommand => {
    const args = ['dev', join(folder, 'cc'), '--name', 'cc', '--data', join(folder, 'data'), '--port-base', '0', '--json'];
    return new RunningCommand(args, { SELVAGE_CACHE: folder });
  };
  const ready = (): Promise<string> => dev.line((line) => line.startsWith('{"fact":"ready"'));

  async function connect(): Promise<void> {
    const data = join(folder, 'data');
    const plan = await planNetwork(data, { block: 'instant' }); // as it was kept
    clients?.[Symbol.dispose]();
    clients = await connectClients(devFolders(data, plan), plan);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-killed-'));
    cache = await privateCache(folder, 'chaincode');
    await chaincodeFolder(folder, 'cc');
    dev = start();
    await ready();
    await connect();
  });

  afterAll(async () => {
    clients?.[Symbol.dispose]();
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function put(key: string, value: string, signal: AbortSignal = never): Promise<Acknowledged> {
    const { user, orderer } = clients;
    const parts = { signer: user.signer, endorsers: [user.peer], orderer, listeners: [user.peer] };
    const spec = { channelId: CHANNEL, chaincode: 'cc', args: ['put', key, value] };
    const { proposal, commit } = await submit(parts, spec, { signal });
    expect(commit?.codeName).toBe('VALID');
    return { txId: proposal.txId, block: commit?.blockNumber ?? 0n };
  }

  const call = async (...args: string[]): Promise<string> =>
    textOf(
      (await evaluate(clients.user.peer, clients.user.signer, { channelId: CHANNEL, chaincode: 'cc', args }, { signal: never })).payload,
    );

  /**
   * Clients that write until the network is gone; resolves when `count` transactions more are acknowledged. They are told to leave
   * once it is: a call made in the moment of the kill may notice by the connection's keepalive only, a minute later.
   */
  async function writeUntil(count: number): Promise<{ readonly leave: () => Promise<unknown> }> {
    const before = acknowledged.length;
    const gone = new AbortController();
    let enough: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const writer = async (): Promise<void> => {
      for (;;) {
        acknowledged.push(await put(KEYS[randomInt(KEYS.length)] ?? 'a', String(acknowledged.length), gone.signal));
        if (acknowledged.length - before >= count) enough();
      }
    };
    const ended = Promise.allSettled(Array.from({ length: WRITERS }, writer)).then((writers) => {
      enough();
      return writers;
    });
    await reached;
    const leave = (): Promise<unknown> => {
      gone.abort(new Error('the network is gone'));
      return ended;
    };
    return { leave };
  }

  async function chain(): Promise<readonly common.Block[]> {
    const { user } = clients;
    const blocks: common.Block[] = [];
    for await (const { block } of user.peer.blocks(user.signer, CHANNEL, { start: 'oldest', stop: 'newest' }, { signal: never }))
      if (block !== undefined) blocks.push(block);
    return blocks;
  }

  /** Everything a client was told is there, the chain is whole, and the state is what replaying the chain makes. */
  async function expectEverything(): Promise<void> {
    const blocks = await chain();
    const found = new Map(blocks.flatMap((block) => transactionsIn(block).map((transaction) => [transaction.txId, transaction] as const)));
    for (const { txId, block } of acknowledged) expect(found.get(txId)).toMatchObject({ block, code: protos.TxValidationCode.VALID });
    expect(found.size).toBe(blocks.flatMap(transactionsIn).length);
    for (const [at, { header, data }] of blocks.entries()) {
      expect(header?.number).toBe(BigInt(at));
      expect(hex(header?.dataHash ?? new Uint8Array(0))).toBe(hex(blockDataHash(data ?? {})));
      const before = blocks[at - 1]?.header;
      if (before !== undefined) expect(hex(header?.previousHash ?? new Uint8Array(0))).toBe(hex(blockHash(before)));
    }
    const replayed = new Map(
      blocks.flatMap(transactionsIn).flatMap(({ code, writes }) => (code === protos.TxValidationCode.VALID ? writes : [])),
    );
    for (const key of KEYS) expect(await call('get', key)).toBe(replayed.get(key) ?? '');
  }

  it.each(Array.from({ length: 4 }, () => [randomInt(1, 15), randomInt(0, 400)]))(
    'after %d acknowledged transactions and %d turns of the event loop has every one of them, and goes on',
    async (count, turns) => {
      const { leave } = await writeUntil(count);
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await dev.kill();
      await leave();
      dev = start();
      await ready();
      await connect();
      await expectEverything();
      acknowledged.push(await put('a', 'after the restart'));
      await expectEverything();
    },
  );

  it('while it starts is none the worse', async () => {
    await dev.kill();
    dev = start();
    await dev.line((line) => line.startsWith('{"fact":"network"'));
    await dev.kill();
    dev = start();
    await ready();
    await connect();
    await expectEverything();
  });

  it('with chaincode that hangs leaves it behind, and the next start ends it', async () => {
    const [before = ''] = await treesIn(cache);
    const hanging = call('hang').catch(() => undefined);
    while (!(await processesIn(cache)).some(({ title }) => title.includes('hanging')))
      await new Promise((resolve) => setTimeout(resolve, 10));
    await dev.kill();
    await hanging; // the chaincode cannot notice that its peer is gone; any peer that starts on this machine ends it
    dev = start();
    await ready();
    await connect();
    await call('tree');
    const trees = await treesIn(cache);
    expect(trees).toHaveLength(1);
    expect(trees).not.toContain(before);
    expect(await scratchIn(cache)).toHaveLength(1);
    await expectEverything();
  });

  it('ends by Ctrl-C at last, and leaves no process, no instance and no lock', async () => {
    expect(await dev.interrupt()).toBe(0);
    expect(await processesIn(folder)).toEqual([]);
    expect(await scratchIn(cache)).toEqual([]);
    const locked = (await readdir(join(folder, 'data'), { recursive: true })).filter((path) => /(^|\/)lock\.\d+$/.test(path));
    expect(locked).toHaveLength(3); // of the network, its orderer and its peer
    for (const path of locked) await (await lockFolder(dirname(join(folder, 'data', path)), path))[Symbol.asyncDispose]();
  });
});

/** Transactions of clients, with what they wrote into the chaincode's namespace. */
function transactionsIn({ header, data, metadata }: common.Block) {
  const codes = metadata?.metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER];
  return (data?.data ?? []).flatMap((bytes, at) => {
    const payload = common.Payload.decode(common.Envelope.decode(bytes).payload);
    const { type, txId } = common.ChannelHeader.decode(payload.header?.channelHeader ?? new Uint8Array(0));
    if (type !== common.HeaderType.ENDORSER_TRANSACTION) return [];
    return [{ txId, block: header?.number, code: codes?.[at], writes: writesOf(payload.data) }];
  });
}

function writesOf(transaction: Uint8Array): readonly (readonly [string, string])[] {
  const [action] = protos.Transaction.decode(transaction).actions;
  const { action: endorsed } = protos.ChaincodeActionPayload.decode(action?.payload ?? new Uint8Array(0));
  const { extension } = protos.ProposalResponsePayload.decode(endorsed?.proposalResponsePayload ?? new Uint8Array(0));
  const { nsRwset } = rwset.TxReadWriteSet.decode(protos.ChaincodeAction.decode(extension).results);
  const own = nsRwset.filter(({ namespace }) => namespace === 'cc');
  return own.flatMap((set) => kvrwset.KVRWSet.decode(set.rwset).writes.map(({ key, value }) => [key, textOf(value)] as const));
}
