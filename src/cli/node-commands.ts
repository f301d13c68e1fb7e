import type { Command } from 'commander';
import { parsePeerConfig } from '../node/config/peer-config.ts';
import { readSources } from '../node/config/sources.ts';
import { openLog, parseLogSpec } from '../node/logging.ts';
import { PrometheusMetrics } from '../node/metrics.ts';
import { startPeer } from '../node/start-peer.ts';
import { untilAborted } from '../node/until-aborted.ts';
import type { Terminal } from './terminal.ts';

/** `node start`: a peer from core.yaml and CORE_ variables, until it is told to stop. */
export function nodeCommands(program: Command, terminal: Terminal): void {
  const node = program.command('node').description('Operate a peer node: start.');
  node
    .command('start')
    .description('Start a node that interacts with the network.')
    .option('--peer-chaincodedev', 'start the peer in chaincode development mode: you start the chaincode yourself')
    .option('-o, --orderer <host:port>', 'accepted for compatibility; the channel configuration names the orderers')
    .action(async ({ peerChaincodedev = false }: { readonly peerChaincodedev?: boolean }) => {
      const env = peerChaincodedev ? { ...terminal.env, CORE_CHAINCODE_MODE: 'dev' } : terminal.env;
      const sources = readSources(env);
      const config = parsePeerConfig(sources, env['FABRIC_LOGGING_SPEC'] ?? env['CORE_LOGGING_LEVEL']);
      using opened = openLog({ spec: parseLogSpec(config.logSpec), destination: 2 });
      if (sources.unknown.length > 0) opened.log.warn('settings that neither Fabric nor Selvage knows', { keys: sources.unknown });
      await using peer = await startPeer(config, { log: opened.log, metrics: new PrometheusMetrics(), signal: terminal.signal });
      opened.log.info('peer is ready', { id: config.id, address: peer.address, chaincodeAddress: peer.chaincodeAddress });
      await untilAborted(terminal.signal);
    });
}
