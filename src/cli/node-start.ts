import { metricsOfBoth } from '../common/metrics-of-both.ts';
import { Scope } from '../common/scope.ts';
import { systemTimers } from '../common/timers.ts';
import { parsePeerConfig } from '../node/config/peer-config.ts';
import { readSources } from '../node/config/sources.ts';
import { LogLevels } from '../node/log-levels.ts';
import { openLog } from '../node/logging.ts';
import { PrometheusMetrics } from '../node/metrics.ts';
import { type Peer, startPeer } from '../node/start-peer.ts';
import { startStatsd } from '../node/statsd/start-statsd.ts';
import { StatsdMetrics } from '../node/statsd/statsd-metrics.ts';
import { untilAborted } from '../node/until-aborted.ts';
import { loggedProcess } from './logged-process.ts';
import type { NodeFlags } from './node-flags.ts';
import type { Terminal } from './terminal.ts';

/** A stop takes no longer than this and the grace of its chaincode, twice: of what runs, and of what was being built. */
const STOP_MS = 15_000;

/** Runs a peer until the terminal's signal aborts. @throws {SelvageError} saying which setting, file or address is wrong */
export async function startNode({ peerChaincodedev = false }: NodeFlags, { env, signal, process: watched }: Terminal): Promise<void> {
  const sources = readSources(peerChaincodedev ? { ...env, CORE_CHAINCODE_MODE: 'dev' } : env);
  const config = parsePeerConfig(sources, env['FABRIC_LOGGING_SPEC']);
  const logLevels = new LogLevels(config.logSpec);
  const served = new PrometheusMetrics();
  const sent = config.statsd && new StatsdMetrics(config.statsd.prefix);
  const metrics = sent === undefined ? served : metricsOfBoth(served, sent);
  await using opened = openLog({ levels: logLevels, destination: 2, metrics });
  const { log } = opened;
  await using scope = new Scope();
  let running: Pick<Peer, 'report'> | undefined;
  using _heard = watched?.listen(loggedProcess(log, () => running?.report() ?? {}, opened.flush));
  watched?.allow(STOP_MS + 2 * config.chaincode.stopGraceMs);
  if (sources.absent !== undefined)
    log.warn('there is no core.yaml in the folder that FABRIC_CFG_PATH names: what no variable sets has its default', {
      folder: sources.absent,
    });
  if (sources.unknown.length > 0) log.warn('settings that neither Fabric nor Selvage knows', { keys: sources.unknown });
  if (sources.ignored.length > 0) log.info('settings that Selvage does not act on', { keys: sources.ignored });
  const operations = { metrics: () => served.text(), logLevels };
  if (config.statsd !== undefined && sent !== undefined)
    scope.use(startStatsd(config.statsd, { metrics: sent, timers: systemTimers, log: log.child({ module: 'operations' }) }));
  await using peer = await startPeer(config, { log, metrics, operations, signal });
  running = peer;
  const { address, chaincodeAddress, operationsAddress } = peer;
  log.info(`Started peer with ID=[${config.id}], network ID=[${config.networkId}], address=[${config.address}]`);
  log.info('peer is ready', { id: config.id, address, chaincodeAddress, ...(operationsAddress && { operationsAddress }) });
  await untilAborted(signal);
}
