/** Flags that several commands of the stock `peer` share. */
import { Command, Option } from 'commander';
import { invalid } from './go-flags.ts';
import { parseGoDuration, parseInteger } from './go-values.ts';

/** How to reach the orderer. */
export interface OrdererFlags {
  readonly orderer?: string;
  readonly tls?: boolean;
  readonly cafile?: string;
  readonly certfile?: string;
  readonly keyfile?: string;
  readonly clientauth?: boolean;
  readonly ordererTLSHostnameOverride?: string;
  /** Milliseconds. */
  readonly connTimeout: number;
  /** Milliseconds. */
  readonly tlsHandshakeTimeShift: number;
}

/** Other peers than the one of the environment. */
export interface PeerFlags {
  readonly peerAddresses?: readonly string[];
  readonly tlsRootCertFiles?: readonly string[];
  readonly connectionProfile?: string;
}

/** What describes a chaincode's sources. */
export interface SourceFlags {
  readonly name: string;
  readonly version: string;
  readonly path?: string;
  readonly lang: string;
  readonly ctor: string;
}

/** A flag that may be given several times: each time one value, whatever is in it. */
export const listFlag = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value]);

/** A flag like `30s`, as milliseconds. */
export function durationFlag(flags: string, description: string, fallback: string): Option {
  const option = new Option(flags, description);
  const read = (text: string): number => {
    const parsed = parseGoDuration(text);
    if ('refusal' in parsed) throw invalid(text, option, parsed.refusal);
    return parsed.ms;
  };
  return option.argParser(read).default(read(fallback), fallback);
}

const LIMITS = { int: [-(2n ** 63n), 2n ** 63n - 1n], uint: [0n, 2n ** 64n - 1n] } as const;

/** A flag that is a whole number, of 64 bits as in Go. */
export function integerFlag(flags: string, description: string, kind: keyof typeof LIMITS = 'int'): Option {
  const option = new Option(flags, description);
  return option.argParser((text: string): bigint => {
    const value = parseInteger(text);
    const [least, most] = LIMITS[kind];
    const reason = value === undefined || (kind === 'uint' && /^[+-]/.test(text)) ? 'invalid syntax' : 'value out of range';
    if (value !== undefined && value >= least && value <= most && !(kind === 'uint' && /^[+-]/.test(text))) return value;
    throw invalid(text, option, `strconv.Parse${kind === 'int' ? 'Int' : 'Uint'}: parsing ${JSON.stringify(text)}: ${reason}`);
  });
}

export const withOrderer = (command: Command): Command =>
  command
    .option('-o, --orderer <host:port>', 'ordering service endpoint (default: SELVAGE_ORDERER)')
    .option('--tls', 'use TLS when communicating with the orderer endpoint')
    .option('--cafile <file>', 'PEM file with the trusted certificates of the orderer')
    .option('--certfile <file>', 'PEM file with the client certificate, for mutual TLS with the orderer')
    .option('--keyfile <file>', 'PEM file with the client key, for mutual TLS with the orderer')
    .option('--clientauth', 'use mutual TLS with the orderer')
    .option('--ordererTLSHostnameOverride <name>', 'host name expected in the TLS certificate of the orderer')
    .addOption(durationFlag('--connTimeout <duration>', 'how long to wait for a connection', '3s'))
    .addOption(durationFlag('--tlsHandshakeTimeShift <duration>', 'judge the TLS certificate of the orderer as it was so long ago', '0'));

/** The same flags on commands that need no orderer: scripts hand them to every command. */
export function withUnusedOrderer(command: Command): Command {
  const unused = withOrderer(new Command());
  for (const each of unused.options) command.addOption(each.hideHelp());
  return command;
}

export const withPeers = (command: Command): Command =>
  command
    .addOption(listFlag('--peerAddresses <host:port>', 'peer to connect to instead of CORE_PEER_ADDRESS; for several repeat it'))
    .addOption(listFlag('--tlsRootCertFiles <file>', 'TLS root certificate file of the peer at the same position in --peerAddresses'))
    .option('--connectionProfile <file>', 'connection profile in YAML or JSON that says where the peers are');

export const withSource = (command: Command): Command =>
  command
    .option('-n, --name <name>', 'name of the chaincode', '')
    .option('-v, --version <version>', 'version of the chaincode', '')
    .option('-p, --path <folder>', 'folder of the chaincode')
    .option('-l, --lang <language>', 'language the chaincode is written in', 'golang')
    .option('-c, --ctor <json>', 'function and arguments of Init in JSON', '{}');
