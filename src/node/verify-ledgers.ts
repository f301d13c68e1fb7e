import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyBlock } from '../committer/block-verification.ts';
import { SelvageError } from '../common/errors.ts';
import { lockFolder } from '../common/folder-lock.ts';
import type { FabricRelease } from '../ledger/compatibility.ts';
import { type Verdict, verifyLedger } from '../ledger/verify/verify-ledger.ts';
import { definedLifetimes } from '../lifecycle/committed-collections.ts';
import { bundleFromBlock } from '../msp/channelconfig/bundle.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { configEnvelopeOfBlock, lastConfigOf } from '../msp/channelconfig/config-block.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import type { common } from '../protos/messages.ts';

export interface VerifyOptions {
  /** `peer.fileSystemPath`. */
  readonly fileSystemPath: string;
  readonly release: FabricRelease;
  /** Only this channel; all of them without it. */
  readonly channelId?: string | undefined;
  /** State, history and private data, too. */
  readonly state: boolean;
}

/**
 * Checks the ledgers of a peer that does not run, one after the other: blocks, their chain and their signatures.
 * @throws {SelvageError} `FOLDER_IN_USE` while the peer runs, `CHANNEL_NOT_FOUND`, `SETTING_INVALID` for a folder without ledgers
 */
export async function* verifyLedgers(options: VerifyOptions): AsyncGenerator<Verdict & { readonly channelId: string }> {
  const root = join(options.fileSystemPath, 'ledgers');
  const names = await readdir(join(root, 'channels')).catch((cause: unknown) => {
    throw new SelvageError('SETTING_INVALID', `there are no ledgers of a peer in ${options.fileSystemPath}`, { cause });
  });
  const channels = names.filter((name) => !name.startsWith('.')).sort();
  const wanted = options.channelId === undefined ? channels : channels.filter((name) => name === options.channelId);
  if (options.channelId !== undefined && wanted.length === 0)
    throw new SelvageError('CHANNEL_NOT_FOUND', `there is no ledger of channel ${options.channelId} in ${root}`);
  await using _ = await lockFolder(root, 'the ledger folder');
  for (const channelId of wanted) {
    const parts = { folder: join(root, 'channels', channelId), lifetimes: definedLifetimes, checkBlock: signatureCheck(), ...options };
    yield { channelId, ...(await verifyLedger(parts)) };
  }
}

/** Judges each block by the configuration before it; block 0 was taken on trust when the channel was joined. */
function signatureCheck(): (block: common.Block, number: bigint) => Promise<void> {
  const verifier = new SignatureVerifier();
  let bundle: ChannelBundle | undefined;
  return async (block, number) => {
    const current = bundle;
    const isConfig = number === 0n || lastConfigOf(block) === number;
    if (isConfig && hasConfig(block)) bundle = await bundleFromBlock(block, { verifier });
    if (current !== undefined) await verifyBlock(block, { number, previousHash: undefined }, current); // the chain of hashes is looked at with the files
  };
}

function hasConfig(block: common.Block): boolean {
  try {
    return configEnvelopeOfBlock(block) !== undefined;
  } catch {
    return false;
  }
}
