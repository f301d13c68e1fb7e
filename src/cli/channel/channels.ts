import { resolve } from 'node:path';
import { signConfigUpdate } from '../../client/config-update.ts';
import type { BlockPosition } from '../../client/seek.ts';
import { type Caller, chainInfo, joinChannel, joinedChannels } from '../../client/system-calls.ts';
import { SelvageError } from '../../common/errors.ts';
import { lastConfigOf } from '../../msp/channelconfig/config-block.ts';
import type { Signer } from '../../msp/identity.ts';
import { common } from '../../protos/messages.ts';
import { Connections, readBytes } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import { writeWhole } from '../written-file.ts';
import type { ChannelFlags, FileFlags } from './channel-commands.ts';

export async function create(flags: ChannelFlags & FileFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const client = connections.orderer(flags);
  const signer = await connections.signer();
  const { channelId, envelope } = await signedUpdate(flags, signer, terminal);
  await client.broadcast(envelope, terminal);
  for await (const block of client.blocks(signer, channelId, { start: 0n, stop: 0n }, terminal)) {
    writeWhole(resolve(terminal.cwd, flags.outputBlock ?? `${channelId}.block`), common.Block.encode(block));
  }
  terminal.say('Received block: 0');
}

export async function update(flags: ChannelFlags & FileFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const { envelope } = await signedUpdate(flags, await connections.signer(), terminal);
  await connections.orderer(flags).broadcast(envelope, terminal);
  terminal.say('Successfully submitted channel update');
}

/** The update in the file, signed by us too. @throws {SelvageError} `SETTING_INVALID` when it is for another channel */
async function signedUpdate({ file, channelID }: ChannelFlags & FileFlags, signer: Signer, { cwd }: Terminal) {
  const signed = await signConfigUpdate(readBytes(resolve(cwd, file)), signer);
  if (signed.channelId === channelID) return signed;
  throw new SelvageError('SETTING_INVALID', `mismatched channel ID ${signed.channelId} != ${channelID}`);
}

/** Adds our signature to the update in the file. */
export async function signConfigTx({ file }: FileFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const path = resolve(terminal.cwd, file);
  writeWhole(path, (await signConfigUpdate(readBytes(path), await connections.signer())).envelope);
  terminal.say(`Signed ${file}`);
}

export async function join({ blockpath }: { readonly blockpath: string }, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  await joinChannel(await caller(connections), readBytes(resolve(terminal.cwd, blockpath)), terminal);
  terminal.say('Successfully submitted proposal to join channel');
}

export async function list(terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const names = await joinedChannels(await caller(connections), terminal);
  terminal.out('Channels peers has joined: ');
  for (const name of names) terminal.out(name);
}

export async function getInfo({ channelID }: ChannelFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const info = await chainInfo(await caller(connections), channelID, terminal);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const shown = {
    height: Number(info.height),
    currentBlockHash: base64(info.currentBlockHash),
    ...(info.previousBlockHash.length > 0 ? { previousBlockHash: base64(info.previousBlockHash) } : {}),
  };
  terminal.out(`Blockchain info: ${JSON.stringify(shown)}`);
}

const caller = async (connections: Connections): Promise<Caller> => ({ peer: connections.peer(), signer: await connections.signer() });

/** One block into a file: from the orderer that -o names, else from the peer. */
export async function fetchToFile(which: string, output: string | undefined, flags: ChannelFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const block = await fetchBlock(connections, which, flags, terminal);
  writeWhole(resolve(terminal.cwd, output ?? `${flags.channelID}_${which}.block`), common.Block.encode(block));
  terminal.say(`Received block: ${block.header?.number ?? 0n}`);
}

async function fetchBlock(connections: Connections, which: string, flags: ChannelFlags, terminal: Terminal): Promise<common.Block> {
  const signer = await connections.signer();
  const source = flags.orderer === undefined ? undefined : connections.orderer(flags);
  const peer = source === undefined ? connections.peer() : undefined;
  const read = async (at: BlockPosition): Promise<common.Block> => {
    const range = { start: at, stop: at, failIfNotReady: true, tlsCertHash: connections.tlsCertHash() };
    if (source !== undefined) for await (const block of source.blocks(signer, flags.channelID, range, terminal)) return block;
    if (peer !== undefined)
      for await (const { block } of peer.blocks(signer, flags.channelID, range, terminal)) if (block !== undefined) return block;
    throw new SelvageError('NOT_FOUND', `no block ${at} came`);
  };
  if (which !== 'config') return read(positionOf(which));
  return read(lastConfigOf(await read('newest')));
}

function positionOf(which: string): BlockPosition {
  if (which === 'newest' || which === 'oldest') return which;
  if (/^\d+$/.test(which)) return BigInt(which);
  throw new SelvageError('SETTING_INVALID', `fetch target illegal: ${which}`, {
    advice: 'Write newest, oldest, config or a block number.',
  });
}
