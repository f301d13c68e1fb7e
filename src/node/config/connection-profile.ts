/** Connection profiles, as far as the command line reads them: where peers are and how to trust them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { fileReason } from '../../common/file-reason.ts';
import { YamlFields } from './yaml-fields.ts';

export interface ProfilePeer {
  /** `host:port`; whatever else the profile has for it, which matters only to who asks this peer. */
  readonly address: string;
  /** Certificates in PEM, or where they are; undefined where the profile names none. */
  readonly roots: PemPlace | undefined;
  readonly hostnameOverride: string | undefined;
  /** As the URL's scheme says; undefined when it has none. */
  readonly tls: boolean | undefined;
}

/** An organisation, and what its Admin signs with where the profile has that. */
export interface ProfileOrganization {
  readonly mspId: string;
  /** Names of its peers in the profile. */
  readonly peers: readonly string[];
  readonly admin: { readonly key: PemPlace; readonly certificate: PemPlace } | undefined;
}

/** PEM text, or the file that has it. */
export type PemPlace = { readonly pem: string } | { readonly file: string };

export interface ConnectionProfile {
  readonly file: string;
  /** The organisation whose profile it is, by the name that it has in there; undefined where it is nobody's. */
  readonly own: string | undefined;
  readonly organizations: ReadonlyMap<string, ProfileOrganization>;
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
  const text = textOf(file);
  try {
    const profile = YamlFields.parse(text);
    const peers = profile.fields('peers');
    const channels = profile.fields('channels');
    const organizations = profile.fields('organizations');
    const folders = [cwd, dirname(file)];
    return {
      file,
      own: profile.fields('client').text('organization') || undefined,
      organizations: new Map(organizations.keys().map((name) => [name, organizationOf(organizations.fields(name), folders)])),
      peers: new Map(peers.keys().map((name) => [name, peerOf(peers.fields(name), folders)])),
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

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `cannot read the connection profile ${file}: ${fileReason(file, cause)}`, {
      cause,
      advice: 'Check the path and who may read it.',
    });
  }
}

function organizationOf(organization: YamlFields, folders: readonly string[]): ProfileOrganization {
  const key = placeIn(organization.fields('adminPrivateKey'), folders);
  const certificate = placeIn(organization.fields('signedCert'), folders);
  return {
    mspId: organization.text('mspid') ?? '',
    peers: organization.texts('peers'),
    admin: key === undefined || certificate === undefined ? undefined : { key, certificate },
  };
}

function peerOf(peer: YamlFields, folders: readonly string[]): ProfilePeer {
  const [, scheme, address = ''] = /^(?:(grpcs?):\/\/)?(.*?)\/?$/s.exec(peer.text('url') ?? '') ?? [];
  const options = peer.fields('grpcOptions');
  return {
    address,
    roots: placeIn(peer.fields('tlsCACerts'), folders),
    hostnameOverride: options.text('hostnameOverride') || options.text('ssl-target-name-override') || undefined,
    tls: scheme === undefined ? undefined : scheme === 'grpcs',
  };
}

function placeIn(place: YamlFields, folders: readonly string[]): PemPlace | undefined {
  const path = place.text('path') ?? '';
  const pem = place.texts('pem').join('\n');
  if (path !== '') return { file: found(path, folders) };
  return pem === '' ? undefined : { pem };
}

const found = (path: string, folders: readonly string[]): string => {
  const files = folders.map((folder) => resolve(folder, path));
  return files.find((file) => existsSync(file)) ?? files[0] ?? path;
};
