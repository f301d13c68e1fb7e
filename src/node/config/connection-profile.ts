/** Connection profiles, as far as the command line reads them: where peers are and how to trust them. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { messageOf, SelvageError } from '../../common/errors.ts';

export interface ProfilePeer {
  /** `host:port` */
  readonly address: string;
  /** Certificates in PEM, or where they are; undefined for a plain connection. */
  readonly roots: { readonly pem: string } | { readonly file: string } | undefined;
  readonly hostnameOverride: string | undefined;
}

export interface ConnectionProfile {
  readonly peers: ReadonlyMap<string, ProfilePeer>;
  /** Names of the endorsing peers of each channel. */
  readonly endorsers: ReadonlyMap<string, readonly string[]>;
}

const peerSchema = v.object({
  url: v.string(),
  tlsCACerts: v.optional(v.object({ path: v.optional(v.string()), pem: v.optional(v.union([v.string(), v.array(v.string())])) })),
  grpcOptions: v.optional(v.object({ 'ssl-target-name-override': v.optional(v.string()), hostnameOverride: v.optional(v.string()) })),
});
const roleSchema = v.nullish(v.object({ endorsingPeer: v.optional(v.boolean(), true) }), { endorsingPeer: true });
const profileSchema = v.object({
  peers: v.record(v.string(), peerSchema),
  channels: v.optional(v.record(v.string(), v.object({ peers: v.optional(v.record(v.string(), roleSchema), {}) })), {}),
});

/** Reads a profile in YAML or JSON; paths in it are relative to it. @throws {SelvageError} `SETTING_INVALID` naming the file */
export function readConnectionProfile(file: string): ConnectionProfile {
  const parsed = v.safeParse(profileSchema, read(file));
  if (!parsed.success) throw refused(file, v.summarize(parsed.issues).split('\n')[0] ?? '');
  const { peers, channels } = parsed.output;
  return {
    peers: new Map(Object.entries(peers).map(([name, peer]) => [name, peerOf(peer, file)])),
    endorsers: new Map(Object.entries(channels).map(([channel, { peers: roles }]) => [channel, endorsersOf(roles)])),
  };
}

function read(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw refused(file, messageOf(cause), cause);
  }
}

function peerOf({ url, tlsCACerts, grpcOptions }: v.InferOutput<typeof peerSchema>, file: string): ProfilePeer {
  const { path, pem } = tlsCACerts ?? {};
  const inFile = path === undefined ? undefined : { file: resolve(dirname(file), path) };
  const roots = pem === undefined ? inFile : { pem: typeof pem === 'string' ? pem : pem.join('\n') };
  return {
    address: url.replace(/^grpcs?:\/\//, ''),
    roots: url.startsWith('grpc://') ? undefined : roots,
    hostnameOverride: grpcOptions?.hostnameOverride ?? grpcOptions?.['ssl-target-name-override'],
  };
}

const endorsersOf = (roles: Readonly<Record<string, { readonly endorsingPeer: boolean } | null>>): readonly string[] =>
  Object.entries(roles).flatMap(([name, role]) => (role?.endorsingPeer === false ? [] : [name]));

const refused = (file: string, reason: string, cause?: unknown): SelvageError =>
  new SelvageError('SETTING_INVALID', `${file} is no connection profile: ${reason}`, { cause });
