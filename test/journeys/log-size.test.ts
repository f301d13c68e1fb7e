import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcClient } from '../../src/comm/client.ts';
import { utf8 } from '../../src/common/bytes.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { RunningCommand } from './command.ts';
import { testNetwork } from './network.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-log-size-'));
  await using made = await testNetwork();
  const peer = join(made.network.folders.organizations, 'peerOrganizations/org1.example.com/peers/peer0.org1.example.com');
  await cp(peer, join(folder, 'peer'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const never = new AbortController().signal;

/** A request on a channel with a name of so many bytes, from somebody whom nobody knows. */
function header(type: number, size: number) {
  const timestamp = { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 };
  const channelHeader = common.ChannelHeader.encode({ type, channelId: 'c'.repeat(size), txId: 't'.repeat(size), timestamp });
  const creator = utf8('x'.repeat(1000));
  return { channelHeader, signatureHeader: common.SignatureHeader.encode({ creator, nonce: new Uint8Array(24) }) };
}
const proposal = (size: number): Uint8Array => {
  const proposalBytes = protos.Proposal.encode({ header: common.Header.encode(header(3, size)), payload: new Uint8Array(10) });
  return protos.SignedProposal.encode({ proposalBytes, signature: new Uint8Array(70) });
};
const seek = (size: number): Uint8Array =>
  common.Envelope.encode({
    payload: common.Payload.encode({ header: header(5, size), data: new Uint8Array(3) }),
    signature: new Uint8Array(70),
  });

describe('a peer that strangers talk to', () => {
  it('keeps a small log, whatever they send and how often', async () => {
    await using peer = new RunningCommand(['node', 'start'], {
      FABRIC_CFG_PATH: folder,
      CORE_PEER_LOCALMSPID: 'Org1MSP',
      CORE_PEER_LISTENADDRESS: '127.0.0.1:0',
      CORE_PEER_CHAINCODELISTENADDRESS: '127.0.0.1:0',
      CORE_PEER_MSPCONFIGPATH: 'peer/msp',
      CORE_PEER_FILESYSTEMPATH: 'data',
    });
    const { address } = JSON.parse(await peer.line((line) => line.includes('peer is ready')));
    const quiet = peer.lines.join('\n').length;
    using client = new GrpcClient({ address });
    const propose = (request: Uint8Array) =>
      client.unary('/protos.Endorser/ProcessProposal', request, { signal: never }).catch(() => undefined);
    const deliver = async (request: Uint8Array): Promise<void> => {
      using stream = client.bidi('/protos.Deliver/Deliver', { signal: never });
      await stream.send(request);
      for await (const _ of stream.incoming);
    };
    for (let turn = 0; turn < 20; turn += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, at) => propose(new Uint8Array([at, 255, 7]))));
      await Promise.all(Array.from({ length: 50 }, () => deliver(new Uint8Array([1, 2, 3])).catch(() => undefined)));
      await propose(proposal(100));
    }
    for (let turn = 0; turn < 3; turn += 1) {
      await propose(proposal(8 * 1024 * 1024));
      await deliver(seek(8 * 1024 * 1024)).catch(() => undefined);
    }
    expect(await peer.interrupt()).toBe(0);
    expect(peer.lines.join('\n').length - quiet).toBeLessThan(50_000);
    expect(peer.lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')).toEqual([]);
  });
});
