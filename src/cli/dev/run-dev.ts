import { mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../../common/scope.ts';
import { connectClients, type DevClients, joinAll } from '../../node/dev/dev-clients.ts';
import type { DevNetwork } from '../../node/dev/dev-network.ts';
import { untilAborted } from '../../node/until-aborted.ts';
import type { Terminal } from '../terminal.ts';
import { type DevDeployment, deploy, deployOnChange } from './deployments.ts';
import type { DevFlags } from './dev-flags.ts';
import { DevOutput } from './dev-output.ts';
import { type DevRequest, devRequest } from './dev-request.ts';
import { tellHowToGoOn } from './how-to-go-on.ts';
import { tellInspectors } from './inspectors.ts';
import { humanReporter, jsonReporter, type Reporter } from './reporter.ts';
import { startNetwork, type Tellers } from './start-network.ts';
import { tellBeforehand } from './tell-beforehand.ts';
import { runTour } from './tour.ts';

/** Runs `selvage dev` until the terminal's signal aborts, or with `--once` until the calls are made. */
export async function runDev(paths: readonly string[], flags: DevFlags, terminal: Terminal): Promise<void> {
  const request = await devRequest(paths, flags, terminal);
  const reporter = flags.json ? jsonReporter(terminal) : humanReporter(terminal, flags.verbose);
  const labels = new Map(request.chaincodes.map(({ source, name }) => [source.label ?? name, name]));
  const { quiet = false, verbose = false } = flags;
  const output = new DevOutput({ reporter, quiet, verbose: verbose || flags.json === true, nameOf: (label) => labels.get(label) ?? label });
  await using data = await openDataFolder(request, terminal);
  try {
    await runIn(data.path, request, { terminal, reporter, output });
  } catch (thrown) {
    if (!terminal.signal.aborted) await data.keepLog();
    throw thrown;
  }
}

async function runIn(data: string, request: DevRequest, run: Tellers): Promise<void> {
  const { terminal, reporter, output } = run;
  await using scope = new Scope();
  const network = await startNetwork(data, request, { ...run, cacheFolder: cacheFolder(terminal) }, scope);
  const clients = scope.use(await connectClients(network.folders, network.plan));
  await joinChannel(network, clients, terminal, reporter);
  tellBeforehand(request, network, reporter);
  const amongOthers = request.chaincodes.length > 1;
  const deployments = request.chaincodes.map(
    (chaincode): DevDeployment => ({ chaincode, amongOthers, network, clients, reporter, lastOutput: () => output.last }),
  );
  for (const deployment of deployments) {
    const { name, source } = deployment.chaincode;
    if (request.inspect) scope.use(tellInspectors(network, source.label ?? name, reporter));
    await deploy(deployment, terminal);
    await runTour(source.tour, { clients, chaincode: name, reporter }, terminal);
  }
  if (request.once) return;
  tellHowToGoOn({ network, chaincodes: request.chaincodes, kept: request.data !== undefined, reporter });
  if (request.watch && deployments.length > 0) await Promise.all(deployments.map((deployment) => deployOnChange(deployment, terminal)));
  else await untilAborted(terminal.signal);
  reporter.fact('stopping', {}, ['', 'Stopping …']);
}

/** Where the network lives. Disposing removes it, unless the user named it. */
interface DataFolder extends AsyncDisposable {
  readonly path: string;
  /** Puts the log where it outlives the folder, because an error points to it. */
  keepLog(): Promise<void>;
}

async function openDataFolder({ data }: DevRequest, terminal: Terminal): Promise<DataFolder> {
  if (data !== undefined) return { path: data, keepLog: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const path = await mkdtemp(join(tmpdir(), 'selvage-dev-'));
  const kept = `${path}.log`;
  return {
    path,
    keepLog: async () => {
      if (terminal.logFile === undefined) return;
      const moved = await rename(terminal.logFile, kept).then(
        () => true,
        () => false, // there is none yet; the error that brought us here is what counts
      );
      if (moved) terminal.logFile = kept;
      else delete terminal.logFile;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

async function joinChannel(network: DevNetwork, clients: DevClients, terminal: Terminal, reporter: Reporter): Promise<void> {
  const begun = performance.now();
  for (const [channel, joined] of await joinAll(clients, network.folders, terminal)) {
    const text = joined === 0 ? `${channel}, as it was` : `${channel} joined by ${joined} peer${joined === 1 ? '' : 's'}`;
    reporter.step('channel', text, performance.now() - begun, { channel, joined });
  }
}

/** Where chaincode's dependencies stay between networks, so that the second start needs no install. */
function cacheFolder({ env }: Terminal): string {
  const base =
    env['SELVAGE_CACHE'] ??
    (env['XDG_CACHE_HOME'] === undefined ? join(homedir(), '.cache', 'selvage') : join(env['XDG_CACHE_HOME'], 'selvage'));
  return join(base, 'chaincode');
}
