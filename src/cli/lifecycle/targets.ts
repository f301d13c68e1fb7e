/** The peers that a lifecycle command talks to. */
import { resolve } from 'node:path';
import type { PeerClient } from '../../client/peer-client.ts';
import type { Caller } from '../../client/system-calls.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Connections } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import type { TargetFlags } from './lifecycle-commands.ts';

/**
 * Those of --peerAddresses, those of the connection profile, or that of the environment.
 *
 * @param channelId '' for commands that name no channel: with a profile they need --targetPeer
 * @throws {SelvageError} `SETTING_INVALID`
 */
export async function targets(
  connections: Connections,
  flags: TargetFlags,
  { cwd }: Pick<Terminal, 'cwd'>,
  channelId: string,
): Promise<readonly PeerClient[]> {
  if (flags.connectionProfile === undefined) return connections.peers(flags);
  const { readConnectionProfile } = await import('../../node/config/connection-profile.ts');
  const { peers, endorsers } = readConnectionProfile(resolve(cwd, flags.connectionProfile));
  const names = channelId === '' ? [targetPeer(flags)] : (endorsers.get(channelId) ?? []);
  if (names.length === 0)
    throw new SelvageError('SETTING_INVALID', `the connection profile names no endorsing peer of channel ${channelId}`);
  return names.map((name) => {
    const peer = peers.get(name);
    if (peer === undefined) throw new SelvageError('SETTING_INVALID', `peer '${name}' doesn't have associated peer config`);
    return connections.peerAt(peer);
  });
}

/** The one peer of a command that asks one, and who asks. */
export async function oneTarget(
  connections: Connections,
  command: string,
  flags: TargetFlags,
  terminal: Pick<Terminal, 'cwd'>,
  channelId = '',
): Promise<Caller> {
  const [peer, ...others] = await targets(connections, flags, terminal, channelId);
  if (peer === undefined || others.length > 0)
    throw new SelvageError('SETTING_INVALID', `'${command}' command supports one peer. ${others.length + 1} peers provided`);
  return { peer, signer: await connections.signer() };
}

function targetPeer({ targetPeer: name }: TargetFlags): string {
  if (name !== undefined) return name;
  throw new SelvageError('SETTING_INVALID', '--targetPeer must be specified for channel-less operation using connection profile');
}
