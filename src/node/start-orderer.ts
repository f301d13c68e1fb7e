import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listen } from '../comm/server.ts';
import { systemClock } from '../common/clock.ts';
import { makeFolder, replaceDurably, syncFolder } from '../common/durable-files.ts';
import { messageOf } from '../common/errors.ts';
import { lockFolder } from '../common/folder-lock.ts';
import type { Logger } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { LmdbStore } from '../ledger/kv/lmdb-store.ts';
import { bundleAfter, bundleFromConfig } from '../msp/channelconfig/bundle.ts';
import { channelIdOfBlock } from '../msp/channelconfig/config-block.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import { Orderer } from '../orderer/orderer.ts';
import { StoredBlocks } from '../orderer/stored-blocks.ts';
import type { common } from '../protos/messages.ts';
import { type OrderingNode, ordererService } from '../services/orderer-service.ts';
import type { TlsConfig } from './config/peer-config.ts';
import { loadMembership } from './membership.ts';
import { OrderedChannels } from './participation/ordered-channels.ts';
import { serveParticipation } from './participation/participation-server.ts';
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
  /** Where who administers it reaches the channel participation API; nowhere when it is left out. */
  readonly admin?: OrdererAdminConfig | undefined;
}

export interface OrdererAdminConfig {
  /** `host:port`. */
  readonly listenAddress: string;
  /** Everybody who comes must have a certificate of the client authorities in it. */
  readonly tls: TlsConfig | undefined;
}

/** A development orderer that answers. Disposing writes what it accepted and frees its port. */
export interface OrdererNode extends AsyncDisposable {
  readonly port: number;
  /** Of the channel participation API, where it is served. */
  readonly adminPort: number | undefined;
}

/** Starts the development orderer with the channels whose blocks it keeps, and those that begin with these blocks. */
export async function startOrderer(
  config: OrdererConfig,
  genesis: readonly common.Block[],
  { log }: { readonly log: Logger },
): Promise<OrdererNode> {
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
      removeBlocks: (channelId) => removeBlocks(config.folder, channelId),
      bundleOf: (channelId, channelConfig) => bundleFromConfig(channelId, channelConfig, { verifier }),
      nextBundle: (current, channelConfig) => bundleAfter(current, channelConfig, { verifier }),
      cut: config.cut,
    }),
  );
  await openChannels(orderer, config.folder, genesis);
  const tls = config.tls && (await readServerTls(config.tls));
  const methods = ordererService(orderingNode(orderer), { timeWindowMs: 15 * 60_000, mutualTls: tls?.clientRoots !== undefined, log });
  const server = scope.use(await listen({ address: config.listenAddress, tls, methods, log }));
  const admin = config.admin && scope.use(await startAdmin(config.admin, { orderer, verifier, log }));
  const owned = scope.move();
  return { port: server.port, adminPort: admin?.port, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** Those that are to be begun, unless they were and have been removed since, and all others whose blocks are kept. */
async function openChannels(orderer: Orderer, folder: string, genesis: readonly common.Block[]): Promise<void> {
  const begun = join(folder, BEGUN);
  const before = new Set<string>(existsSync(begun) ? JSON.parse(await readFile(begun, 'utf8')) : []);
  const kept = await keptChannels(folder);
  const wanted = genesis.map((block) => ({ block, channelId: channelIdOfBlock(block) }));
  for (const { block, channelId } of wanted) if (!before.has(channelId) || kept.includes(channelId)) await orderer.join(block);
  await replaceDurably(begun, `${JSON.stringify([...new Set([...before, ...wanted.map(({ channelId }) => channelId)])])}\n`);
  for (const channelId of kept) if (!(await orderer.resume(channelId))) await removeBlocks(folder, channelId);
}

/** Names the channels that the orderer was started with. */
const BEGUN = 'begun.json';

async function startAdmin(
  { listenAddress: address, tls }: OrdererAdminConfig,
  { orderer, verifier, log }: { readonly orderer: Orderer; readonly verifier: SignatureVerifier; readonly log: Logger },
) {
  const channels = new OrderedChannels({ orderer, verifier });
  return serveParticipation({ address, tls: tls && (await readServerTls({ ...tls, clientAuthRequired: true })), channels, log });
}

/** What the name of a folder begins with whose channel was removed. */
const REMOVED = '.removed-';

/** In one step, so that nothing is gone on with of a channel that is partly there. */
async function removeBlocks(folder: string, channelId: string): Promise<void> {
  const aside = join(folder, `${REMOVED}${randomUUID()}`);
  await rename(join(folder, channelId), aside);
  await syncFolder(folder);
  await rm(aside, { recursive: true, force: true });
}

/** Channels with a folder. What is left of removed ones goes away. */
async function keptChannels(folder: string): Promise<readonly string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  for (const { name } of entries) if (name.startsWith(REMOVED)) await rm(join(folder, name), { recursive: true, force: true });
  return entries.map(({ name }) => name).filter((name) => !name.startsWith('.'));
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
