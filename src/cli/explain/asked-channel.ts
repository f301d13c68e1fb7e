import { resolve } from 'node:path';
import { type Caller, joinedChannels } from '../../client/system-calls.ts';
import { SelvageError } from '../../common/errors.ts';
import { systemTimers } from '../../common/timers.ts';
import { readConnectionProfile } from '../../node/config/connection-profile.ts';
import type { Connections } from '../connections.ts';
import { Patience } from '../patience.ts';
import { chaincodeTargets, type Target } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import type { ExplainFlags } from './explain-flags.ts';
import { PeerBlocks } from './peer-blocks.ts';

/** The blocks that the flags and the environment name: of one channel, with one peer. */
export async function askedChannel(flags: ExplainFlags, connections: Connections, terminal: Terminal): Promise<PeerBlocks> {
  const caller = await connections.caller(targets(flags, connections));
  const channelId = flags.channelID === '' ? await onlyChannel(caller, terminal) : flags.channelID;
  return new PeerBlocks(caller, { channelId, tlsCertHash: connections.tlsCertHash() });
}

/** Of a connection profile one peer is asked: the named one, one that endorses on the channel, one of its own organisation, or the first. */
function targets(flags: ExplainFlags, connections: Connections): readonly Target[] {
  const { channelID, connectionProfile, targetPeer } = flags;
  if (!connectionProfile) return chaincodeTargets({ command: 'why', flags, channelId: channelID }, connections);
  const profile = readConnectionProfile(resolve(connections.cwd, connectionProfile), connections.cwd);
  const own = profile.organizations.get(profile.own ?? '')?.peers ?? [];
  const names = [targetPeer || undefined, profile.endorsers.get(channelID)?.[0], own[0], [...profile.peers.keys()][0]];
  const name = names.find((each) => each !== undefined);
  const peer = name === undefined ? undefined : profile.peers.get(name);
  if (peer !== undefined) return [{ peer, profile: profile.file }];
  throw new SelvageError('SETTING_INVALID', `${profile.file} describes no peer${name === undefined ? '' : ` ${name}`}`, {
    advice: 'Describe the peer under peers, with its url and tlsCACerts, or name it by CORE_PEER_ADDRESS.',
  });
}

async function onlyChannel(caller: Caller, terminal: Terminal): Promise<string> {
  using patience = new Patience(`the peer at ${caller.peer.address} does not tell its channels`, systemTimers, terminal.signal);
  const channels = await joinedChannels(caller, patience);
  const [only] = channels;
  if (only !== undefined && channels.length === 1) return only;
  const which = channels.length === 0 ? 'has joined no channel' : `has joined ${channels.length} channels: ${channels.join(', ')}`;
  throw new SelvageError('SETTING_INVALID', `the peer at ${caller.peer.address} ${which}`, { advice: 'Name the channel with -C CHANNEL.' });
}
