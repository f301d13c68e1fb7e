import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { unmeasured } from '../../common/metrics.ts';
import type { Scope } from '../../common/scope.ts';
import type { Program } from '../../node/dev/dev-env.ts';
import { type DevNetwork, type QueryAdvice, startDevNetwork } from '../../node/dev/dev-network.ts';
import type { InvalidTransaction } from '../../node/follow-channels.ts';
import { LogLevels } from '../../node/log-levels.ts';
import { openLog } from '../../node/logging.ts';
import type { Peer } from '../../node/start-peer.ts';
import { loggedProcess } from '../logged-process.ts';
import type { Terminal } from '../terminal.ts';
import { describeInvalid } from './describe.ts';
import type { DevOutput } from './dev-output.ts';
import type { DevRequest } from './dev-request.ts';
import type { Reporter } from './reporter.ts';

/** Where `selvage dev` tells what happens. */
export interface Tellers {
  readonly terminal: Terminal;
  readonly reporter: Reporter;
  readonly output: DevOutput;
}

export interface StartParts extends Tellers {
  readonly cacheFolder: string;
}

/** More advice than this nobody reads. */
const MOST_ADVICE = 1_000;

/** Starts the network that was asked for, which the scope owns, and says what it consists of. */
export async function startNetwork(data: string, request: DevRequest, parts: StartParts, scope: Scope): Promise<DevNetwork> {
  const { terminal, reporter, output, cacheFolder } = parts;
  const begun = performance.now();
  const logFile = join(data, 'selvage.log');
  const opened = scope.use(openLog({ levels: new LogLevels(terminal.env['FABRIC_LOGGING_SPEC'] ?? 'info'), destination: logFile }));
  terminal.logFile = logFile;
  const peers: Peer[] = [];
  const advised = new Set<string>(); // each peer that answers a query says so
  const heard = terminal.process?.listen(loggedProcess(opened.log, () => ({ peers: peers.map((peer) => peer.report()) }), opened.flush));
  if (heard !== undefined) scope.use(heard);
  const starting = startDevNetwork(data, request.network, {
    log: opened.log,
    metrics: unmeasured,
    cacheFolder,
    inspect: request.inspect,
    richQueries: request.richQueries,
    settings: { selvage: { replicas: request.replicas } },
    users: request.users,
    program: program(terminal.env),
    signal: terminal.signal,
    onAdvice: (advice) => {
      const kind = JSON.stringify([advice.namespace, advice.file?.content ?? advice.query]);
      if (advised.size < MOST_ADVICE && !advised.has(kind)) tellAdvice(advice, reporter);
      advised.add(kind);
    },
    onInvalid: (transaction) => tellInvalid(transaction, reporter),
    onOutput: (ccid, line, { org }) => output.take(ccid, line, request.network.orgs === 1 ? undefined : org),
  });
  const network = scope.use(
    await starting.catch((thrown: unknown) => {
      throw namingTheFlag(thrown, request.data);
    }),
  );
  peers.push(...network.peers);
  tellNetwork(network, { data, logFile, ms: performance.now() - begun }, reporter);
  return network;
}

/** A port that is taken is no setting of a peer here. */
function namingTheFlag(thrown: unknown, kept: string | undefined): unknown {
  if (!(thrown instanceof SelvageError) || thrown.code !== 'ADDRESS_IN_USE') return thrown;
  const { message, cause, details } = thrown;
  const elsewhere = kept === undefined ? '' : ` The network in ${kept} moves there, its blocks and identities stay.`;
  return new SelvageError('ADDRESS_IN_USE', message, {
    cause,
    details,
    advice: `Choose other ports by --port-base, like --port-base 17050, or 0 for free ones.${elsewhere}`,
  });
}

/** What `selvage` is in a shell that has none on its path. */
function program({ PATH = '' }: Readonly<Record<string, string | undefined>>): Program | undefined {
  const script = process.argv[1];
  if (script === undefined || PATH.split(delimiter).some((folder) => existsSync(join(folder, 'selvage')))) return undefined;
  return { node: process.execPath, script: realpathSync(script) };
}

function tellNetwork(
  { plan }: DevNetwork,
  { data, logFile, ms }: { readonly data: string; readonly logFile: string; readonly ms: number },
  reporter: Reporter,
): void {
  const count = `${plan.peers.length} organisation${plan.peers.length === 1 ? '' : 's'}`;
  reporter.step('network', `${count}, orderer and peers listening, ${tlsInWords(plan)}`, ms, {
    tls: plan.tls,
    mutualTls: plan.mutualTls === true,
    lifecycle: plan.lifecycle,
    orderer: `localhost:${plan.orderer.port}`,
    ordererAdmin: `localhost:${plan.orderer.adminPort}`,
    peers: plan.peers.map(({ mspId, port, chaincodePort }) => ({ mspId, address: `localhost:${port}`, chaincodePort })),
    data,
    log: logFile,
  });
}

const tlsInWords = ({ tls, mutualTls }: DevNetwork['plan']): string => (mutualTls ? 'mutual TLS' : `TLS ${tls ? 'on' : 'off'}`);

function tellAdvice({ namespace, query, documentsExamined, file }: QueryAdvice, reporter: Reporter): void {
  const documents = `${documentsExamined} document${documentsExamined === 1 ? '' : 's'}`;
  const what =
    documentsExamined === undefined
      ? `no index has the order that this query of ${namespace} asks for, so it failed`
      : `no index serves this query of ${namespace}, which looked at ${documents}`;
  reporter.problem('query', `${what}: ${query}`, {
    namespace,
    query,
    ...(documentsExamined !== undefined && { documentsExamined }),
    ...(file && { path: file.path, index: JSON.parse(file.content) as unknown }),
  });
  if (file === undefined) reporter.detail('no index would help: the selector names no field that all results have');
  else for (const line of [`add to the chaincode: ${file.path}`, file.content]) reporter.detail(line);
}

function tellInvalid(transaction: InvalidTransaction, reporter: Reporter): void {
  const { channelId, txId, codeName, blockNumber, message, details, winner } = transaction;
  const facts = { channel: channelId, txId, code: codeName, block: Number(blockNumber), message, details, winner };
  reporter.problem('invalid', describeInvalid(transaction), facts);
}
