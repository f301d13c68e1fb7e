import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChaincodeInstance, ChaincodeRuntime, LaunchOptions } from '../../chaincode/ports/runtime.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { buildEnded, buildStarted } from '../../packages/build-progress.ts';
import type { BuildSpec, Exit, LaunchSpec } from '../../packages/launch-spec.ts';
import { chaincodeOutput } from '../chaincode-output.ts';
import { OpenLaunches } from '../open-launches.ts';
import type { ProcessGroup } from '../process/process-group.ts';
import { Scratch } from '../process/scratch.ts';
import { SharedWork } from '../process/shared-work.ts';
import { parseServerSettings } from '../service/server-settings.ts';
import { ServiceInstance } from '../service/service-instance.ts';
import { orUnwritable } from '../unwritable-folder.ts';
import type { Builder, BuilderSubject, BuildFolders } from './builder.ts';
import { CONNECTION_FILE, type KeptBuild, KeptBuilds } from './kept-builds.ts';
import { typeOf, unpackPackage } from './package-folders.ts';

export interface ExternalBuilderRuntimeParts {
  /** `<peer.fileSystemPath>/externalbuilder`: finished builds are kept in `builds`. */
  readonly directory: string;
  /** In the order they are asked. */
  readonly builders: readonly Builder[];
  /** Runs the packages that no builder claims. */
  readonly fallback: ChaincodeRuntime | undefined;
  /** `mspid` in chaincode.json. */
  readonly mspId: string;
  readonly log?: Logger;
  /** Whether what chaincode prints is logged, too. */
  readonly logOutput?: boolean;
  /** Between SIGTERM and SIGKILL, milliseconds. */
  readonly graceMs?: number;
}

const NOBODY = Symbol('no builder claims it');

/**
 * Asks each builder whether a package is its own, lets the first that says so build and release it once, and then dials the
 * service that the release names or starts the builder's `run`. What nobody claims goes on to the runtime behind.
 * @see hyperledger/fabric v2.5, core/container/container.go and core/container/externalbuilder
 */
export class ExternalBuilderRuntime implements ChaincodeRuntime {
  readonly name = 'external-builder';
  readonly #parts: ExternalBuilderRuntimeParts;
  readonly #log: Logger;
  readonly #logOutput: boolean;
  readonly #kept: KeptBuilds;
  readonly #scratch: Scratch;
  readonly #runs: Scratch;
  readonly #builds = new SharedWork<KeptBuild | typeof NOBODY>();
  readonly #launches = new OpenLaunches();

  constructor(parts: ExternalBuilderRuntimeParts) {
    const { directory, builders, log = silent, logOutput = false } = parts;
    this.#parts = parts;
    this.#log = log;
    this.#logOutput = logOutput;
    this.#kept = new KeptBuilds(join(directory, 'builds'), builders);
    this.#scratch = new Scratch(join(directory, 'unfinished'));
    this.#runs = new Scratch(join(directory, 'runs'));
  }

  async build(spec: BuildSpec, options: Cancellable): Promise<void> {
    return this.#launches.run(({ signal }) => this.#build(spec, signal), options).catch(orUnwritable(this.#parts.directory, spec));
  }

