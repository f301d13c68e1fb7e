import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chaincodeTargets, lifecycleTargets, type TargetFlags } from './targets.ts';

let folder: string;
const PROFILE = `
channels:
  mychannel:
    peers: { peer0: { endorsingPeer: yes }, peer1: {}, peer2: { endorsingPeer: false } }
  both:
    peers: { peer0: &endorsing { endorsingPeer: true }, peer2: { <<: *endorsing } }
  none:
    peers: { peer0: {} }
  stray:
    peers: { peer9: { endorsingPeer: on } }
peers:
  peer0: { url: 'grpc://one:1', tlsCACerts: { path: ca.pem } }
  peer1: { url: 'two:2' }
  peer2: { url: 'grpcs://three:3', tlsCACerts: { path: ca.pem }, grpcOptions: { hostnameOverride: 3 } }
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-profile-'));
  await writeFile(join(folder, 'profile.yaml'), PROFILE);
  await writeFile(join(folder, 'no-url.json'), '{"peers":{"peer0":{},"peer1":{"url":"grpc://one:1/"}}}');
  await writeFile(join(folder, 'no-yaml.yaml'), 'peers: [');
  await writeFile(join(folder, 'quoted.yaml'), 'channels: { mychannel: { peers: { peer0: { endorsingPeer: "true" } } } }');
  await writeFile(join(folder, 'list.yaml'), 'channels: { mychannel: { peers: [peer0] } }');
});
afterAll(() => rm(folder, { recursive: true }));

const context = (tls = false) => ({ config: { tls }, cwd: folder });
const addresses = (targets: ReturnType<typeof chaincodeTargets>) =>
  targets.map((each) => ('peer' in each ? each.peer.address : each.address));
const lifecycle = (flags: TargetFlags, channelId = '', command = 'commit') =>
  addresses(lifecycleTargets({ command, flags, channelId }, context()));
const chaincode = (flags: TargetFlags, channelId = '', command = 'invoke') =>
  addresses(chaincodeTargets({ command, flags, channelId }, context()));
const profile = { connectionProfile: 'profile.yaml' };

describe.each([
  ['the lifecycle', lifecycle],
  ['chaincode', chaincode],
])('the peers of a command of %s', (_, of) => {
  it('are those of the flags, each as it was given, or that of the environment', () => {
    expect(of({})).toEqual(['']);
    expect(of({ peerAddresses: ['a:1,b:2', ''] })).toEqual(['a:1,b:2', '']);
  });

  it('are the peers that a profile calls endorsing, and no others', () => {
    expect(of(profile, 'mychannel')).toEqual(['one:1']);
    expect(of(profile, 'both')).toEqual(['one:1', 'three:3']);
  });

  it.each([
    ['profile.yaml', 'stray', "peer 'peer9' doesn't have associated peer config"],
    ['profile.yaml', 'none', 'endorsing'],
    ['nothing.yaml', 'mychannel', '/nothing.yaml: no such file or directory'],
    ['no-yaml.yaml', 'mychannel', 'no-yaml.yaml is no connection profile: line 1, column 9'],
    ['quoted.yaml', 'mychannel', 'channels.mychannel.peers.peer0.endorsingPeer is "true", expected true or false'],
    ['list.yaml', 'mychannel', 'channels.mychannel.peers is a list, expected keys and values'],
  ])('of %s on channel %s are refused', (connectionProfile, channelId, message) => {
    expect(() => of({ connectionProfile }, channelId)).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('the peers of a command', () => {
  it('may lie beside others of the profile that say nothing of themselves', () => {
    expect(lifecycle({ connectionProfile: 'no-url.json', targetPeer: 'peer0' })).toEqual(['']);
    expect(lifecycle({ connectionProfile: 'no-url.json', targetPeer: 'peer1' })).toEqual(['one:1']);
  });

  it('without a channel are the one of the profile that is named', () => {
    expect(lifecycle({ ...profile, targetPeer: 'peer1' })).toEqual(['two:2']);
    expect(() => lifecycle(profile)).toThrow('--targetPeer must be specified for channel-less operation');
    expect(() => lifecycle({ ...profile, targetPeer: 'peer7' })).toThrow("peer 'peer7' doesn't have associated peer config");
  });

  it('on a channel that the profile does not know are refused, or for chaincode those of the other settings', () => {
    expect(() => lifecycle(profile, 'other')).toThrow('names no endorsing peer of channel other');
    expect(chaincode({ ...profile, peerAddresses: ['a:1'] }, 'other')).toEqual(['a:1']);
  });

  it('are one where one is asked', () => {
    expect(() => lifecycle({ peerAddresses: ['a:1', 'b:2'] }, '', 'install')).toThrow(
      "'install' command supports one peer. 2 peers provided",
    );
    expect(() => chaincode(profile, 'both', 'query')).toThrow("'query' command can only be executed against one peer. received 2");
  });

  it('have a root certificate each with TLS', () => {
    const flags = { peerAddresses: ['a:1', 'b:2'], tlsRootCertFiles: ['ca.pem'] };
    expect(() => chaincodeTargets({ command: 'invoke', flags, channelId: '' }, context(true))).toThrow(
      'number of peer addresses (2) does not match the number of TLS root cert files (1)',
    );
  });

  it('of a profile have its TLS settings; a path starts at the working folder, else at the profile', async () => {
    await writeFile(join(folder, 'ca.pem'), '');
    const [first, third] = chaincodeTargets(
      { command: 'invoke', flags: profile, channelId: 'both' },
      { config: { tls: true }, cwd: folder },
    );
    expect(first).toMatchObject({ peer: { tls: false, roots: { file: join(folder, 'ca.pem') } } });
    expect(third).toMatchObject({ peer: { tls: true, hostnameOverride: '3' } });
  });
});
