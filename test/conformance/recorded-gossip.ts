/** Recorded gossip between peers: those of `test/vectors/`, or of the set that SELVAGE_FIXTURES names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../../src/common/clock.ts';
import { IdentityAuthority } from '../../src/gossip/identities/identity-authority.ts';
import { IdentityStore } from '../../src/gossip/identities/identity-store.ts';
import { bundleFromBlock } from '../../src/msp/channelconfig/bundle.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { derOfPem } from '../../src/msp/identities/pem.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { type LocalMsp, loadLocalMsp } from '../../src/msp/local-msp.ts';
import { YamlFields } from '../../src/node/config/yaml-fields.ts';
import { common } from '../../src/protos/messages.ts';
import { FakeTimers } from '../fakes/fake-timers.ts';
import { vectorsFolder } from '../vectors/unpack.ts';

export interface RecordedPeer {
  readonly alias: string;
  readonly mspId: string;
  /** Hex. */
  readonly pkiId: string;
  readonly channelMac: string;
  readonly tlsCertSha256?: string;
}

export interface NestedEnvelope {
  readonly type: string;
  readonly signer: string;
  readonly secret: boolean;
}

/** One entry of `envelopes` in a manifest. */
export interface RecordedEnvelope {
  readonly file: string;
  readonly network: string;
  readonly stream: number;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly tag: string;
  readonly channel?: string;
  /** Decimal. */
  readonly nonce: string;
  readonly signed: boolean;
  readonly signer?: string;
  readonly secretEnvelope?: boolean;
  readonly nested?: readonly NestedEnvelope[];
  readonly probe?: boolean;
  readonly pullType?: string;
  readonly pullNonce?: string;
  readonly alive?: number;
  readonly dead?: number;
  readonly txId?: string;
  readonly collection?: string;
  readonly block?: number;
  readonly ackError?: string;
  readonly replyTo?: string;
}

interface Manifest {
  readonly fabric: string;
  readonly channel: string;
  readonly networks: Readonly<
    Record<string, { readonly tls: boolean; readonly folder: string; readonly peers: Readonly<Record<string, RecordedPeer>> }>
  >;
  readonly envelopes: readonly RecordedEnvelope[];
}

const chosen = process.env['SELVAGE_FIXTURES'];
const folder = chosen === undefined ? join(vectorsFolder('gossip'), 'gossip') : join(resolve(chosen), 'gossip');

/** A recording of one version of Fabric. */
export interface RecordedGossip {
  readonly name: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

export const recordings: readonly RecordedGossip[] = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => existsSync(join(folder, name, 'manifest.json')))
      .map((name) => ({
        name,
        folder: join(folder, name),
        manifest: JSON.parse(readFileSync(join(folder, name, 'manifest.json'), 'utf8')) as Manifest,
      }))
  : [];

/** One network of a recording, as each of its peers sees it. */
export class RecordedGossipNetwork {
  readonly tls: boolean;
  readonly peers: Readonly<Record<string, RecordedPeer>>;
  readonly bundle: ChannelBundle;
  readonly #folder: string;
  readonly #verifier = new SignatureVerifier();
  readonly #local = new Map<string, LocalMsp>();

  constructor({ folder: root, manifest }: RecordedGossip, name: string) {
    const network = manifest.networks[name];
    if (network === undefined) throw new Error(`there is no network ${name}`);
    this.tls = network.tls;
    this.peers = network.peers;
    this.#folder = join(root, network.folder);
    const block = common.Block.decode(readFileSync(join(this.#folder, 'channel.block')));
    this.bundle = bundleFromBlock(block, { verifier: this.#verifier });
  }

  async local(peer: string): Promise<LocalMsp> {
    const mspId = this.peers[peer]?.mspId ?? '';
    const known = this.#local.get(peer);
    const local =
      known ??
      (await loadLocalMsp(join(this.#folder, mspId, 'peers', peer, 'msp'), {
        mspId,
        readYaml: YamlFields.parse,
        verifier: this.#verifier,
        clock: systemClock,
      }));
    this.#local.set(peer, local);
    return local;
  }

  /** What a peer knew of the others: nothing yet. */
  async identitiesOf(peer: string): Promise<IdentityStore> {
    const { msp, signer } = await this.local(peer);
    const authority = new IdentityAuthority({ local: msp, bundles: () => [this.bundle] });
    return new IdentityStore({ authority, self: signer.serialized, timers: new FakeTimers({ start: Date.now() }) });
  }

  /** DER of what a peer shows in TLS. */
  shownBy(peer: string): Uint8Array | undefined {
    if (!this.tls) return undefined;
    return derOfPem(readFileSync(join(this.#folder, this.peers[peer]?.mspId ?? '', 'peers', peer, 'tls', 'server.crt')));
  }
}

export const readRecorded = ({ folder: root }: RecordedGossip, { file }: RecordedEnvelope): Uint8Array => readFileSync(join(root, file));
