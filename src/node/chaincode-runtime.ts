import { join } from 'node:path';
import type { ChaincodeRuntime } from '../chaincode/ports/runtime.ts';
import type { Cancellable } from '../common/cancel.ts';
import type { Logger } from '../common/log.ts';
import type { Scope } from '../common/scope.ts';
import { allPlatforms } from '../packages/platforms/platforms.ts';
import { CCAAS_CONFIG_VARIABLE, CcaasBuilder } from '../runtimes/external-builder/ccaas-builder.ts';
import { ExternalBuilderRuntime } from '../runtimes/external-builder/external-builder-runtime.ts';
import { ProgramBuilder } from '../runtimes/external-builder/program-builder.ts';
import { ProcessRuntime } from '../runtimes/process/process-runtime.ts';
import type { PeerConfig } from './config/peer-config.ts';

export interface RuntimeParts extends Cancellable {
  readonly log: Logger;
}

/**
 * Where this peer's chaincode runs: what an external builder claims, and services, as the builder says; everything else on this
 * machine. The scope owns all of it.
 */
export async function openRuntime(config: PeerConfig, { log, signal }: RuntimeParts, scope: Scope): Promise<ChaincodeRuntime> {
  const { chaincode, fileSystemPath, localMspId } = config;
  const host = process.env;
  const fallback = scope.use(config.runtime === 'docker' ? await dockerRuntime(config, { log, signal }) : processRuntime(config, log));
  const builders = chaincode.externalBuilders.map((builder) => new ProgramBuilder(builder, host));
  await tellProblems(builders, log);
  return scope.use(
    new ExternalBuilderRuntime({
      directory: join(fileSystemPath, 'externalbuilder'),
      builders: [...builders, new CcaasBuilder(host[CCAAS_CONFIG_VARIABLE] ?? '')],
      fallback,
      mspId: localMspId,
      log: log.child({ module: 'chaincode.externalbuilder' }),
      logOutput: chaincode.logOutput,
      graceMs: chaincode.stopGraceMs,
    }),
  );
}

/** Says at once what would only show when a package comes. */
async function tellProblems(builders: readonly ProgramBuilder[], log: Logger): Promise<void> {
  for (const builder of builders) {
    const reason = await builder.problem();
    if (reason !== undefined) log.warn('an external builder cannot be asked', { builder: builder.name, program: 'bin/detect', reason });
  }
}

/** Loaded when it is wanted: the client of the engine is larger than the rest of the peer's start. */
async function dockerRuntime(config: PeerConfig, { log, signal }: RuntimeParts): Promise<ChaincodeRuntime> {
  const { openDockerRuntime } = await import('./docker.ts');
  return openDockerRuntime(config, { log: log.child({ module: 'runtime' }), signal });
}

/** What chaincode must not see, wherever it lies: keys, ledgers, private data. Chaincode's own folders may lie in it. */
const secretsOf = ({ fileSystemPath, mspConfigPath, tls, operationsTls, docker }: PeerConfig): readonly string[] => [
  ...[fileSystemPath, mspConfigPath],
  ...[tls?.keyFile, tls?.clientKeyFile, operationsTls?.keyFile, docker.tls?.keyFile].flatMap((file) => file ?? []),
];

function processRuntime(config: PeerConfig, log: Logger): ProcessRuntime {
  const { chaincode, localMspId } = config;
  const host = process.env;
  return new ProcessRuntime({
    directory: chaincode.cacheFolder,
    platforms: allPlatforms({ host }),
    host,
    mspId: localMspId,
    log: log.child({ module: 'runtime' }),
    logOutput: chaincode.logOutput,
    graceMs: chaincode.stopGraceMs,
    hidden: secretsOf(config),
    steadyPaths: chaincode.inspect,
    localTransport: chaincode.localTransport,
    ...chaincode.isolation,
    ...chaincode.builds,
  });
}

/**
 * Opens the inspector in the chaincode's own process, on a port of this machine that is the same for every version of a chaincode, so that
 * a debugger finds it again; while the version before still holds it, that is waited for, and something else there gives way to a free
 * port in the end. Node prints the address to the chaincode's output. Not in npm's process, which may be in between and knows no
 * lifecycle event.
 */
const INSPECTED = `
if (process.env.npm_lifecycle_event) {
  const [{ open }, { createServer }, { createHash }] = await Promise.all(['inspector', 'net', 'crypto'].map((name) => import('node:' + name)));
  const { CORE_CHAINCODE_ID_NAME: id = '', CORE_PEER_LOCALMSPID: msp = '' } = process.env;
  const name = id.slice(0, id.lastIndexOf(':')) + ' ' + msp;
  const port = 9230 + (createHash('sha256').update(name).digest().readUInt16BE(0) % 1000);
  const isFree = () => new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false)).listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
  const attempt = async (left) => {
    if (await isFree()) open(port, '127.0.0.1');
    else if (left > 0) setTimeout(attempt, 250, left - 1).unref();
    else open(0, '127.0.0.1');
  };
  await attempt(80);
}`;

/** Environment of every chaincode: how it logs, and whether it can be debugged. */
export const chaincodeEnvironment = ({ logging: { level, shim, format }, inspect }: PeerConfig['chaincode']): Record<string, string> => ({
  ...(level === '' ? {} : { CORE_CHAINCODE_LOGGING_LEVEL: level }),
  ...(shim === '' ? {} : { CORE_CHAINCODE_LOGGING_SHIM: shim }),
  ...(format === '' ? {} : { CORE_CHAINCODE_LOGGING_FORMAT: format }),
  ...(inspect ? { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(INSPECTED)}` } : {}),
});
