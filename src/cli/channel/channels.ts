import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { signConfigUpdate } from '../../client/config-update.ts';
import { chainInfo, joinBySnapshotStatus, joinChannel, joinChannelBySnapshot, joinedChannels } from '../../client/system-calls.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Signer } from '../../msp/identity.ts';
import { common } from '../../protos/messages.ts';
import { Connections } from '../connections.ts';
import { readBytes } from '../read-file.ts';
import type { Terminal } from '../terminal.ts';
import { writeWhole } from '../written-file.ts';
import type { ChannelFlags, CreateFlags, FileFlags } from './channel-flags.ts';
import { fetchBlock } from './fetch.ts';

export async function create(flags: CreateFlags, terminal: Terminal): Promise<void> {
  if (flags.channelID === '')
    throw new SelvageError('SETTING_INVALID', 'must supply channel ID', { advice: 'Name the channel with -c CHANNEL.' });
  using connections = new Connections(terminal);
  const signer = await connections.signer();
  const { envelope } = await signedUpdate(flags, signer, terminal);
  const client = await connections.orderer(flags);
  await client.broadcast(envelope, terminal);
  const block = await genesisBlock(flags, terminal, () =>
    fetchBlock({ source: client, signer, channelId: flags.channelID, tlsCertHash: connections.tlsCertHash() }, '0', terminal),
  );
  writeWhole(resolve(terminal.cwd, flags.outputBlock ?? `${flags.channelID}.block`), common.Block.encode(block));
  terminal.say('Received block: 0');
}

const RETRY_MS = 200;

/** The orderer takes a moment to make the channel, and refuses to deliver it until then. */
async function genesisBlock({ timeout }: CreateFlags, { signal }: Terminal, read: () => Promise<common.Block>): Promise<common.Block> {
  for (const until = Date.now() + timeout; ; await pause(RETRY_MS, undefined, { signal })) {
    try {
      return await read();
    } catch (cause) {
      signal.throwIfAborted();
      if (Date.now() + RETRY_MS < until) continue;
      throw new SelvageError('DEADLINE_EXCEEDED', `timeout waiting for channel creation: ${messageOf(cause)}`, {
        cause,
        advice: 'See the log of the orderer, or give it more time with --timeout.',
      });
    }
  }
}

export async function update(flags: ChannelFlags & FileFlags, terminal: Terminal): Promise<void> {
  refuseNoChannel(flags);
  using connections = new Connections(terminal);
  const { envelope } = await signedUpdate(flags, await connections.signer(), terminal);
  await (await connections.broadcaster(flags)).broadcast(envelope, terminal);
  terminal.say('Successfully submitted channel update');
}

/** The update in the file, signed by us too. @throws {SelvageError} `SETTING_INVALID` when it is for another channel */
async function signedUpdate({ file, channelID }: ChannelFlags & FileFlags, signer: Signer, { cwd }: Terminal) {
  const signed = await signFile(file, signer, cwd);
  if (signed.channelId === channelID) return signed;
  throw new SelvageError(
    'SETTING_INVALID',
    `Invalid channel create transaction : mismatched channel ID ${signed.channelId} != ${channelID}`,
    {
      advice: `${file} is for channel ${signed.channelId}, and -c names ${channelID}.`,
    },
  );
}

/** Adds our signature to the update in the file. */
export async function signConfigTx({ file }: FileFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const { envelope } = await signFile(file, await connections.signer(), terminal.cwd);
  writeWhole(resolve(terminal.cwd, file ?? ''), envelope);
  terminal.say(`Signed ${file}`);
}

async function signFile(file: string | undefined, signer: Signer, cwd: string) {
  if (file === undefined)
    throw new SelvageError('SETTING_INVALID', 'Invalid channel create transaction : No configtx file name supplied', {
      advice: 'Name it with -f FILE.',
    });
  const bytes = readBytes(resolve(cwd, file), { refusal: 'channel create configuration tx file not found' });
  try {
    return await signConfigUpdate(bytes, signer);
  } catch (cause) {
    const { advice } = SelvageError.from(cause);
    throw new SelvageError('SETTING_INVALID', `Invalid channel create transaction : ${file}: ${messageOf(cause)}`, {
      cause,
      ...(advice !== undefined && { advice }),
    });
  }
}

export async function join({ blockpath }: { readonly blockpath?: string }, terminal: Terminal): Promise<void> {
  if (blockpath === undefined)
    throw new SelvageError('SETTING_INVALID', 'Must supply genesis block path', { advice: 'Name the file with -b FILE.' });
  const block = readBytes(resolve(terminal.cwd, blockpath), { refusal: 'genesis block file not found' });
  using connections = new Connections(terminal);
  await joinChannel(await connections.caller(), block, terminal);
  terminal.say('Successfully submitted proposal to join channel');
}

export async function joinBySnapshot({ snapshotpath }: { readonly snapshotpath: string }, terminal: Terminal): Promise<void> {
  if (snapshotpath === '')
    throw new SelvageError('SETTING_INVALID', "the required parameter 'snapshotpath' is empty. Rerun the command with --snapshotpath flag");
  using connections = new Connections(terminal);
  await joinChannelBySnapshot(await connections.caller(), snapshotpath, terminal);
  terminal.say('The joinbysnapshot operation is in progress. Use "channel joinbysnapshotstatus" to check the status.');
}

export async function snapshotStatus(terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const { inProgress, bootstrappingSnapshotDir } = await joinBySnapshotStatus(await connections.caller(), terminal);
  const running = `A joinbysnapshot operation is in progress for snapshot at ${bootstrappingSnapshotDir}`;
  terminal.out(inProgress ? running : 'No joinbysnapshot operation is in progress');
}

export async function list(terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const names = await joinedChannels(await connections.caller(), terminal);
  terminal.out('Channels peers has joined: ');
  for (const name of names) terminal.out(name);
}

export async function getInfo(flags: ChannelFlags, terminal: Terminal): Promise<void> {
  refuseNoChannel(flags);
  using connections = new Connections(terminal);
  const info = await chainInfo(await connections.caller(), flags.channelID, terminal);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const shown = {
    height: Number(info.height),
    currentBlockHash: base64(info.currentBlockHash),
    ...(info.previousBlockHash.length > 0 ? { previousBlockHash: base64(info.previousBlockHash) } : {}),
  };
  terminal.out(`Blockchain info: ${JSON.stringify(shown)}`);
}

/** One block into a file: from the orderer that -o names, else from the peer. */
export async function fetchToFile(which: string, output: string | undefined, flags: ChannelFlags, terminal: Terminal): Promise<void> {
  refuseNoChannel(flags);
  using connections = new Connections(terminal);
  const signer = await connections.signer();
  const source = /^[^,]*:[^,:]+$/.test(flags.orderer ?? '') ? await connections.orderer(flags) : await connections.peer();
  const { channelID: channelId, bestEffort } = flags;
  const block = await fetchBlock({ source, signer, channelId, bestEffort, tlsCertHash: connections.tlsCertHash() }, which, terminal);
  writeWhole(resolve(terminal.cwd, output ?? `${channelId}_${which}.block`), common.Block.encode(block));
  terminal.say(`Received block: ${block.header?.number ?? 0n}`);
}

function refuseNoChannel({ channelID }: ChannelFlags): void {
  if (channelID === '')
    throw new SelvageError('SETTING_INVALID', 'Must supply channel ID', { advice: 'Name the channel with -c CHANNEL.' });
}
