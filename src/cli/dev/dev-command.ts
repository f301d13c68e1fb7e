import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { SelvageError } from '../../common/errors.ts';
import { unmeasured } from '../../common/metrics.ts';
import { Scope } from '../../common/scope.ts';
import { connectClients, type DevClients, deployChaincode, joinAll } from '../../node/dev/dev-deploy.ts';
import { type DevNetwork, startDevNetwork } from '../../node/dev/dev-network.ts';
import { LogLevels, openLog } from '../../node/logging.ts';
import { untilAborted } from '../../node/until-aborted.ts';
import { constructorArguments } from '../chaincode/constructor-arguments.ts';
import { policyFlag } from '../chaincode/policy-flag.ts';
import type { Terminal } from '../terminal.ts';
import { type ChaincodeFolder, holdsChaincode, readChaincodeFolder } from './chaincode-folder.ts';
import { humanReporter, jsonReporter, type Reporter } from './reporter.ts';
import { runTour } from './tour.ts';

interface DevFlags {
  readonly channel: string;
  readonly name?: string;
  readonly orgs: string;
  readonly tls: boolean;
  readonly data?: string;
  readonly portBase: string;
  readonly block: string;
  readonly policy?: string;
  readonly ctor: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** `selvage dev [FOLDER]`: a whole network in this process, with the chaincode in FOLDER deployed. */
export function devCommand(program: Command, terminal: Terminal): void {
  program
    .command('dev [folder]')
    .description('Run a development network with the chaincode in FOLDER (default: this folder, if it holds chaincode).')
    .option('--channel <name>', 'name of the channel', 'mychannel')
    .option('--name <name>', 'name of the chaincode (default: the one in its package.json)')
    .option('--orgs <n>', 'number of organisations, with one peer each', '1')
    .option('--no-tls', 'plain connections (TLS is the default)')
    .option('--data <dir>', 'keep the network here and go on with it next time (default: a temporary folder)')
    .option('--port-base <port>', "the orderer's port; the peers' follow it (7051, 9051, …); 0 takes free ports", '7050')
    .option('--block <mode>', 'instant: cut a block as soon as nothing else waits; fabric: by count, size and timeout', 'instant')
    .option('-P, --policy <policy>', "endorsement policy, like AND('Org1MSP.member','Org2MSP.member')")
    .option('-c, --ctor <json>', 'arguments of Init in JSON', '{"Args":[]}')
    .option('--once', 'deploy, make the calls that package.json lists, print, and exit')
    .option('--json', 'print one JSON object per line')
    .action((folder: string | undefined, flags: DevFlags) => runDev(folder, flags, terminal));
}

async function runDev(folder: string | undefined, flags: DevFlags, terminal: Terminal): Promise<void> {
  const reporter = flags.json ? jsonReporter(terminal) : humanReporter(terminal);
  const chaincode = chaincodeIn(folder, terminal);
  await using scope = new Scope();
  const data = await dataFolder(flags, terminal, scope);
  const network = scope.use(await start(data, flags, terminal, reporter, scope));
  const clients = scope.use(await connectClients(network.folders, network.plan));
  await joinChannel(network, clients, terminal, reporter);
  if (chaincode !== undefined) await deployAndTour(chaincode, flags, clients, terminal, reporter);
  if (flags.once) return;
  tellHowToGoOn(network, chaincode && nameOf(chaincode, flags), flags, reporter);
  await untilAborted(terminal.signal);
  reporter.fact('stopping', {}, ['', 'Stopping …']);
}

/** The folder that was named, or this one if it looks like chaincode; a network without chaincode is fine, too. */
function chaincodeIn(folder: string | undefined, { cwd }: Terminal): ChaincodeFolder | undefined {
  if (folder !== undefined) return readChaincodeFolder(folder, cwd);
  return holdsChaincode(cwd) ? readChaincodeFolder('.', cwd) : undefined;
}

async function dataFolder({ data }: DevFlags, { cwd }: Terminal, scope: Scope): Promise<string> {
  if (data !== undefined) return resolve(cwd, data);
  const folder = await mkdtemp(join(tmpdir(), 'selvage-dev-'));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

async function start(data: string, flags: DevFlags, terminal: Terminal, reporter: Reporter, scope: Scope): Promise<DevNetwork> {
  const begun = performance.now();
  const options = {
    channel: flags.channel,
    orgs: wholeNumber('--orgs', flags.orgs, 1, 20),
    tls: flags.tls,
    portBase: wholeNumber('--port-base', flags.portBase, 0, 65_535),
    block: blockMode(flags.block),
  };
  const logFile = join(data, 'selvage.log');
  const opened = scope.use(openLog({ levels: new LogLevels(terminal.env['FABRIC_LOGGING_SPEC'] ?? 'info'), destination: logFile }));
  terminal.logFile = logFile;
  const network = await startDevNetwork(data, options, {
    log: opened.log,
    metrics: unmeasured,
    cacheFolder: cacheFolder(terminal),
    signal: terminal.signal,
  });
  const { plan } = network;
  const count = `${plan.peers.length} organisation${plan.peers.length === 1 ? '' : 's'}`;
  const endpoints = {
    orderer: `localhost:${plan.orderer.port}`,
    peers: plan.peers.map(({ mspId, port, chaincodePort }) => ({ mspId, address: `localhost:${port}`, chaincodePort })),
  };
  reporter.step('network', `${count}, orderer and peers listening, TLS ${plan.tls ? 'on' : 'off'}`, performance.now() - begun, {
    tls: plan.tls,
    ...endpoints,
    data,
    log: logFile,
  });
  return network;
}

async function joinChannel(network: DevNetwork, clients: DevClients, terminal: Terminal, reporter: Reporter): Promise<void> {
  const begun = performance.now();
  const joined = await joinAll(clients, network.folders, terminal);
  const text = joined === 0 ? `${clients.channel}, as it was` : `${clients.channel} joined by ${joined} peer${joined === 1 ? '' : 's'}`;
  reporter.step('channel', text, performance.now() - begun, { channel: clients.channel, joined });
}

const nameOf = (chaincode: ChaincodeFolder, { name }: DevFlags): string => name ?? chaincode.name;

async function deployAndTour(
  chaincode: ChaincodeFolder,
  flags: DevFlags,
  clients: DevClients,
  terminal: Terminal,
  reporter: Reporter,
): Promise<void> {
  const begun = performance.now();
  const name = nameOf(chaincode, flags);
  const policy = flags.policy === undefined ? undefined : policyFlag(flags.policy);
  const deployment = await deployChaincode(
    clients,
    { name, folder: chaincode.folder, init: constructorArguments(flags.ctor), policy },
    terminal,
  );
  const commit = deployment.did === 'nothing' ? undefined : deployment.submission.commit;
  const where = commit === undefined ? 'unchanged' : `${deployment.did}, block ${commit.blockNumber}, ${commit.codeName}`;
  const facts = {
    name,
    version: deployment.version,
    did: deployment.did,
    ...(commit && { block: Number(commit.blockNumber), code: commit.codeName }),
  };
  reporter.step('chaincode', `${name} version ${deployment.version} ${where}`, performance.now() - begun, facts);
  await runTour(chaincode.tour, { clients, chaincode: name, reporter }, terminal);
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

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new SelvageError('SETTING_INVALID', `${flag} ${text} is not possible`, {
    advice: `Write a whole number from ${least} to ${most}.`,
  });
}
