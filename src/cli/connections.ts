import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { channelGroup } from '../client/channel-config.ts';
import { type DiscoveredPeer, discoverPeers } from '../client/discovered-peers.ts';
import { type Broadcaster, OrdererClient, toEach } from '../client/orderer-client.ts';
import { ordererEndpoints } from '../client/orderer-endpoints.ts';
import { PeerClient } from '../client/peer-client.ts';
import type { Caller } from '../client/system-calls.ts';
import { GrpcClient } from '../comm/client.ts';
import type { ClientTls } from '../comm/tls.ts';
import { sha256, textOf } from '../common/bytes.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { OrdererEndpoint } from '../msp/channelconfig/channel-bundle.ts';
import { readChannel } from '../msp/channelconfig/channel-values.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import type { Signer } from '../msp/identity.ts';
import { type ClientConfig, readClientConfig } from '../node/config/client-config.ts';
import type { ProfilePeer } from '../node/config/connection-profile.ts';
import { loadSigner } from '../node/membership.ts';
import { checkAddress, checkedRoots, type Endpoint, reach } from './endpoint.ts';
import type { OrdererFlags } from './flags.ts';
import { readText } from './read-file.ts';
import type { Target } from './targets.ts';
import type { Terminal } from './terminal.ts';
import { judgedEarlier, pairIn, passingCertificate, type RootsSetting, rootsIn } from './tls-settings.ts';

/** What of a peer is not in the environment. */
interface PeerPlace {
  readonly address: string;
  /** The setting that the address is from. */
  readonly named: string;
  readonly roots: RootsSetting;
  readonly hostnameOverride?: string | undefined;
  /** Undefined where the environment decides. */
  readonly tls?: boolean | undefined;
}

const PEER_ROOTS = 'CORE_PEER_TLS_ROOTCERT_FILE';
const CLIENT_PAIR = 'CORE_PEER_TLS_CLIENTCERT_FILE and CORE_PEER_TLS_CLIENTKEY_FILE';

