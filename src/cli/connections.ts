import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { OrdererClient } from '../client/orderer-client.ts';
import { PeerClient } from '../client/peer-client.ts';
import type { ClientTls } from '../comm/tls.ts';
import { sha256 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import type { Signer } from '../msp/identity.ts';
import { type ClientConfig, type ClientTlsFiles, readClientConfig } from '../node/config/client-config.ts';
import type { ProfilePeer } from '../node/config/connection-profile.ts';
import { loadSigner } from '../node/membership.ts';
import type { OrdererFlags, PeerFlags } from './flags.ts';
import type { Terminal } from './terminal.ts';

/** Connections of one command; disposing closes them all. */
export class Connections implements Disposable {
  readonly config: ClientConfig;
  readonly #terminal: Terminal;
  readonly #open: Disposable[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.config = readClientConfig(terminal.env);
  }

  signer(): Promise<Signer> {
    return loadSigner(this.config.mspPath, this.config.mspId);
  }

  /** The peer of the environment (CORE_PEER_ADDRESS). */
  peer(): PeerClient {
    const { peerAddress, peerTls } = this.config;
    return this.#keep(new PeerClient({ address: peerAddress, tls: peerTls === undefined ? undefined : this.#tls(peerTls) }));
  }

  /** A peer of a connection profile; with mutual TLS we show the certificate of the environment. */
  peerAt({ address, roots, hostnameOverride }: ProfilePeer): PeerClient {
    const own = this.config.peerTls;
    const pem = roots && ('file' in roots ? readText(roots.file) : roots.pem);
    const tls = pem === undefined ? undefined : { ...(own && this.#ownCertificate(own)), roots: pem, hostnameOverride };
    return this.#keep(new PeerClient({ address, tls }));
  }

  /** The peers of --peerAddresses, or the one of the environment. */
  peers({ peerAddresses = [], tlsRootCertFiles = [] }: PeerFlags): readonly PeerClient[] {
    if (peerAddresses.length === 0) return [this.peer()];
    const { peerTls } = this.config;
    if (peerTls !== undefined && tlsRootCertFiles.length !== peerAddresses.length) {
      throw new SelvageError(
        'SETTING_INVALID',
        `number of peer addresses (${peerAddresses.length}) does not match the number of TLS root cert files (${tlsRootCertFiles.length})`,
        {
          advice: 'Give one --tlsRootCertFiles for each --peerAddresses, in the same order.',
        },
      );
    }
    return peerAddresses.map((address, at) => {
      const tls =
        peerTls === undefined
          ? undefined
          : this.#tls({ ...peerTls, rootCertFile: resolve(this.#terminal.cwd, tlsRootCertFiles[at] ?? '') });
      return this.#keep(new PeerClient({ address, tls }));
    });
  }

  /** The one peer that a command talks to. @throws {SelvageError} `SETTING_INVALID` when several are named */
  onePeer(command: string, flags: PeerFlags): PeerClient {
    const count = flags.peerAddresses?.length ?? 1;
    if (count > 1)
      throw new SelvageError('SETTING_INVALID', `'${command}' command can only be executed against one peer. received ${count}`);
    const [peer] = this.peers(flags);
    return peer ?? this.peer();
  }

  orderer(flags: OrdererFlags): OrdererClient {
    const address = flags.orderer ?? this.#terminal.env['SELVAGE_ORDERER'];
    if (address === undefined || address === '') {
      throw new SelvageError('SETTING_INVALID', 'the ordering service endpoint is missing', { advice: 'Name it with -o HOST:PORT.' });
    }
    return this.#keep(new OrdererClient({ address, tls: flags.tls === true ? this.#ordererTls(flags) : undefined }));
  }

  /** Hash of the TLS certificate that we show to peers; undefined without mutual TLS. */
  tlsCertHash(): Uint8Array | undefined {
    const file = this.config.peerTls?.certFile;
    return file === undefined ? undefined : sha256(derOfPem(readText(file)));
  }

  [Symbol.dispose](): void {
    for (const each of this.#open) each[Symbol.dispose]();
  }

  #keep<T extends Disposable>(connection: T): T {
    this.#open.push(connection);
    return connection;
  }

  #tls({ rootCertFile, hostnameOverride, ...own }: ClientTlsFiles): ClientTls {
    return { roots: readText(rootCertFile), ...this.#ownCertificate(own), hostnameOverride };
  }

  #ownCertificate({ keyFile, certFile }: Pick<ClientTlsFiles, 'keyFile' | 'certFile'>) {
    return { key: keyFile === undefined ? undefined : readText(keyFile), cert: certFile === undefined ? undefined : readText(certFile) };
  }

  #ordererTls({ cafile, certfile, keyfile, clientauth, ordererTLSHostnameOverride }: OrdererFlags): ClientTls {
    const { cwd } = this.#terminal;
    if (cafile === undefined) throw new SelvageError('SETTING_INVALID', '--tls needs --cafile, the trusted certificates of the orderer');
    const own = (file: string | undefined) => (clientauth === true && file !== undefined ? readText(resolve(cwd, file)) : undefined);
    return { roots: readText(resolve(cwd, cafile)), key: own(keyfile), cert: own(certfile), hostnameOverride: ordererTLSHostnameOverride };
  }
}

/** @throws {SelvageError} `SETTING_INVALID` naming the file */
export function readText(file: string): string {
  return readBytes(file).toString('utf8');
}

/** @throws {SelvageError} `SETTING_INVALID` naming the file */
export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `cannot read ${file === '' ? 'a file whose name is empty' : file}`, {
      cause,
      advice: 'Check the path and who may read it.',
    });
  }
}
