/** The peers that a command talks to. */
import { resolve } from 'node:path';
import { SelvageError } from '../common/errors.ts';
import type { ClientConfig } from '../node/config/client-config.ts';
import { type ConnectionProfile, type ProfilePeer, readConnectionProfile } from '../node/config/connection-profile.ts';
import type { PeerFlags } from './flags.ts';

/** Peers by address, or from a connection profile. */
export interface TargetFlags extends PeerFlags {
  readonly targetPeer?: string;
}

/** A peer by its address, '' for that of the environment, or one of a connection profile. */
export type Target = { readonly address: string; readonly rootsFile: string } | { readonly peer: ProfilePeer; readonly profile: string };

/** A command with its flags, and the channel it is about; '' for none. */
export interface Targeting {
  readonly command: string;
  readonly flags: TargetFlags;
  readonly channelId: string;
}

/** What tells where peers are, beside the flags. */
export interface TargetContext {
  readonly config: Pick<ClientConfig, 'tls'>;
  readonly cwd: string;
}

const MANY: ReadonlySet<string> = new Set(['invoke', 'approveformyorg', 'commit']);

/**
 * For the commands of the 2.x lifecycle: those of --peerAddresses, those of the connection profile, or that of the environment.
 *
 * @throws {SelvageError} `SETTING_INVALID`
 * @see parseConnectionProfile in hyperledger/fabric v2.5, internal/peer/lifecycle/chaincode/client_connections.go
 */
export function lifecycleTargets({ command, flags, channelId }: Targeting, context: TargetContext): readonly Target[] {
  return refuseMany(command, lifecycleNames(flags, channelId, context), (count) => `supports one peer. ${count} peers provided`);
}

function lifecycleNames(flags: TargetFlags, channelId: string, context: TargetContext): readonly Target[] {
  if (!flags.connectionProfile) return byAddress(flags, context);
  const profile = readConnectionProfile(resolve(context.cwd, flags.connectionProfile), context.cwd);
  if (channelId === '') return named([targetPeer(flags)], profile);
  const names = profile.endorsers.get(channelId) ?? [];
  if (names.length > 0) return named(names, profile);
  throw new SelvageError('SETTING_INVALID', `${profile.file} names no endorsing peer of channel ${channelId}`, {
    advice: `Add channels: ${channelId}: peers: NAME: endorsingPeer: true, for peers that it describes under peers.`,
  });
}

/**
 * For the commands of `chaincode`: as above, but a profile that says nothing of the channel leaves it to the other settings.
 *
 * @throws {SelvageError} `SETTING_INVALID`
 * @see validatePeerConnectionParameters in hyperledger/fabric v2.5, internal/peer/chaincode/common.go
 */
export function chaincodeTargets({ command, flags, channelId }: Targeting, context: TargetContext): readonly Target[] {
  const tooMany = (count: number): string => `can only be executed against one peer. received ${count}`;
  return refuseMany(command, chaincodeNames(flags, channelId, context), tooMany);
}

function chaincodeNames(flags: TargetFlags, channelId: string, context: TargetContext): readonly Target[] {
  if (!flags.connectionProfile) return byAddress(flags, context);
  const profile = readConnectionProfile(resolve(context.cwd, flags.connectionProfile), context.cwd);
  const names = profile.endorsers.get(channelId);
  if (names === undefined) return byAddress(flags, context);
  if (names.length > 0) return named(names, profile);
  throw new SelvageError('SETTING_INVALID', `${profile.file} lists peers of channel ${channelId}, and none with endorsingPeer: true`);
}

function byAddress({ peerAddresses = [''], tlsRootCertFiles = [''] }: TargetFlags, { config }: TargetContext): readonly Target[] {
  if (config.tls && tlsRootCertFiles.length !== peerAddresses.length)
    throw new SelvageError(
      'SETTING_INVALID',
      `number of peer addresses (${peerAddresses.length}) does not match the number of TLS root cert files (${tlsRootCertFiles.length})`,
      { advice: 'Give one --tlsRootCertFiles for each --peerAddresses, in the same order.' },
    );
  return peerAddresses.map((address, at) => ({ address, rootsFile: tlsRootCertFiles[at] ?? '' }));
}

const named = (names: readonly string[], { peers, file: profile }: ConnectionProfile): readonly Target[] =>
  names.map((name) => {
    const peer = peers.get(name);
    if (peer !== undefined) return { peer, profile };
    throw new SelvageError('SETTING_INVALID', `peer '${name}' doesn't have associated peer config in ${profile}`);
  });

function refuseMany(command: string, targets: readonly Target[], tooMany: (count: number) => string): readonly Target[] {
  if (targets.length <= 1 || MANY.has(command)) return targets;
  throw new SelvageError('SETTING_INVALID', `'${command}' command ${tooMany(targets.length)}`, {
    advice: 'Name one peer; only invoke, approveformyorg and commit ask several.',
  });
}

function targetPeer({ targetPeer: name }: TargetFlags): string {
  if (name !== undefined && name !== '') return name;
  throw new SelvageError('SETTING_INVALID', '--targetPeer must be specified for channel-less operation using connection profile');
}
