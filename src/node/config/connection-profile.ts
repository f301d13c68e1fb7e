/** Connection profiles, as far as the command line reads them: where peers are and how to trust them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { YamlFields } from './yaml-fields.ts';

export interface ProfilePeer {
  /** `host:port`; whatever else the profile has for it, which matters only to who asks this peer. */
  readonly address: string;
  /** Certificates in PEM, or where they are; undefined where the profile names none. */
  readonly roots: { readonly pem: string } | { readonly file: string } | undefined;
  readonly hostnameOverride: string | undefined;
  /** As the URL's scheme says; undefined when it has none. */
  readonly tls: boolean | undefined;
}

export interface ConnectionProfile {
  readonly file: string;
  readonly peers: ReadonlyMap<string, ProfilePeer>;
  /** Names of the endorsing peers of each channel that lists peers: those with `endorsingPeer: true`. */
  readonly endorsers: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads a profile in YAML or JSON. Paths in it are relative to the working folder, as in Fabric, or else to the profile.
 *
 * @throws {SelvageError} `SETTING_INVALID` naming the file and what is wrong in it
 * @see GetConfig in hyperledger/fabric v2.5, internal/peer/common/networkconfig.go
 */
export function readConnectionProfile(file: string, cwd: string): ConnectionProfile {
  try {
    const profile = YamlFields.parse(readFileSync(file, 'utf8'));
    const peers = profile.fields('peers');
    const channels = profile.fields('channels');
    return {
      file,
      peers: new Map(peers.keys().map((name) => [name, peerOf(peers.fields(name), [cwd, dirname(file)])])),
      endorsers: new Map(
        channels.keys().flatMap((name) => {
          const roles = channels.fields(name).fields('peers');
          return roles.keys().length === 0 ? [] : [[name, roles.keys().filter((peer) => roles.fields(peer).bool('endorsingPeer'))]];
        }),
      ),
    };
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `${file} is no connection profile: ${messageOf(cause)}`, { cause });
  }
}

function peerOf(peer: YamlFields, folders: readonly string[]): ProfilePeer {
  const [, scheme, address = ''] = /^(?:(grpcs?):\/\/)?(.*?)\/?$/s.exec(peer.text('url') ?? '') ?? [];
  const trusted = peer.fields('tlsCACerts');
  const path = trusted.text('path') ?? '';
  const pem = trusted.texts('pem').join('\n');
  const options = peer.fields('grpcOptions');
  return {
    address,
    roots: path !== '' ? { file: found(path, folders) } : pem === '' ? undefined : { pem },
    hostnameOverride: options.text('hostnameOverride') || options.text('ssl-target-name-override') || undefined,
    tls: scheme === undefined ? undefined : scheme === 'grpcs',
  };
}

const found = (path: string, folders: readonly string[]): string => {
  const files = folders.map((folder) => resolve(folder, path));
  return files.find((file) => existsSync(file)) ?? files[0] ?? path;
};
