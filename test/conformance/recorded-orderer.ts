/** Ordering services of the recorded network: one that judges what was sent, one that has the recorded blocks. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../src/common/clock.ts';
import { silent } from '../../src/common/log.ts';
import { bundleAfter, bundleFromBlock, bundleFromConfig } from '../../src/msp/channelconfig/bundle.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { loadLocalMsp } from '../../src/msp/local-msp.ts';
import { Orderer } from '../../src/orderer/orderer.ts';
import { common, msp } from '../../src/protos/messages.ts';
import type { OrderingNode } from '../../src/services/orderer-service.ts';
import { MemoryBlocks } from '../fakes/memory-blocks.ts';
import { fixtures } from '../fixtures.ts';
import { readYaml } from '../recorded-networks.ts';
import { type Network, type Recording, read } from './recording.ts';

const RELEASE = { 'v1.1': { dialect: '1.1', form: '1.x', msp: '1.1' }, 'v2.4': { dialect: '2.x', form: '2.x', msp: '1.4.3' } } as const;

/** A development orderer that begins as the recorded one began, with its identity. */
export async function startOrderer({ network, blocks }: Recording, clock: Clock): Promise<Orderer> {
  const release = RELEASE[network];
  const verifier = new SignatureVerifier();
  const parts = { verifier, dialect: release.dialect };
  const { signer } = await loadLocalMsp(mspFolder(network), {
    mspId: ordererMsp(blocks),
    verifier,
    clock,
    version: release.msp,
    readYaml,
  });
  const orderer = new Orderer({
    signer,
    clock,
    log: silent,
    openBlocks: async () => new MemoryBlocks(),
    bundleOf: (channelId, config) => bundleFromConfig(channelId, config, parts),
    nextBundle: (current, config) => bundleAfter(current, config, parts),
    cut: 'instant',
    form: release.form,
  });
  await orderer.join(common.Block.decode(read(network, 'config/channel.block')));
  return orderer;
}

/** Serves recorded blocks, in the form an orderer has them, up to a height that can be raised. */
export class BlocksOfOrderer implements OrderingNode {
  readonly #recording: Recording;
  height = 1;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  broadcast(): Promise<never> {
    throw new Error('nobody broadcasts here');
  }

  find(channelId: string): ReturnType<OrderingNode['find']> {
    const { blocks, network } = this.#recording;
    const [genesis] = blocks;
    if (channelId !== this.#recording.channelId || genesis === undefined) return undefined;
    const bundle = bundleFromBlock(genesis, { verifier: new SignatureVerifier(), dialect: RELEASE[network].dialect });
    return {
      bundle: () => bundle,
      blocks: {
        height: () => BigInt(this.height),
        block: (number) => asOrdered(blocks[Number(number)]),
        waitFor: () => new Promise(() => undefined), // a recorded call that waits for more was never answered
      },
    };
  }
}

/** Without what the peer added: validation codes, and in 2.x the commit hash. */
export function asOrdered(block: common.Block | undefined): common.Block | undefined {
  if (block === undefined) return undefined;
  const added: ReadonlySet<number> = new Set([common.BlockMetadataIndex.TRANSACTIONS_FILTER, common.BlockMetadataIndex.COMMIT_HASH]);
  return {
    ...block,
    metadata: { metadata: (block.metadata?.metadata ?? []).map((value, slot) => (added.has(slot) ? new Uint8Array() : value)) },
  };
}

/** The MSP of whoever signed the first block that was ordered. */
function ordererMsp(blocks: readonly common.Block[]): string {
  const { signatures } = common.Metadata.decode(blocks[1]?.metadata?.metadata[common.BlockMetadataIndex.SIGNATURES] ?? new Uint8Array());
  const { creator } = common.SignatureHeader.decode(signatures[0]?.signatureHeader ?? new Uint8Array());
  return msp.SerializedIdentity.decode(creator).mspid;
}

function mspFolder(network: Network): string {
  const root = join(fixtures ?? '', network, 'crypto', 'ordererOrganizations');
  const [org = ''] = readdirSync(root);
  const [node = ''] = readdirSync(join(root, org, 'orderers'));
  return join(root, org, 'orderers', node, 'msp');
}
