import { hex } from '../../src/common/bytes.ts';
import type { Destination, Neighbour } from '../../src/gossip/links.ts';
import { type ReceivedMessage, readEnvelope, signedEnvelope, unsignedEnvelope } from '../../src/gossip/wire/envelope.ts';
import { channelMac, pkiIdOf } from '../../src/gossip/wire/ids.ts';
import type { Signer } from '../../src/msp/identity.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { gossip } from '../../src/protos/messages.ts';
import { endpointOf, type GossipNetwork, type GossipPeer } from './gossip-network.ts';
import { peerSigner } from './gossip-peers.ts';
import type { MemoryLinks } from './memory-links.ts';

const { EMPTY, CHAN_OR_ORG } = gossip.GossipMessage_Tag;
const signal = new AbortController().signal;

/** A member that says what a test wants, true or not, and keeps what it hears. */
export class RawGossipPeer {
  readonly signer: Signer;
  readonly pkiId: Uint8Array;
  readonly internalEndpoint: string;
  readonly heard: ReceivedMessage[] = [];
  readonly links: MemoryLinks;

  private constructor(signer: Signer, internalEndpoint: string, links: MemoryLinks) {
    this.signer = signer;
    this.pkiId = pkiIdOf(signer.serialized);
    this.internalEndpoint = internalEndpoint;
    this.links = links;
    links.onEnvelope((_: Neighbour, envelope) => void this.heard.push(readEnvelope(envelope)));
  }

  static async join(net: GossipNetwork, org: Organization, at: number): Promise<RawGossipPeer> {
    const signer = peerSigner(org, at);
    const endpoint = endpointOf(org, at);
    return new RawGossipPeer(signer, endpoint, await net.network.join({ signer, endpoints: [endpoint] }));
  }

  get key(): string {
    return hex(this.pkiId);
  }

  async send(to: GossipPeer, envelope: Uint8Array): Promise<void> {
    const destination: Destination = { pkiId: to.own.pkiId, endpoint: to.name };
    await this.links.send(destination, envelope, { lossy: false, signal });
  }

  /** An alive message, with the identity unless told otherwise. */
  alive({
    sequence = 1n,
    incarnation = 1n,
    endpoint = this.internalEndpoint,
    identity = this.signer.serialized,
    pkiId = this.pkiId,
    secret = true,
    signer = this.signer,
  }: {
    readonly sequence?: bigint;
    readonly incarnation?: bigint;
    readonly endpoint?: string;
    readonly identity?: Uint8Array | undefined;
    readonly pkiId?: Uint8Array;
    readonly secret?: boolean;
    readonly signer?: Signer;
  } = {}): Promise<Uint8Array> {
    const aliveMsg = { membership: { endpoint, pkiId }, timestamp: { incNum: incarnation, seqNum: sequence }, identity };
    return signedEnvelope({ tag: EMPTY, aliveMsg }, signer, secret ? this.internalEndpoint : undefined);
  }

  memReq(alive: Uint8Array, nonce = 0n): Uint8Array {
    return unsignedEnvelope({ tag: EMPTY, nonce, memReq: { selfInformation: gossip.Envelope.decode(alive) } });
  }

  stateInfo({
    sequence = 1n,
    height = 1n,
    channelId = 'ch',
    left = false,
    signer = this.signer,
    pkiId = this.pkiId,
  }: {
    readonly sequence?: bigint;
    readonly height?: bigint;
    readonly channelId?: string;
    readonly left?: boolean;
    readonly signer?: Signer;
    readonly pkiId?: Uint8Array;
  } = {}): Promise<Uint8Array> {
    const stateInfo = {
      timestamp: { incNum: 1n, seqNum: sequence },
      pkiId,
      channelMAC: channelMac(pkiId, channelId),
      properties: { ledgerHeight: height, leftChannel: left, chaincodes: [{ name: 'basic', version: '1' }] },
    };
    return signedEnvelope({ tag: CHAN_OR_ORG, stateInfo }, signer);
  }

  stateRequest(channelId = 'ch'): Uint8Array {
    return unsignedEnvelope({ tag: CHAN_OR_ORG, stateInfoPullReq: { channelMAC: channelMac(this.pkiId, channelId) } });
  }

  /** What it heard of a kind, in order. */
  heardOf<K extends keyof gossip.GossipMessage>(kind: K): NonNullable<gossip.GossipMessage[K]>[] {
    return this.heard.flatMap(({ message }) =>
      message[kind] === undefined ? [] : [message[kind] as NonNullable<gossip.GossipMessage[K]>],
    );
  }

  forget(): void {
    this.heard.length = 0;
  }
}