/** Connections of one command, each made before it is handed out; disposing closes them all. */
export class Connections implements Disposable {
  readonly config: ClientConfig;
  /** Where relative paths of flags begin. */
  readonly cwd: string;
  readonly #terminal: Terminal;
  readonly #open: Disposable[] = [];
  /** Whether peers were reached by TLS. */
  #peersByTls = false;
  readonly #dialled = new Map<PeerClient, Endpoint>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.cwd = terminal.cwd;
    this.config = readClientConfig(terminal.env);
    for (const doubt of this.config.doubts) terminal.say(doubt);
  }

  async signer(): Promise<Signer> {
    const { mspPath, mspId } = this.config;
    const found = statSync(mspPath, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true)
      throw new SelvageError(
        'SETTING_INVALID',
        `cannot init crypto, specified path "${mspPath}" ${found === undefined ? 'does not exist' : 'is not a directory'}`,
        { advice: 'Let CORE_PEER_MSPCONFIGPATH name the MSP folder of the identity to use.' },
      );
    return loadSigner(mspPath, mspId);
  }

  /** The peer of the environment (CORE_PEER_ADDRESS). @throws {SelvageError} naming the setting that is wrong */
  peer(): Promise<PeerClient> {
    const { peerAddress, rootCertFile } = this.config;
    return this.#peer({ address: peerAddress, named: 'CORE_PEER_ADDRESS', roots: { setting: PEER_ROOTS, file: rootCertFile } });
  }

  /** Who asks one peer: the target, or that of the environment. */
  async caller([target]: readonly Target[] = []): Promise<Caller> {
    return { signer: await this.signer(), peer: target === undefined ? await this.peer() : await this.#reached(target) };
  }

  peers(targets: readonly Target[]): Promise<readonly PeerClient[]> {
    return Promise.all(targets.map((target) => this.#reached(target)));
  }

  #reached(target: Target): Promise<PeerClient> {
    return 'peer' in target ? this.#peerOf(target.peer, target.profile) : this.#peerAt(target.address, target.rootsFile);
  }

  /** The peer of --peerAddresses and --tlsRootCertFiles; with an empty address the one of the environment. */
  #peerAt(address: string, rootsFile: string): Promise<PeerClient> {
    if (address === '') return this.peer();
    const file = rootsFile === '' ? '' : resolve(this.#terminal.cwd, rootsFile);
    return this.#peer({ address, named: '--peerAddresses', roots: { setting: '--tlsRootCertFiles', file } });
  }

  /** A peer of a connection profile; with mutual TLS we show the certificate of the environment. */
  #peerOf({ address, roots, hostnameOverride, tls }: ProfilePeer, profile: string): Promise<PeerClient> {
    const setting = `tlsCACerts of the peer in ${profile}`;
    const place =
      roots === undefined ? { setting, file: '' } : { setting, ...('file' in roots ? roots : { file: profile, pem: roots.pem }) };
    return this.#peer({ address, named: `url of the peer in ${profile}`, roots: place, hostnameOverride, tls });
  }

  async #peer({
    address,
    named,
    roots,
    hostnameOverride = this.config.hostnameOverride,
    tls = this.config.tls,
  }: PeerPlace): Promise<PeerClient> {
    const endpoint: Endpoint = {
      what: 'peer',
      address,
      tls: tls ? { roots: rootsIn(roots), ...this.#ownCertificate(), hostnameOverride } : undefined,
      settings: {
        address: named,
        tls: 'CORE_PEER_TLS_ENABLED',
        roots: roots.setting,
        rootsFile: roots.file,
        hostname: 'CORE_PEER_TLS_SERVERHOSTOVERRIDE',
        client: `CORE_PEER_TLS_CLIENTAUTHREQUIRED=true, ${CLIENT_PAIR}`,
      },
    };
    checkAddress(address, named);
    this.#peersByTls ||= tls;
    const client = this.#keep(new PeerClient(endpoint));
    this.#dialled.set(client, endpoint);
    await reach(client, endpoint, { timeoutMs: this.config.connTimeoutMs, signal: this.#terminal.signal });
    return client;
  }

  /**
   * The orderer of -o or SELVAGE_ORDERER, or each of several between commas, as `peer` 3.1 takes them; else one that the channel's
   * configuration names.
   * @param ask the channel and who asks which peer for its configuration
   * @throws {SelvageError} naming the setting that is wrong
   */
  async broadcaster(flags: OrdererFlags, ask?: { readonly channelId: string; readonly caller: Caller }): Promise<Broadcaster> {
    const named = flags.orderer || this.#terminal.env['SELVAGE_ORDERER'] || undefined;
    if (named !== undefined) return toEach(await Promise.all(named.split(',').map((address) => this.#orderer(address, '-o', flags))));
    if (ask === undefined)
      throw new SelvageError('SETTING_INVALID', 'ordering service endpoint  is not valid or missing', {
        advice: 'Name it with -o HOST:PORT.',
      });
    const address = await this.#ordererOf(ask.channelId, ask.caller);
    return this.#orderer(address, "the channel's configuration (or name another with -o)", flags);
  }

  /**
   * Finds a peer of each of some organisations of a channel, by what the peer of `caller` knows of them. None of an organisation that it
   * knows no peer of, or none that can be reached; none at all where it does not tell.
   */
  async discovered(channelId: string, caller: Caller, mspIds: readonly string[]): Promise<ReadonlyMap<string, PeerClient>> {
    const found = new Map<string, PeerClient>();
    const known = await this.#knownTo(caller, channelId);
    const { application } = readChannel(await channelGroup(caller, channelId, this.#terminal));
    for (const { mspId, address } of known) {
      if (!mspIds.includes(mspId) || found.has(mspId)) continue;
      const pem = application?.orgs.find((org) => org.mspId === mspId)?.tlsRoots.map((root) => textOf(root));
      const roots = {
        setting: "the channel's configuration",
        file: `what the channel's configuration says of ${mspId}`,
        pem: pem?.join('\n') ?? '',
      };
      const place = { address, named: `what ${caller.peer.address} says of ${mspId}`, roots, tls: this.#peersByTls };
      const peer = await this.#peer(place).catch(() => undefined); // another of its peers may do
      if (peer !== undefined) found.set(mspId, peer);
    }
    return found;
  }

  async #knownTo({ peer, signer }: Caller, channelId: string): Promise<readonly DiscoveredPeer[]> {
    const dialled = this.#dialled.get(peer);
    if (dialled === undefined) return [];
    const own = dialled.tls && { ...dialled.tls, ...(dialled.tls.cert === undefined && (await passingCertificate())) };
    using grpc = new GrpcClient({ address: dialled.address, tls: own });
    const tlsCertHash = own?.cert === undefined ? undefined : sha256(derOfPem(String(own.cert)));
    try {
      return await discoverPeers(grpc, signer, { channelId, tlsCertHash }, this.#terminal);
    } catch (thrown) {
      this.#terminal.say(`${peer.address} does not tell which peers there are: ${messageOf(thrown)}`);
      return [];
    }
  }

  /**
   * Who orders for a channel, where its configuration says all that is not said otherwise: the first of its nodes that can be reached, by
   * TLS where the peers are, with the authorities that it names.
   * @throws {SelvageError} naming the setting that is wrong, or that of the last node that was tried
   */
  async channelBroadcaster(flags: OrdererFlags, channelId: string, caller: Caller): Promise<Broadcaster> {
    const named = (flags.orderer || this.#terminal.env['SELVAGE_ORDERER'] || undefined)?.split(',');
    const endpoints = await ordererEndpoints(caller, channelId, this.#terminal);
    const tls = this.#peersByTls || flags.tls === true;
    const orderer = (address: string, setting: string): Promise<OrdererClient> =>
      flags.cafile || !tls ? this.#orderer(address, setting, { ...flags, tls }) : this.#trusted(address, setting, { flags, endpoints });
    if (named !== undefined) return toEach(await Promise.all(named.map((address) => orderer(address, '-o'))));
    let failure: unknown = noOrderer(channelId);
    for (const { address } of endpoints) {
      try {
        return await orderer(address, "the channel's configuration (or name another with -o)");
      } catch (thrown) {
        failure = thrown;
      }
    }
    throw failure;
  }

  /** An orderer that the authorities of the channel's configuration vouch for: its own, or for another address those of all. */
  #trusted(
    address: string,
    setting: string,
    { flags, endpoints }: { readonly flags: OrdererFlags; readonly endpoints: readonly OrdererEndpoint[] },
  ): Promise<OrdererClient> {
    const own = endpoints.filter((each) => each.address === address);
    const roots = (own.length > 0 ? own : endpoints).flatMap(({ tlsRoots }) => tlsRoots);
    return this.#reachedOrderer(
      address,
      setting,
      { ...flags, cafile: "the channel's configuration" },
      {
        roots,
        ...this.#clientPair(flags),
        hostnameOverride: flags.ordererTLSHostnameOverride,
      },
    );
  }

  /** The one orderer of -o or SELVAGE_ORDERER, to read from. @throws {SelvageError} naming the setting that is wrong */
  async orderer(flags: OrdererFlags): Promise<OrdererClient> {
    const named = flags.orderer || this.#terminal.env['SELVAGE_ORDERER'] || '';
    if (named === '')
      throw new SelvageError('SETTING_INVALID', 'ordering service endpoint  is not valid or missing', {
        advice: 'Name it with -o HOST:PORT.',
      });
    return this.#orderer(named, '-o', flags);
  }

  #orderer(address: string, setting: string, flags: OrdererFlags): Promise<OrdererClient> {
    return this.#reachedOrderer(address, setting, flags, flags.tls === true ? this.#ordererTls(flags) : undefined);
  }

  async #reachedOrderer(address: string, setting: string, flags: OrdererFlags, tls: ClientTls | undefined): Promise<OrdererClient> {
    const endpoint: Endpoint = {
      what: 'orderer',
      address,
      tls: tls && judgedEarlier(tls, flags.tlsHandshakeTimeShift),
      settings: {
        address: setting,
        tls: '--tls',
        roots: '--cafile',
        rootsFile: flags.cafile ?? '',
        hostname: '--ordererTLSHostnameOverride',
        client: '--clientauth, --certfile and --keyfile',
      },
    };
    checkAddress(address, setting);
    const client = this.#keep(new OrdererClient(endpoint));
    await reach(client, endpoint, { timeoutMs: flags.connTimeout, signal: this.#terminal.signal });
    return client;
  }

  async #ordererOf(channelId: string, caller: Caller): Promise<string> {
    const [first] = await ordererEndpoints(caller, channelId, this.#terminal);
    if (first === undefined) throw noOrderer(channelId);
    this.#terminal.say(`Retrieved channel (${channelId}) orderer endpoint: ${first.address}`);
    return first.address;
  }

  /** Hash of the TLS certificate that we show to peers; undefined without mutual TLS. */
  tlsCertHash(): Uint8Array | undefined {
    const { cert } = this.#ownCertificate();
    return cert === undefined || !this.config.tls ? undefined : sha256(derOfPem(cert));
  }

  [Symbol.dispose](): void {
    for (const each of this.#open) each[Symbol.dispose]();
  }

  #keep<T extends Disposable>(connection: T): T {
    this.#open.push(connection);
    return connection;
  }

  #ownCertificate(): { readonly key?: string; readonly cert?: string } {
    const { clientAuth, keyFile, certFile } = this.config;
    if (!clientAuth) return {};
    return pairIn({ key: keyFile, cert: certFile }, CLIENT_PAIR, 'CORE_PEER_TLS_CLIENTAUTHREQUIRED is true');
  }

  #ordererTls(flags: OrdererFlags): ClientTls {
    const { cafile } = flags;
    if (!cafile) throw new SelvageError('SETTING_INVALID', '--tls needs --cafile, the trusted certificates of the orderer');
    const roots = resolve(this.#terminal.cwd, cafile);
    return {
      roots: checkedRoots(readText(roots, { setting: '--cafile' }), roots, '--cafile'),
      ...this.#clientPair(flags),
      hostnameOverride: flags.ordererTLSHostnameOverride,
    };
  }

  #clientPair({ clientauth, certfile, keyfile }: OrdererFlags): { readonly key?: string; readonly cert?: string } {
    if (clientauth !== true) return {};
    const file = (path: string | undefined) => path && resolve(this.#terminal.cwd, path);
    return pairIn({ key: file(keyfile), cert: file(certfile) }, '--certfile and --keyfile', '--clientauth is given');
  }
}

const noOrderer = (channelId: string): SelvageError =>
  new SelvageError(
    'SETTING_INVALID',
    `no orderer endpoints retrieved for channel ${channelId}, pass orderer endpoint with -o flag instead`,
  );
