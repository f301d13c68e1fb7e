import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { linkedPeer } from '../../../test/fakes/gossip-links.ts';
import { channelOf, peerSigner, peersOf } from '../../../test/fakes/gossip-peers.ts';
import type { ByteStream } from '../../comm/method.ts';
import { listen } from '../../comm/server.ts';
import { sha256 } from '../../common/bytes.ts';
import { deferred } from '../../common/deferred.ts';
import { silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { systemTimers, type Timers } from '../../common/timers.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { derOfPem } from '../../msp/identities/pem.ts';
import type { Signer } from '../../msp/identity.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { unsignedEnvelope } from '../wire/envelope.ts';
import { handshakeEnvelope } from '../wire/handshake.ts';
import { pkiIdOf } from '../wire/ids.ts';
import { CLAIMANT_BYTES } from './limits.ts';

const { signal } = new AbortController();
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

describe('who is dialled', () => {
  let org1: Organization;
  let org2: Organization;
  let channel: ChannelBundle;
  beforeAll(async () => {
    [org1, org2] = await Promise.all([peersOf('Org1', 2), peersOf('Org2', 1)]);
    channel = await channelOf([org1, org2]);
  });

  /** Something that answers pings and does with streams what a test wants. */
  async function impostor(answer: (stream: ByteStream) => Promise<void>): Promise<string> {
    const { privateKey: key = '', certificate: cert = '' } = org1.nodes[1]?.tls ?? {};
    const { port } = scope.use(
      await listen({
        address: '127.0.0.1:0',
        tls: { key, cert, asksForCertificates: true },
        methods: [
          { kind: 'unary', path: '/gossip.Gossip/Ping', handle: async (request) => request },
          { kind: 'bidi', path: '/gossip.Gossip/GossipStream', handle: answer },
        ],
        log: silent,
      }),
    );
    return `127.0.0.1:${port}`;
  }
  const dialling = async (endpoint: string, timers: Timers = systemTimers) => {
    const { links } = await linkedPeer(scope, { org: org1, channels: [channel], timers });
    const destination = { pkiId: pkiIdOf(peerSigner(org1, 1).serialized), endpoint };
    return links.send(destination, unsignedEnvelope({ nonce: 1n }), { lossy: false, signal });
  };
  const says = (envelope: Uint8Array | Promise<Uint8Array>) =>
    impostor(async (stream) => {
      await stream.send(await envelope);
      for await (const _ of stream.incoming);
    });
  const shown = (): Uint8Array => sha256(derOfPem(org1.nodes[1]?.tls.certificate ?? ''));
  const hello = (signer: Signer, tlsCertHash = shown()): Promise<Uint8Array> => handshakeEnvelope(signer, { tlsCertHash, probe: false });

  it('is believed when it signs the certificate that it shows', async () => {
    await dialling(await says(hello(peerSigner(org1, 1))));
  });

  it('is refused when it passes on what another one said', async () => {
    const other = sha256(derOfPem(org2.nodes[0]?.tls.certificate ?? ''));
    await expect(dialling(await says(hello(peerSigner(org1, 1), other)))).rejects.toMatchObject({
      code: 'GOSSIP_REFUSED',
      message: expect.stringMatching(/^Expected \[.*\] in remote hash of TLS cert, but got \[.*\]$/),
    });
    await expect(dialling(await says(hello(peerSigner(org1, 1), new Uint8Array())))).rejects.toThrow('but got []');
  });

  it('is refused when it is somebody else, says something else, or nothing', async () => {
    await expect(dialling(await says(hello(peerSigner(org2))))).rejects.toThrow('another peer answers');
    await expect(dialling(await says(unsignedEnvelope({ tag: 1, memRes: {} })))).rejects.toThrow('wrong type');
    await expect(dialling(await impostor(async () => undefined))).rejects.toThrow('ended the stream before it said who it is');
    const timers = new FakeTimers({ start: Date.now() });
    const opened = deferred<void>();
    const silence = await impostor(async (stream) => {
      for await (const _ of stream.incoming) opened.resolve();
    });
    const late = dialling(silence, timers);
    const refused = expect(late).rejects.toThrow(/^timed out waiting for connection message from 127\.0\.0\.1:\d+$/);
    await opened.promise;
    await timers.advance(2_000);
    await refused;
  });

  it('is left when it sends more than anybody may before it has said who it is', async () => {
    await expect(dialling(await says(new Uint8Array(CLAIMANT_BYTES + 1)))).rejects.toThrow('sends more than may be held of it');
  });

  it('is given up when this peer stops', async () => {
    const opened = deferred<void>();
    const endpoint = await impostor(async (stream) => {
      for await (const _ of stream.incoming) opened.resolve();
    });
    const { links } = await linkedPeer(scope, { org: org1, channels: [channel], timers: new FakeTimers({ start: Date.now() }) });
    const destination = { pkiId: pkiIdOf(peerSigner(org1, 1).serialized), endpoint };
    const sending = expect(links.send(destination, unsignedEnvelope({}), { lossy: true, signal })).rejects.toThrow('the peer is stopping');
    await opened.promise;
    links[Symbol.dispose]();
    await sending;
    expect(links.neighbours).toEqual([]);
  });
});
