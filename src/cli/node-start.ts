import { parsePeerConfig } from '../node/config/peer-config.ts';
import { readSources } from '../node/config/sources.ts';
import { LogLevels, openLog } from '../node/logging.ts';
import { PrometheusMetrics } from '../node/metrics.ts';
import { startPeer } from '../node/start-peer.ts';
import { untilAborted } from '../node/until-aborted.ts';
import type { NodeFlags } from './node-commands.ts';
import type { Terminal } from './terminal.ts';

/** Runs a peer until the terminal's signal aborts. @throws {SelvageError} saying which setting, file or address is wrong */
export async function startNode({ peerChaincodedev = false }: NodeFlags, { env, signal }: Terminal): Promise<void> {
  const sources = readSources(peerChaincodedev ? { ...env, CORE_CHAINCODE_MODE: 'dev' } : env);
  const config = parsePeerConfig(sources, env['FABRIC_LOGGING_SPEC']);
  const logLevels = new LogLevels(config.logSpec);
  using opened = openLog({ levels: logLevels, destination: 2 });
  const { log } = opened;
  if (sources.unknown.length > 0) log.warn('settings that neither Fabric nor Selvage knows', { keys: sources.unknown });
  if (sources.ignored.length > 0) log.info('settings that Selvage does not act on', { keys: sources.ignored });
  const metrics = new PrometheusMetrics();
  const operations = { metrics: () => metrics.text(), logLevels };
  await using peer = await startPeer(config, { log, metrics, operations, signal });
  const { address, chaincodeAddress, operationsAddress } = peer;
  log.info('peer is ready', { id: config.id, address, chaincodeAddress, ...(operationsAddress && { operationsAddress }) });
  await untilAborted(signal);
}
