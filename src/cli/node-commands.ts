import type { Command } from 'commander';
import { parsePeerConfig } from '../node/config/peer-config.ts';
import { readSources } from '../node/config/sources.ts';
import { LogLevels, openLog } from '../node/logging.ts';
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
      const config = parsePeerConfig(sources, env['FABRIC_LOGGING_SPEC']);
      const logLevels = new LogLevels(config.logSpec);
      using opened = openLog({ levels: logLevels, destination: 2 });
      const { log } = opened;
      if (sources.unknown.length > 0) log.warn('settings that neither Fabric nor Selvage knows', { keys: sources.unknown });
      if (sources.ignored.length > 0) log.info('settings that Selvage does not act on', { keys: sources.ignored });
      const metrics = new PrometheusMetrics();
      const operations = { metrics: () => metrics.text(), logLevels };
      await using peer = await startPeer(config, { log, metrics, operations, signal: terminal.signal });
      const { address, chaincodeAddress, operationsAddress } = peer;
      log.info('peer is ready', { id: config.id, address, chaincodeAddress, ...(operationsAddress && { operationsAddress }) });
      await untilAborted(terminal.signal);
    });
}
