import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connections } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import type { TargetFlags } from './lifecycle-commands.ts';
import { oneTarget, targets } from './targets.ts';

let folder: string;
let terminal: Terminal;
const PROFILE = `
channels:
  mychannel:
    peers: { peer0: { endorsingPeer: true }, peer1: {}, peer2: { endorsingPeer: false } }
  stray:
    peers: { peer9: {} }
peers:
  peer0: { url: 'grpc://one:1' }
  peer1: { url: 'two:2' }
  peer2: { url: 'grpcs://three:3', tlsCACerts: { path: ca.pem } }
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-profile-'));
  await writeFile(join(folder, 'profile.yaml'), PROFILE);
  await writeFile(join(folder, 'wrong.json'), '{"peers":{"peer0":{}}}');
  const env = { FABRIC_CFG_PATH: '/nonexistent', CORE_PEER_ADDRESS: 'mine:7051' };
  const ignored = () => undefined;
  const signal = new AbortController().signal;
  terminal = { out: ignored, write: ignored, say: ignored, env, cwd: folder, signal, colours: false, interactive: false };
});
afterAll(() => rm(folder, { recursive: true }));

async function addresses(flags: TargetFlags, channelId = ''): Promise<readonly string[]> {
  using connections = new Connections(terminal);
  return (await targets(connections, flags, terminal, channelId)).map(({ address }) => address);
}

describe('the peers of a command', () => {
  it('are those of the flags, or that of the environment', async () => {
    expect(await addresses({})).toEqual(['mine:7051']);
    expect(await addresses({ peerAddresses: ['a:1', 'b:2'] })).toEqual(['a:1', 'b:2']);
  });

  it('are the endorsing peers of a profile, or the one that is named', async () => {
    expect(await addresses({ connectionProfile: 'profile.yaml' }, 'mychannel')).toEqual(['one:1', 'two:2']);
    expect(await addresses({ connectionProfile: 'profile.yaml', targetPeer: 'peer1' })).toEqual(['two:2']);
  });

  it.each<[TargetFlags, string, string]>([
    [{ connectionProfile: 'profile.yaml' }, '', '--targetPeer must be specified for channel-less operation'],
    [{ connectionProfile: 'profile.yaml', targetPeer: 'peer7' }, '', "peer 'peer7' doesn't have associated peer config"],
    [{ connectionProfile: 'profile.yaml' }, 'stray', "peer 'peer9' doesn't have associated peer config"],
    [{ connectionProfile: 'profile.yaml' }, 'other', 'names no endorsing peer of channel other'],
    [{ connectionProfile: 'profile.yaml', targetPeer: 'peer2' }, '', 'ca.pem'],
    [{ connectionProfile: 'nothing.yaml' }, '', 'nothing.yaml is no connection profile: '],
    [{ connectionProfile: 'wrong.json' }, '', 'wrong.json is no connection profile: '],
  ])('%j on channel "%s" are refused', async (flags, channelId, message) => {
    await expect(addresses(flags, channelId)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it('are one where one is asked', async () => {
    using connections = new Connections(terminal);
    await expect(oneTarget(connections, 'install', { peerAddresses: ['a:1', 'b:2'] }, terminal)).rejects.toThrow(
      "'install' command supports one peer. 2 peers provided",
    );
  });
});
