/** Flags that several commands of the stock `peer` share. */
import { type Command, Option } from 'commander';

/** How to reach the orderer. */
export interface OrdererFlags {
  readonly orderer?: string;
  readonly tls?: boolean;
  readonly cafile?: string;
  readonly certfile?: string;
  readonly keyfile?: string;
  readonly clientauth?: boolean;
  readonly ordererTLSHostnameOverride?: string;
}

/** Other peers than the one of the environment. */
export interface PeerFlags {
  readonly peerAddresses?: readonly string[];
  readonly tlsRootCertFiles?: readonly string[];
}

/** What describes a chaincode's sources. */
export interface SourceFlags {
  readonly name: string;
  readonly version: string;
  readonly path?: string;
  readonly lang: string;
  readonly ctor: string;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, ...value.split(',')];

export const withOrderer = (command: Command): Command =>
  command
    .option('-o, --orderer <host:port>', 'ordering service endpoint (default: SELVAGE_ORDERER)')
    .option('--tls', 'use TLS when communicating with the orderer endpoint')
    .option('--cafile <file>', 'PEM file with the trusted certificates of the orderer')
    .option('--certfile <file>', 'PEM file with the client certificate, for mutual TLS with the orderer')
    .option('--keyfile <file>', 'PEM file with the client key, for mutual TLS with the orderer')
    .option('--clientauth', 'use mutual TLS with the orderer')
    .option('--ordererTLSHostnameOverride <name>', 'host name expected in the TLS certificate of the orderer')
    .option('--connTimeout <duration>', 'accepted for compatibility; connections are made when first used')
    .option('--tlsHandshakeTimeShift <duration>', 'accepted for compatibility');

/** The same flags on commands that need no orderer: scripts hand them to every command. */
export function withUnusedOrderer(command: Command): Command {
  const flags = ['-o, --orderer <host:port>', '--tls', '--cafile <file>', '--certfile <file>', '--keyfile <file>', '--clientauth'];
  const more = ['--ordererTLSHostnameOverride <name>', '--connTimeout <duration>', '--tlsHandshakeTimeShift <duration>'];
  for (const each of [...flags, ...more]) command.addOption(new Option(each).hideHelp());
  return command;
}

export const withPeers = (command: Command): Command =>
  command
    .option('--peerAddresses <host:port>', 'peer to connect to instead of CORE_PEER_ADDRESS; invoke takes several', collect)
    .option('--tlsRootCertFiles <file>', 'TLS root certificate file of the peer at the same position in --peerAddresses', collect)
    .option('--connectionProfile <file>', 'accepted for compatibility');

export const withSource = (command: Command): Command =>
  command
    .option('-n, --name <name>', 'name of the chaincode', '')
    .option('-v, --version <version>', 'version of the chaincode', '')
    .option('-p, --path <folder>', 'folder of the chaincode')
    .option('-l, --lang <language>', 'language the chaincode is written in', 'golang')
    .option('-c, --ctor <json>', 'function and arguments of Init in JSON', '{}');
