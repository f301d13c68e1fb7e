import { mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { unmeasured } from '../../common/metrics.ts';
import { Scope } from '../../common/scope.ts';
import { connectClients, type DevClients, joinAll } from '../../node/dev/dev-clients.ts';
import { type DevNetwork, startDevNetwork } from '../../node/dev/dev-network.ts';
import type { Lifecycle } from '../../node/dev/dev-plan.ts';
import type { InvalidTransaction } from '../../node/follow-channels.ts';
import { LogLevels, openLog } from '../../node/logging.ts';
import { untilAborted } from '../../node/until-aborted.ts';
import type { Terminal } from '../terminal.ts';
import { type DevelopedChaincode, holdsChaincode, readChaincodeFolder } from './chaincode-folder.ts';
import { isPackage, readChaincodePackage } from './chaincode-package.ts';
import { deploy, deployOnChange, nameOf } from './deployments.ts';
import { describeInvalid } from './describe.ts';
import type { DevFlags } from './dev-command.ts';
import { DevOutput } from './dev-output.ts';
import { tellInspectors } from './inspectors.ts';
import { humanReporter, jsonReporter, type Reporter } from './reporter.ts';
import { runTour } from './tour.ts';

/** Runs `selvage dev` until the terminal's signal aborts, or with `--once` until the calls are made. */
export async function runDev(path: string | undefined, flags: DevFlags, terminal: Terminal): Promise<void> {
  const reporter = flags.json ? jsonReporter(terminal) : humanReporter(terminal, flags.verbose);
  const chaincode = await chaincodeIn(path, terminal);
  await using data = await openDataFolder(flags, terminal);
  try {
    await runIn(data.path, chaincode, { flags, terminal, reporter });
  } catch (thrown) {
    if (!terminal.signal.aborted) await data.keepLog();
    throw thrown;
  }
}

interface Run {
  readonly flags: DevFlags;
  readonly terminal: Terminal;
  readonly reporter: Reporter;
}

async function runIn(data: string, chaincode: DevelopedChaincode | undefined, { flags, terminal, reporter }: Run): Promise<void> {
  await using scope = new Scope();
  const lifecycle = lifecycleOf(flags, chaincode);
  const output = new DevOutput(reporter);
  const network = scope.use(await start(data, { ...flags, lifecycle }, terminal, { reporter, output }, scope));
  const clients = scope.use(await connectClients(network.folders, network.plan));
  await joinChannel(network, clients, terminal, reporter);
  if (flags.inspect && chaincode !== undefined)
    scope.use(tellInspectors(network, chaincode.label ?? nameOf({ chaincode, flags }), reporter));
  const deployment = chaincode && { chaincode, flags, network, clients, reporter, lastOutput: () => output.last };
  if (deployment !== undefined) {
    await deploy(deployment, terminal);
    await runTour(deployment.chaincode.tour, { clients, chaincode: nameOf(deployment), reporter }, terminal);
  }
  if (flags.once) return;
  tellHowToGoOn(network, deployment && nameOf(deployment), flags, reporter);
  if (deployment !== undefined && (flags.watch ?? terminal.interactive)) await deployOnChange(deployment, terminal);
  else await untilAborted(terminal.signal);
  reporter.fact('stopping', {}, ['', 'Stopping …']);
}

/** The folder or package that was named, or this folder if it looks like chaincode; a network without chaincode is fine, too. */
async function chaincodeIn(path: string | undefined, { cwd }: Terminal): Promise<DevelopedChaincode | undefined> {
  if (path !== undefined) return isPackage(path, cwd) ? readChaincodePackage(path, cwd) : readChaincodeFolder(path, cwd);
  return holdsChaincode(cwd) ? readChaincodeFolder('.', cwd) : undefined;
}

/** Where the network lives. Disposing removes it, unless the user named it. */
interface DataFolder extends AsyncDisposable {
  readonly path: string;
  /** Puts the log where it outlives the folder, because an error points to it. */
  keepLog(): Promise<void>;
}

async function openDataFolder({ data }: DevFlags, terminal: Terminal): Promise<DataFolder> {
  if (data !== undefined) {
    return { path: resolve(terminal.cwd, data), keepLog: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  }
  const path = await mkdtemp(join(tmpdir(), 'selvage-dev-'));
  const kept = `${path}.log`;
  return {
    path,
    keepLog: async () => {
      if (terminal.logFile === undefined) return;
      await rename(terminal.logFile, kept);
      terminal.logFile = kept;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

type NetworkFlags = Omit<DevFlags, 'lifecycle'> & { readonly lifecycle: Lifecycle | undefined };

interface Tellers {
  readonly reporter: Reporter;
  readonly output: DevOutput;
}

async function start(
  data: string,
  flags: NetworkFlags,
  terminal: Terminal,
  { reporter, output }: Tellers,
  scope: Scope,
): Promise<DevNetwork> {
  const begun = performance.now();
  const options = {
    channel: flags.channel,
    orgs: wholeNumber('--orgs', flags.orgs, 1, 20),
    tls: flags.tls,
    portBase: wholeNumber('--port-base', flags.portBase, 0, 65_535),
    block: blockMode(flags.block),
    lifecycle: flags.lifecycle,
  };
  const logFile = join(data, 'selvage.log');
  const opened = scope.use(openLog({ levels: new LogLevels(terminal.env['FABRIC_LOGGING_SPEC'] ?? 'info'), destination: logFile }));
  terminal.logFile = logFile;
  const network = await startDevNetwork(data, options, {
    log: opened.log,
    metrics: unmeasured,
    cacheFolder: cacheFolder(terminal),
    inspect: flags.inspect === true,
    settings: { selvage: { replicas: wholeNumber('--replicas', flags.replicas, 1, 64) } },
    signal: terminal.signal,
    onInvalid: (transaction) => tellInvalid(transaction, reporter),
    onOutput: (_ccid, line) => output.take(line),
  });
  const { plan } = network;
  const count = `${plan.peers.length} organisation${plan.peers.length === 1 ? '' : 's'}`;
  const endpoints = {
    orderer: `localhost:${plan.orderer.port}`,
    peers: plan.peers.map(({ mspId, port, chaincodePort }) => ({ mspId, address: `localhost:${port}`, chaincodePort })),
  };
  reporter.step('network', `${count}, orderer and peers listening, TLS ${plan.tls ? 'on' : 'off'}`, performance.now() - begun, {
    tls: plan.tls,
    lifecycle: plan.lifecycle,
    ...endpoints,
    data,
    log: logFile,
  });
  return network;
}

function tellInvalid(transaction: InvalidTransaction, reporter: Reporter): void {
  const { channelId, txId, codeName, blockNumber, message, details } = transaction;
  const facts = { channel: channelId, txId, code: codeName, block: Number(blockNumber), message, details };
  reporter.problem('invalid', describeInvalid(transaction), facts);
}

async function joinChannel(network: DevNetwork, clients: DevClients, terminal: Terminal, reporter: Reporter): Promise<void> {
  const begun = performance.now();
  const joined = await joinAll(clients, network.folders, terminal);
  const text = joined === 0 ? `${clients.channel}, as it was` : `${clients.channel} joined by ${joined} peer${joined === 1 ? '' : 's'}`;
  reporter.step('channel', text, performance.now() - begun, { channel: clients.channel, joined });
}

function tellHowToGoOn(
  { plan, envFile, profiles, folders }: DevNetwork,
  chaincode: string | undefined,
  flags: DevFlags,
  reporter: Reporter,
): void {
  const name = chaincode ?? 'NAME';
  const endpoints = [
    `  orderer    localhost:${plan.orderer.port}`,
    ...plan.peers.map(({ mspId, port, chaincodePort }) => `  ${mspId.padEnd(10)} localhost:${port}   (chaincode dials ${chaincodePort})`),
  ];
  const files = [
    `  identities ${folders.organizations}`,
    ...profiles.map(({ org, json }) => `  ${org.padEnd(10)} ${json}`),
    `  log        ${folders.log}`,
  ];
  const next = [
    `  . ${envFile}`,
    `  selvage chaincode query -C ${plan.channel} -n ${name} -c '{"Args":["FUNCTION","ARGUMENT"]}'`,
    `  selvage chaincode invoke $ORDERER_FLAGS --waitForEvent -C ${plan.channel} -n ${name} -c '{"Args":["FUNCTION","ARGUMENT"]}'`,
  ];
  const kept = flags.data === undefined ? 'Everything goes away with it; --data DIR keeps it.' : 'The network is kept for next time.';
  reporter.fact('ready', { env: envFile, profiles, organizations: folders.organizations, log: folders.log }, [
    '',
    'Endpoints',
    ...endpoints,
    'Files',
    ...files,
    'Try next, in another terminal',
    ...next,
    '',
    `Ctrl-C stops the network. ${kept}`,
  ]);
}

/** Where chaincode's dependencies stay between networks, so that the second start needs no install. */
function cacheFolder({ env }: Terminal): string {
  const base =
    env['SELVAGE_CACHE'] ??
    (env['XDG_CACHE_HOME'] === undefined ? join(homedir(), '.cache', 'selvage') : join(env['XDG_CACHE_HOME'], 'selvage'));
  return join(base, 'chaincode');
}

function blockMode(text: string): 'instant' | 'fabric' {
  if (text === 'instant' || text === 'fabric') return text;
  throw new SelvageError('SETTING_INVALID', `--block ${text} is unknown`, { advice: 'Write instant or fabric.' });
}

/** Undefined where neither the flag nor the chaincode says. */
function lifecycleOf(flags: DevFlags, chaincode: DevelopedChaincode | undefined): Lifecycle | undefined {
  const wanted = lifecycleFlag(flags.lifecycle);
  if (chaincode === undefined || !('packageFile' in chaincode)) return wanted;
  if (wanted === 1)
    throw new SelvageError('SETTING_INVALID', `${chaincode.packageFile} is a package of the 2.x lifecycle`, {
      advice: 'Leave out --lifecycle 1, or name the folder with the sources.',
    });
  return 2;
}

function lifecycleFlag(text: string | undefined): Lifecycle | undefined {
  if (text === undefined) return undefined;
  if (text === '1') return 1;
  if (text === '2') return 2;
  throw new SelvageError('SETTING_INVALID', `--lifecycle ${text} is unknown`, { advice: 'Write 1 or 2.' });
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new SelvageError('SETTING_INVALID', `${flag} ${text} is not possible`, {
    advice: `Write a whole number from ${least} to ${most}.`,
  });
}
