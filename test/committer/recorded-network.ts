import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../../src/common/scope.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { FolderLedgerProvider } from '../../src/ledger/ledger-provider.ts';
import * as bundles from '../../src/msp/channelconfig/bundle.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { fixtures, readFixture } from '../fixtures.ts';

export type Network = 'v1.1' | 'v2.4';

/** The recorded blocks of one node, flags included where the peer had them. */
export function recordedBlocks(network: Network, node: 'peer' | 'orderer'): readonly common.Block[] {
  const blocks: common.Block[] = [];
  for (let number = 0; ; number += 1) {
    const file = `${network}/blocks/${node}/${number}.pb`;
    if (fixtures === undefined || !existsSync(join(fixtures, file))) return blocks;
    blocks.push(common.Block.decode(readFixture(file)));
  }
}

const verifier = new SignatureVerifier();

export const bundleFromBlock = (block: common.Block): ChannelBundle => bundles.bundleFromBlock(block, { verifier });

export const applyConfig = (bundle: ChannelBundle, envelope: common.ConfigEnvelope): Promise<ChannelBundle> =>
  bundles.validateConfigEnvelope(bundle, envelope, { verifier });

export const codeName = (code: number): string =>
  Object.entries(protos.TxValidationCode).find(([, value]) => value === code)?.[0] ?? String(code);

/** A folder of ledgers that is gone when it is disposed, open or not. */
export interface LedgerFolder extends AsyncDisposable {
  readonly root: string;
  open(): Promise<FolderLedgerProvider>;
}

export async function ledgerFolder(): Promise<LedgerFolder> {
  const scope = new Scope();
  const root = await mkdtemp(join(tmpdir(), 'selvage-committer-'));
  scope.defer(() => rm(root, { recursive: true, force: true }));
  return {
    root,
    open: async () => scope.use(await FolderLedgerProvider.open({ root })),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

/** A real ledger of a recorded channel, from its first block on; disposing removes it. */
export async function recordedLedger(
  network: Network,
): Promise<AsyncDisposable & { readonly ledger: Ledger; readonly bundle: ChannelBundle }> {
  const [genesis] = recordedBlocks(network, 'peer');
  if (genesis === undefined) throw new Error('no recorded blocks');
  const folder = await ledgerFolder();
  const bundle = bundleFromBlock(genesis);
  const ledger = await (await folder.open()).create(bundle.channelId, genesis);
  return { ledger, bundle, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