  async launch(spec: LaunchSpec, options: LaunchOptions): Promise<ChaincodeInstance> {
    return this.#launches
      .run((either) => this.#launch(spec, { ...options, ...either }), options)
      .catch(orUnwritable(this.#parts.directory, spec));
  }

  /** Aborts what is being built and stops what runs; the runtime behind is its owner's to dispose. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#launches[Symbol.asyncDispose]();
  }

  async #build(spec: BuildSpec, signal: AbortSignal): Promise<void> {
    if ((await this.#provided(spec, signal)) === NOBODY) await this.#behind(spec).build(spec, { signal });
  }

  async #provided(spec: BuildSpec, signal: AbortSignal): Promise<KeptBuild | typeof NOBODY> {
    const kept = await this.#builds.run(spec.ccid, (options) => this.#provide(spec, options), { signal });
    signal.throwIfAborted();
    return kept;
  }

  async #launch(spec: LaunchSpec, options: LaunchOptions): Promise<ChaincodeInstance> {
    const { signal } = options;
    const kept = await this.#provided(spec, signal);
    if (kept === NOBODY) return this.#behind(spec).launch(spec, options);
    const connection = join(kept.releaseFolder, CONNECTION_FILE);
    const text = await readFile(connection, 'utf8').catch((cause: unknown) => {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
      throw new SelvageError('CHAINCODE_LAUNCH_FAILED', `could not read '${connection}' for chaincode info: ${messageOf(cause)}`, {
        cause,
      });
    });
    signal.throwIfAborted();
    if (text === undefined) return this.#run(spec, kept, signal);
    return this.#launches.own(new ServiceInstance({ ccid: spec.ccid, settings: parseServerSettings(text, connection), log: this.#log }));
  }

  async #provide(spec: BuildSpec, { signal }: Cancellable): Promise<KeptBuild | typeof NOBODY> {
    const known = await this.#kept.find(spec.ccid);
    if (known !== undefined) return known;
    await using scope = new Scope();
    let unpacked: Promise<BuildFolders> | undefined;
    const folders = (): Promise<BuildFolders> => {
      unpacked ??= this.#scratch.folder().then((folder) => unpackPackage(spec, scope.use(folder).path, { signal }));
      return unpacked;
    };
    const subject = { ccid: spec.ccid, type: typeOf(spec), folders, log: this.#log, output: spec.output };
    const unasked: SelvageError[] = [];
    for (const builder of this.#parts.builders) {
      if (!(await this.#claims(builder, subject, unasked, signal))) continue;
      this.#log.info('external builder builds', { ccid: spec.ccid, builder: builder.name });
      await toldOf(`external builder ${builder.name}`, spec, async () => {
        await builder.build(subject, { signal });
        await builder.release(subject, { signal });
      });
      signal.throwIfAborted();
      return await this.#kept.keep(spec.ccid, builder, await folders());
    }
    const [first] = unasked;
    if (first !== undefined) throw first; // it may be that one's: nobody else is to run it in another way
    return NOBODY;
  }

  async #claims(builder: Builder, subject: BuilderSubject, unasked: SelvageError[], signal: AbortSignal): Promise<boolean> {
    try {
      return await builder.detect(subject, { signal });
    } catch (thrown) {
      signal.throwIfAborted();
      unasked.push(SelvageError.from(thrown));
      return false;
    }
  }

  async #run(spec: LaunchSpec, { builder, buildFolder }: KeptBuild, signal: AbortSignal): Promise<ChaincodeInstance> {
    await using scope = new Scope();
    const folder = scope.use(await this.#runs.folder());
    await writeFile(join(folder.path, 'chaincode.json'), runConfig(spec, this.#parts.mspId), { mode: 0o600 });
    signal.throwIfAborted();
    const { ccid, replica } = spec;
    const log = this.#log.child({ ccid, ...(replica !== undefined && { replica }), builder: builder.name, command: 'run' });
    const group = await builder.run(spec, buildFolder, folder.path, {
      signal,
      onLine: chaincodeOutput(spec, this.#logOutput ? log : undefined),
    });
    scope.defer(() => group.stop(0));
    signal.throwIfAborted();
    return this.#launches.own(programInstance(ccid, group, scope.move(), this.#parts.graceMs ?? 5_000));
  }

  /** Who takes what no builder claims. */
  #behind(spec: BuildSpec): ChaincodeRuntime {
    const type = typeOf(spec).toLowerCase();
    if (this.#parts.fallback !== undefined && type !== 'k8s') return this.#parts.fallback;
    const details = { ccid: spec.ccid, type };
    if (type === 'k8s') {
      throw new SelvageError(
        'CHAINCODE_BUILD_FAILED',
        `docker build failed: docker build is disabled: ${spec.ccid} is a package for Kubernetes (type k8s), and no external builder took it`,
        {
          details,
          advice:
            'Name a Kubernetes builder in chaincode.externalBuilders, or run its image as a service and install a package of type ccaas.',
        },
      );
    }
    throw new SelvageError('CHAINCODE_BUILD_FAILED', `no builder for ${spec.ccid}: no external builder claims packages of type '${type}'`, {
      details,
      advice: 'Name a builder for this type in chaincode.externalBuilders, or switch on a runtime that knows it.',
    });
  }
}

/** Puts the beginning and the end of a build into its output. */
async function toldOf(work: string, { output }: BuildSpec, build: () => Promise<void>): Promise<void> {
  const started = performance.now();
  output?.(buildStarted(work));
  let how: Parameters<typeof buildEnded>[0] = 'failed';
  try {
    await build();
    how = 'finished';
  } finally {
    output?.(buildEnded(how, performance.now() - started));
  }
}

/** @see runConfig in hyperledger/fabric v2.5, core/container/externalbuilder/externalbuilder.go */
const runConfig = ({ ccid, peerAddress, tls }: LaunchSpec, mspId: string): string =>
  JSON.stringify({
    chaincode_id: ccid,
    peer_address: peerAddress,
    client_cert: tls?.clientCert ?? '',
    client_key: tls?.clientKey ?? '',
    root_cert: tls?.rootCert ?? '',
    mspid: mspId,
  });

function programInstance(ccid: string, group: ProcessGroup, owned: Scope, graceMs: number): ChaincodeInstance {
  const exited = group.exited.then(async (exit): Promise<Exit> => {
    await owned[Symbol.asyncDispose]().catch(() => undefined);
    return exit;
  });
  const stop = async (): Promise<void> => {
    await group.stop(graceMs);
    await exited;
  };
  return { id: `${ccid}#${group.pid}`, exited, processes: group.processes, [Symbol.asyncDispose]: stop };
}
