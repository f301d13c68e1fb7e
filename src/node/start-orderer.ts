import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listen } from '../comm/server.ts';
import { systemClock } from '../common/clock.ts';
import { lockFolder } from '../common/folder-lock.ts';
import type { Logger } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { LmdbStore } from '../ledger/kv/lmdb-store.ts';
import { bundleAfter, bundleFromConfig } from '../msp/channelconfig/bundle.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import { Orderer } from '../orderer/orderer.ts';
import { StoredBlocks } from '../orderer/stored-blocks.ts';
import type { common } from '../protos/messages.ts';
import { type OrderingNode, ordererService } from '../services/orderer-service.ts';
import { readPem } from './files.ts';
import { loadMembership } from './membership.ts';

export interface OrdererConfig {
  /** `host:port`. */
  readonly listenAddress: string;
  readonly mspConfigPath: string;
  readonly localMspId: string;
  readonly tls: { readonly keyFile: string; readonly certFile: string } | undefined;
  /** Where the blocks are kept. */
  readonly folder: string;
  readonly cut: 'instant' | 'batch';
}

/** A development orderer that answers. Disposing writes what it accepted and frees its port. */
export interface OrdererNode extends AsyncDisposable {
  readonly port: number;
}

/** Starts the development orderer with one channel: begun with this block, or gone on with where its kept blocks end. */
export async function startOrderer(config: OrdererConfig, genesis: common.Block, { log }: { readonly log: Logger }): Promise<OrdererNode> {
  await using scope = new Scope();
  scope.use(await lockFolder(config.folder, "the orderer's folder"));
  const verifier = new SignatureVerifier();
  const { signer } = await loadMembership(config.mspConfigPath, config.localMspId, { verifier, log });
  const orderer = scope.use(
    new Orderer({
      signer,
      clock: systemClock,
      log,
      openBlocks: (channelId) => openBlocks(join(config.folder, channelId)),
      bundleOf: (channelId, channelConfig) => bundleFromConfig(channelId, channelConfig, { verifier }),
      nextBundle: (current, channelConfig) => bundleAfter(current, channelConfig, { verifier }),
      cut: config.cut,
    }),
  );
  await orderer.join(genesis);
  const tls = config.tls && { key: await readPem(config.tls.keyFile), cert: await readPem(config.tls.certFile) };
  const methods = ordererService(orderingNode(orderer), { timeWindowMs: 15 * 60_000, mutualTls: false, log });
  const server = scope.use(await listen({ address: config.listenAddress, tls, methods, log }));
  const owned = scope.move();
  return { port: server.port, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

async function openBlocks(directory: string): Promise<StoredBlocks> {
  await mkdir(directory, { recursive: true });
  return StoredBlocks.open({
    directory: join(directory, 'blocks'),
    kv: new LmdbStore({ path: join(directory, 'index'), durability: 'synced' }),
  });
}

const orderingNode = (orderer: Orderer): OrderingNode => ({
  broadcast: (envelope) => orderer.broadcast(envelope),
  find: (channelId) => {
    const blocks = orderer.blocks(channelId);
    const bundle = orderer.bundle(channelId);
    return blocks && bundle && { blocks, bundle: () => orderer.bundle(channelId) ?? bundle };
  },
});
