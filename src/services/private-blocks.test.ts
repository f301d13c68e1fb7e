import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Channel } from '../channel/channel.ts';
import { CommittedBlock } from '../channel/committed-block.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { Scope } from '../common/scope.ts';
import { configTransaction, endorsed } from '../ledger/commit/test-block.contract.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { FolderLedgerProvider } from '../ledger/ledger-provider.ts';
import type { TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { common, kvrwset, protos } from '../protos/messages.ts';
import { blockWithPrivateData } from './private-blocks.ts';

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const blockOf = (number: bigint, previousHash: Uint8Array, data: readonly Uint8Array[]): common.Block => ({
  header: { number, previousHash, dataHash: blockDataHash({ data }) },
  data: { data },
  metadata: { metadata: [] },
});

/** A channel whose policies are satisfied by whoever is called `member`. */
async function opened(): Promise<Channel & { readonly ledger: Ledger }> {
  const root = await mkdtemp(join(tmpdir(), 'selvage-private-blocks-'));
  scope.defer(() => rm(root, { recursive: true, force: true }));
  const ledgers = scope.use(await FolderLedgerProvider.open({ root }));
  const genesis = blockOf(0n, new Uint8Array(0), [configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }))]);
  const ledger = await ledgers.create('ch', genesis);
  const evaluate = async ([signed]: readonly { readonly identity: Uint8Array }[]) =>
    textOf(signed?.identity ?? utf8('')) === 'member' ? { ok: true } : { ok: false, reason: 'no member' };
  return { id: 'ch', ledger, bundle: () => ({ signaturePolicy: () => ({ evaluate }) }) } as unknown as Channel & {
    readonly ledger: Ledger;
  };
}

async function commit(ledger: Ledger, ...works: readonly ((simulator: TxSimulator) => void)[]): Promise<void> {
  const { height, currentBlockHash } = ledger.blocks.info();
  const results = await Promise.all(
    works.map(async (work, index) => {
      await using simulator = await ledger.simulate(`tx${height}.${index}`);
      work(simulator);
      return simulator.result();
    }),
  );
  const data = results.map(({ publicRwset }, index) => endorsed(`tx${height}.${index}`, publicRwset));
  const privateData = new Map(results.flatMap(({ privateRwset }, index) => (privateRwset === undefined ? [] : [[index, [privateRwset]]])));
  await ledger.commit({ block: blockOf(height, currentBlockHash, data), flags: new Uint8Array(data.length), reasons: [], privateData });
}

const define =
  (...configs: readonly protos.StaticCollectionConfigInit[]) =>
  (simulator: TxSimulator): void =>
    simulator.putState(
      'lscc',
      'cc~collection',
      protos.CollectionConfigPackage.encode({ config: configs.map((staticCollectionConfig) => ({ staticCollectionConfig })) }),
    );

const put = (collection: string, value: string) => (simulator: TxSimulator) => simulator.putPrivateData('cc', collection, 'k', utf8(value));

/** What somebody gets of a block: `index namespace/collection=value`. */
async function seen(channel: Channel & { readonly ledger: Ledger }, number: bigint, who: string): Promise<readonly string[]> {
  const block = await channel.ledger.blocks.block(number);
  if (block === undefined) throw new Error('no such block');
  const subject = [{ data: utf8('request'), identity: utf8(who), signature: utf8('signature') }];
  const { blockAndPrivateData } = protos.DeliverResponse.decode(
    await blockWithPrivateData(new CommittedBlock('ch', block), channel, subject),
  );
  expect(blockAndPrivateData?.block?.header?.number).toBe(number);
  return [...(blockAndPrivateData?.privateDataMap ?? [])].flatMap(([index, { nsPvtRwset }]) =>
    nsPvtRwset.flatMap(({ namespace, collectionPvtRwset }) =>
      collectionPvtRwset.map(
        ({ collectionName, rwset }) =>
          `${index} ${namespace}/${collectionName}=${textOf(kvrwset.KVRWSet.decode(rwset).writes[0]?.value ?? utf8(''))}`,
      ),
    ),
  );
}

describe('a block with private data', () => {
  it('has for members what is for members, and for every reader the rest', async () => {
    const channel = await opened();
    await commit(channel.ledger, define({ name: 'secret', memberOnlyRead: true }, { name: 'open' }));
    await commit(
      channel.ledger,
      (simulator) => simulator.putState('cc', 'public', utf8('p')),
      (simulator) => {
        put('secret', 's')(simulator);
        put('open', 'o')(simulator);
      },
      put('undefined', 'u'),
      put('_implicit_org_Org1MSP', 'i'),
    );
    expect(await seen(channel, 2n, 'member')).toEqual(['1 cc/open=o', '1 cc/secret=s', '3 cc/_implicit_org_Org1MSP=i']);
    expect(await seen(channel, 2n, 'stranger')).toEqual(['1 cc/open=o', '3 cc/_implicit_org_Org1MSP=i']);
    expect(await seen(channel, 1n, 'member')).toEqual([]);
  });

  it('is judged by the collection as it was before the block', async () => {
    const channel = await opened();
    await commit(channel.ledger, define({ name: 'c', memberOnlyRead: true }));
    await commit(channel.ledger, put('c', 'early'));
    await commit(channel.ledger, define({ name: 'c' }));
    await commit(channel.ledger, put('c', 'late'));
    expect(await seen(channel, 2n, 'stranger')).toEqual([]);
    expect(await seen(channel, 4n, 'stranger')).toEqual(['0 cc/c=late']);
    expect(await seen(channel, 2n, 'member')).toEqual(['0 cc/c=early']);
  });
});
