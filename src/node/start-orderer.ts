import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listen } from '../comm/server.ts';
import { systemClock } from '../common/clock.ts';
import { makeFolder } from '../common/durable-files.ts';
import { messageOf } from '../common/errors.ts';
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
import type { TlsConfig } from './config/peer-config.ts';
import { loadMembership } from './membership.ts';
import { readServerTls } from './tls-material.ts';

export interface OrdererConfig {
  /** `host:port`. */
  readonly listenAddress: string;
  readonly mspConfigPath: string;
  readonly localMspId: string;
  readonly tls: TlsConfig | undefined;
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
      openBlocks: (channelId) => openBlocks(join(config.folder, channelId), log),
      bundleOf: (channelId, channelConfig) => bundleFromConfig(channelId, channelConfig, { verifier }),
      nextBundle: (current, channelConfig) => bundleAfter(current, channelConfig, { verifier }),
      cut: config.cut,
    }),
  );
  await orderer.join(genesis);
  const tls = config.tls && (await readServerTls(config.tls));
  const methods = ordererService(orderingNode(orderer), { timeWindowMs: 15 * 60_000, mutualTls: tls?.clientRoots !== undefined, log });
  const server = scope.use(await listen({ address: config.listenAddress, tls, methods, log }));
  const owned = scope.move();
  return { port: server.port, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** An index that is damaged, or of an earlier version, is made from the blocks. */
async function openBlocks(directory: string, log: Logger): Promise<StoredBlocks> {
  await makeFolder(directory);
  const index = join(directory, 'index');
  const open = () =>
    StoredBlocks.open({ directory: join(directory, 'blocks'), kv: new LmdbStore({ path: index, durability: 'overlapping' }), log });
  try {
    return await open();
  } catch (thrown) {
    log.warn('the index cannot be opened and is made from the blocks', { reason: messageOf(thrown) });
    await rm(index, { recursive: true, force: true });
    return open();
  }
}

const orderingNode = (orderer: Orderer): OrderingNode => ({
  broadcast: (envelope) => orderer.broadcast(envelope),
  find: (channelId) => {
    const blocks = orderer.blocks(channelId);
    const bundle = orderer.bundle(channelId);
    return blocks && bundle && { blocks, bundle: () => orderer.bundle(channelId) ?? bundle };
  },
});
