import { afterAll, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/channel/channel.ts';
import { JoinedChannel } from '../../src/channel/joined-channel.ts';
import { hex } from '../../src/common/bytes.ts';
import { systemClock } from '../../src/common/clock.ts';
import { silent } from '../../src/common/log.ts';
import { Discovery } from '../../src/discovery/discovery.ts';
import { DiscoveryAccess } from '../../src/discovery/discovery-access.ts';
import { PolicyPlanner } from '../../src/discovery/policy-planner.ts';
import type { ChannelMember, PeerView } from '../../src/gossip/peers.ts';
import { LifecycleCache } from '../../src/lifecycle/lifecycle-cache.ts';
import { lastConfigOf } from '../../src/msp/channelconfig/config-block.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { loadLocalMsp } from '../../src/msp/local-msp.ts';
import { type common, discovery, gossip, msp } from '../../src/protos/messages.ts';
import { bundleFromBlock, recordedLedger } from '../committer/recorded-network.ts';
import { channelsOf } from '../fakes/recorded-channel.ts';
import { fixtures } from '../fixtures.ts';
import { readYaml } from '../recorded-networks.ts';
import { NETWORKS, type RecordedCall, type Recording, read, recordingOf } from './recording.ts';
import { replayBlocks } from './replay-blocks.ts';
import { Report } from './report.ts';

const DISCOVER = '/discovery.Discovery/Discover';

describe.skipIf(fixtures === undefined)('recorded questions to discovery (needs the recorded fixtures)', () => {
  const report = new Report('discovery');
  afterAll(() => report.print());

  describe.each(NETWORKS)('%s', (network) => {
    const calls = fixtures === undefined ? [] : recordingOf(network).calls.filter(({ method }) => method === DISCOVER);

    it.skipIf(calls.length === 0)(calls.length === 0 ? 'are none (skipped: none was recorded)' : 'get the recorded answers', async () => {
      const recording = recordingOf(network);
      await using recorded = await recordedLedger(network);
      let committed = 1;
      for (const call of calls) {
        const height = heightAt(call, recording);
        await replayBlocks(recorded, recording.blocks.slice(committed, height).map(asOrdered));
        committed = Math.max(committed, height);
        const channel = new JoinedChannel({ ledger: recorded.ledger, bundle: bundleAt(recording, committed) });
        expect(canonical(await answerOf(call, { recording, channel, calls })), call.name).toEqual(canonical(responseOf(recording, call)));
        report.covered(`${network} answers`);
      }
    });
  });
});

const requestOf = ({ network }: Recording, { requests: [file = ''] }: RecordedCall): discovery.SignedRequest =>
  discovery.SignedRequest.decode(read(network, file));

const responseOf = ({ network }: Recording, { responses: [file = ''] }: RecordedCall): Uint8Array => read(network, file);

interface Scene {
  readonly recording: Recording;
  readonly channel: Channel;
  readonly calls: readonly RecordedCall[];
}

/** What the peer that was asked answers, knowing of the peers that the recording shows. */
async function answerOf(call: RecordedCall, { recording, channel, calls }: Scene): Promise<Uint8Array> {
  const member = recording.peers.find(({ target }) => target === call.target);
  if (member === undefined) throw new Error(`${call.target} is not in the recording`);
  const { mspId, mspFolder } = member;
  const { msp: localMsp } = await loadLocalMsp(mspFolder, { mspId, verifier: new SignatureVerifier(), clock: systemClock, readYaml });
  const channels = channelsOf(channel);
  const peers = shownPeers(call, { recording, calls });
  const cache = new LifecycleCache({ channels, mspId, packages: { list: () => [] } });
  const planner = new PolicyPlanner({ channels, peers, cache });
  const access = new DiscoveryAccess({ localMsp, orgMembersAllowed: false, remembered: { most: 10, retained: 0.75 } });
  const service = new Discovery({ channels, peers, planner, access, log: silent });
  return service.answer(requestOf(recording, call), { remote: 'recorded', peerCertificate: undefined });
}

/** Peers as the answer to this question shows them, and the others as answers to other questions do. */
function shownPeers(call: RecordedCall, { recording, calls }: Omit<Scene, 'channel'>): PeerView {
  const answers = [call, ...calls.filter((other) => other !== call && other.target === call.target)].map((each) =>
    discovery.Response.decode(responseOf(recording, each)),
  );
  const members = new Map<string, ChannelMember>();
  for (const peer of answers.flatMap(peersIn)) {
    const member = memberOf(peer);
    if (member !== undefined && !members.has(hex(member.pkiId))) members.set(hex(member.pkiId), member);
  }
  const organizations = new Set(
    answers.flatMap(({ results }) => results.flatMap((result) => [...(result.members?.peersByOrg.keys() ?? [])])),
  );
  return {
    members: () => [...members.values()],
    membersOf: () => [...members.values()],
    organizations: () => [...organizations],
    onChanged: () => ({ [Symbol.dispose]: () => undefined }),
  };
}

const peersIn = ({ results }: discovery.Response): readonly discovery.Peer[] =>
  results.flatMap(({ members, ccQueryRes }) => [
    ...[...(members?.peersByOrg.values() ?? [])].flatMap(({ peers }) => peers),
    ...(ccQueryRes?.content ?? []).flatMap(({ endorsersByGroups }) => [...endorsersByGroups.values()].flatMap(({ peers }) => peers)),
  ]);

/** A peer that takes part in the channel, from what it said itself. */
function memberOf({ identity, membershipInfo, stateInfo }: discovery.Peer): ChannelMember | undefined {
  const alive = gossip.GossipMessage.decode(membershipInfo?.payload ?? new Uint8Array()).aliveMsg;
  const { stateInfo: state } = gossip.GossipMessage.decode(stateInfo?.payload ?? new Uint8Array());
  if (membershipInfo === undefined || stateInfo === undefined || state === undefined) return undefined;
  return {
    pkiId: state.pkiId,
    mspId: msp.SerializedIdentity.decode(identity).mspid,
    identity,
    endpoint: alive?.membership?.endpoint ?? '',
    internalEndpoint: undefined,
    alive: membershipInfo,
    self: false,
    stateInfo,
    height: state.properties?.ledgerHeight ?? 0n,
    chaincodes: state.properties?.chaincodes ?? [],
  };
}

/** How many blocks there were: as many as a peer of the answer had, or all. */
function heightAt(call: RecordedCall, recording: Recording): number {
  const heights = peersIn(discovery.Response.decode(responseOf(recording, call))).flatMap((peer) => Number(memberOf(peer)?.height ?? 0n));
  return Math.min(recording.blocks.length, Math.max(...heights, 0) || recording.blocks.length);
}

function bundleAt({ blocks }: Recording, height: number) {
  const last = blocks[height - 1];
  const config = last && blocks[Number(lastConfigOf(last))];
  if (config === undefined) throw new Error('there is no configuration');
  return bundleFromBlock(config);
}

/** As the ordering service gave it: without what the recorded peer added. */
const asOrdered = (block: common.Block): common.Block => ({
  ...block,
  metadata: { metadata: (block.metadata?.metadata ?? []).map((value, slot) => (slot === 2 || slot === 4 ? new Uint8Array() : value)) },
});

/**
 * An answer without what Go leaves to chance: the order of maps, of peers in a group, and which principal a group is named for. A group
 * is named for its peers here.
 */
function canonical(response: Uint8Array) {
  return discovery.Response.decode(response).results.map(({ error, configResult, ccQueryRes, members }) => ({
    error: error?.content,
    msps: configResult && sorted(configResult.msps, (each) => hex(msp.FabricMSPConfig.encode(each))),
    orderers: configResult && sorted(configResult.orderers, ({ endpoint }) => endpoint),
    peers: members && sorted(members.peersByOrg, peerTexts),
    endorsers: ccQueryRes?.content.map(({ chaincode, endorsersByGroups, layouts }) => {
      const names = new Map([...endorsersByGroups].map(([group, peers]) => [group, peerTexts(peers).join(' ')]));
      const named = layouts.map(({ quantitiesByGroup }) =>
        [...quantitiesByGroup].map(([group, count]) => `${count} of ${names.get(group)}`).sort(),
      );
      return { chaincode, groups: [...names.values()].sort(), layouts: named.map((each) => each.join(', ')).sort() };
    }),
  }));
}

const sorted = <T, U>(map: ReadonlyMap<string, T>, text: (value: T) => U): (readonly [string, U])[] =>
  [...map].map(([key, value]) => [key, text(value)] as const).sort(([a], [b]) => (a < b ? -1 : 1));

const peerTexts = ({ peers }: discovery.Peers): string[] => peers.map((peer) => hex(discovery.Peer.encode(peer))).sort();
