import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChaincodeInstance, ChaincodeRuntime, LaunchOptions } from '../../chaincode/ports/runtime.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { unpackArchive } from '../../packages/archive/unpack.ts';
import type { BuildSpec, Exit, LaunchSpec } from '../../packages/launch-spec.ts';
import type { HostCommand, Platform } from '../../packages/platforms/platform.ts';
import { chaincodeOutput } from '../chaincode-output.ts';
import { LocalTransport } from '../local-transport/local-transport.ts';
import { OpenLaunches } from '../open-launches.ts';
import { packagePaths } from '../package-paths.ts';
import { orUnwritable } from '../unwritable-folder.ts';
import { BuildCache, type CacheBounds } from './build-cache.ts';
import { buildReach } from './build-reach.ts';
import { type BuildSubject, Builds } from './builds.ts';
import { type ControlGroups, findControlGroups, removeOldControlGroups } from './control-groups.ts';
import { type HostEnvironment, installEnvironment, instanceEnvironment } from './environment.ts';
import { nodeFiles, programFiles } from './installations.ts';
import { DEFAULT_PROCESSES, findIsolation, type Isolation, type ResourceLimits, type SandboxChoice } from './isolation.ts';
import { endOrphans } from './orphans.ts';
import { type GroupCommand, ProcessGroup } from './process-group.ts';
import type { Reach } from './sandbox.ts';
import { Scratch } from './scratch.ts';

export interface ProcessRuntimeParts {
  /** Folder of this runtime: finished builds are kept there, instances and unfinished builds come and go. */
  readonly directory: string;
  /** The languages it can build and run on this machine. */
  readonly platforms: readonly Platform[];
  /** The peer's own environment. Little of it is passed on; see environment.ts. */
  readonly host: HostEnvironment;
  /** `CORE_PEER_LOCALMSPID` of the chaincode. */
  readonly mspId?: string;
  readonly log?: Logger;
  /** Whether what chaincode prints is logged, too. */
  readonly logOutput?: boolean;
  /** Between SIGTERM and SIGKILL, milliseconds. */
  readonly graceMs?: number;
  /** Builds at a time; those of one package count once. */
  readonly maxBuilds?: number;
  readonly nodePath?: string;
  /** Of each chaincode process. 2 GiB, 4096 files and no limit of cores unless told, as Fabric's sample configuration has it for containers. */
  readonly limits?: ResourceLimits;
  /** `auto` unless told. */
  readonly sandbox?: SandboxChoice;
  /** Whether builds go into the sandbox too, where there is one; they do unless told. */
  readonly sandboxBuilds?: boolean;
  /** Whether builds write to the caches of the user's tools, so that each trusts those before it; they do not unless told. */
  readonly shareBuildCaches?: boolean;
  /** Files and folders that neither chaincode nor its builds may see in the sandbox: keys, ledgers, private data. */
  readonly hidden?: readonly string[];
  /** In the sandbox: shows each version of a chaincode its package at `/chaincode/NAME`, so that breakpoints outlive a reload. */
  readonly steadyPaths?: boolean;
  /** Whether Node chaincode speaks over a socket of its own instead of gRPC, where it can; it does unless told. */
  readonly localTransport?: boolean;
  /** How much of finished builds stays; all of it unless told. */
  readonly cache?: CacheBounds;
}

const LIMITS: ResourceLimits = { memoryBytes: 2 * 1024 * 1024 * 1024, openFiles: 4096, processes: DEFAULT_PROCESSES };

/**
 * Runs chaincode as processes beside the peer, under the peer's user. What separates them: a process group and a scratch folder
 * each, an environment without the peer's settings, limits, no way to more privileges, and a sandbox where the machine has one; the
 * log says at start what of it is active. Without a sandbox, who may install chaincode may read what the peer's user may.
 */
export class ProcessRuntime implements ChaincodeRuntime {
  readonly name = 'process';
  readonly #parts: ProcessRuntimeParts;
  readonly #nodePath: string;
  readonly #graceMs: number;
  readonly #log: Logger;
  readonly #limits: ResourceLimits;
  readonly #isolation: Promise<Isolation>;
  readonly #instances: Scratch;
  readonly #unfinished: Scratch;
  readonly #builds: Builds;
  readonly #cache: BuildCache;
  readonly #controlGroups: Promise<ControlGroups>;
  readonly #local: LocalTransport | undefined;
  readonly #open = new OpenLaunches();

  constructor(parts: ProcessRuntimeParts) {
    const { directory, host, nodePath = process.execPath, graceMs = 5_000, maxBuilds = 2, log = silent } = parts;
    this.#parts = parts;
    this.#nodePath = nodePath;
    this.#graceMs = graceMs;
    this.#log = log;
    this.#local = parts.localTransport === false ? undefined : new LocalTransport();
    this.#instances = new Scratch(join(directory, 'instances'));
    this.#unfinished = new Scratch(join(directory, 'unfinished'));
    this.#cache = new BuildCache({ directory, scratch: this.#unfinished, bounds: parts.cache ?? {}, log });
    this.#builds = new Builds({
      cache: this.#cache,
      scratch: this.#unfinished,
      env: installEnvironment(host, nodePath),
      maxConcurrent: maxBuilds,
      graceMs,
      confine: async (command, place) =>
        parts.sandboxBuilds === false ? command : (await this.#isolation).confine(command, await buildReach(command, place)),
    });
    void this.#open.watch(this.#tidy());
    const { limits = LIMITS, sandbox = 'auto' } = parts;
    this.#limits = limits;
    this.#isolation = this.#open.watch(
      findIsolation({
        ...{ host, limits, sandbox, hidden: parts.hidden, shareCaches: parts.shareBuildCaches },
        ...(parts.sandboxBuilds !== false && { buildFolder: join(directory, 'unfinished') }),
      }),
    );
    this.#controlGroups = this.#open.watch(findControlGroups(limits));
    const told = Promise.all([this.#isolation, this.#controlGroups]).then(
      ([{ active }, { active: counted }]) =>
        log.info('chaincode runs as processes of this machine', { separate: 'process group, folder, environment', ...active, ...counted }),
      (thrown: unknown) => log.error('chaincode cannot run as processes of this machine', { reason: messageOf(thrown) }),
    );
    void this.#open.watch(told);
  }

  async build(spec: BuildSpec, { signal }: Cancellable): Promise<void> {
    return this.#open.run((either) => this.#build(spec, either), { signal }).catch(orUnwritable(this.#parts.directory, spec));
  }

  async launch(spec: LaunchSpec, options: LaunchOptions): Promise<ChaincodeInstance> {
    return this.#open
      .run((either) => this.#launch(spec, { ...options, ...either }), options)
      .catch(orUnwritable(this.#parts.directory, spec));
  }

  /** Aborts what is being launched and stops what runs; resolves when all of it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open[Symbol.asyncDispose]();
    await this.#cache[Symbol.asyncDispose]();
  }

  /** What a peer that was killed left here: its processes, then their groups and folders. */
  async #tidy(): Promise<void> {
    await endOrphans(this.#log);
    await removeOldControlGroups();
    for (const scratch of [this.#instances, this.#unfinished])
      await scratch.sweep().catch((thrown: unknown) => this.#log.warn('old chaincode folders not removed', { reason: messageOf(thrown) }));
    await this.#cache.prune();
  }

  async #build(spec: BuildSpec, { signal }: Cancellable): Promise<void> {
    signal.throwIfAborted();
    const platform = this.#platform(spec);
    await using folder = await this.#unfinished.folder();
    await unpackArchive(spec.codePackage, folder.path, { signal });
    await this.#builds.make(await platform.hostPlan(folder.path, spec), this.#subject(spec), { signal });
    signal.throwIfAborted();
  }

  #subject({ ccid, platform, codePackage, output }: BuildSpec): BuildSubject {
    return { ccid, platform, codePackage, log: this.#log.child({ ccid }), output };
  }

  async #launch(spec: LaunchSpec, options: LaunchOptions): Promise<ChaincodeInstance> {
    const { signal } = options;
    signal.throwIfAborted();
    const platform = this.#platform(spec);
    const { ccid, replica } = spec;
    const log = this.#log.child({ ccid, ...(replica !== undefined && { replica }) });
    await using scope = new Scope();
    const folder = scope.use(await this.#instances.folder());
    const code = join(folder.path, 'code');
    await unpackArchive(spec.codePackage, code, { signal });
    const plan = await platform.hostPlan(code, spec);
    const builds = scope.use(await this.#builds.provide(code, plan, this.#subject(spec), { signal }));
    const { host, mspId } = this.#parts;
    let group: ProcessGroup | undefined;
    const processes = async (): Promise<readonly number[]> => (await group?.processes()) ?? [];
    const local = await this.#local?.open({ ...options, spec, folder: folder.path, processes, log });
    if (local !== undefined) scope.use(local);
    const env = { ...(await instanceEnvironment(spec, { host, nodePath: this.#nodePath, directory: folder.path, mspId })), ...local?.env };
    const own = [folder.path, ...builds.folders];
    const folderOfCode = join(code, plan.workingFolder);
    const steady = this.#parts.steadyPaths === true ? join(STEADY, nameOf(ccid)) : undefined;
    const workIn = steady === undefined ? undefined : { from: folderOfCode, to: steady };
    const isolated = await this.#isolated(plan.start(spec.peerAddress, this.#limits), {
      own,
      home: join(folder.path, 'home'),
      env,
      workIn,
      reads: local?.reads ?? [],
    });
    const groups = await (await this.#controlGroups).open();
    const command = groups === undefined ? isolated : scope.use(groups).wrap(isolated);
    signal.throwIfAborted();
    const heard = this.#parts.logOutput === true ? log : undefined;
    group = await start(spec, { ...command, env: { ...env, ...command.env }, cwd: folderOfCode, inside: groups?.processes }, heard);
    scope.defer(() => group?.stop(0));
    signal.throwIfAborted();
    return this.#instance(spec, group, {
      owned: scope.move(),
      log,
      plain: packagePaths(folderOfCode, await realpath(folderOfCode), ...(steady === undefined ? [] : [steady])),
    });
  }

  async #isolated(command: HostCommand, { own, home, env, workIn, reads }: InstancePlace): Promise<HostCommand> {
    const trusted = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'].flatMap((name) => env[name] ?? []);
    const node = await nodeFiles(this.#nodePath);
    const programs = await programFiles(command.file);
    const reach: Reach = { reads: [...node.reads, ...programs, ...trusted, ...reads], links: node.links, own, writes: [home], workIn };
    return (await this.#isolation).wrap(command, reach);
  }

  #instance(spec: LaunchSpec, group: ProcessGroup, { owned, log, plain }: Started): ChaincodeInstance {
    const exited = group.exited.then(async (exit): Promise<Exit> => {
      await owned[Symbol.asyncDispose]().catch((thrown: unknown) =>
        log.warn('what belongs to a chaincode process not removed', { reason: messageOf(thrown) }),
      );
      log.info('chaincode process ended', { code: exit.code, signal: exit.signal });
      return { ...exit, lastOutput: exit.lastOutput.map(plain) };
    });
    const stop = async (): Promise<void> => {
      await group.stop(this.#graceMs);
      await exited;
    };
    const instance: ChaincodeInstance = {
      id: `${spec.ccid}#${group.pid}`,
      exited,
      processes: group.processes,
      [Symbol.asyncDispose]: stop,
    };
    log.info('chaincode process started', { pid: group.pid });
    return this.#open.own(instance);
  }

  #platform({ platform: wanted, ccid }: BuildSpec): Platform {
    const platform = this.#parts.platforms.find(({ name }) => name === wanted);
    if (platform !== undefined) return platform;
    throw new SelvageError(
      'CHAINCODE_BUILD_FAILED',
      `docker build failed: docker build is disabled: ${ccid} is ${wanted} chaincode, which this peer does not build on its own machine`,
      {
        details: { ccid },
        advice: 'Run it as a service, or in development mode, and let it connect to this peer.',
      },
    );
  }
}

/** Where an instance lies. */
interface InstancePlace {
  /** What it reads of its own: its folder, and the finished builds that it stands on. */
  readonly own: readonly string[];
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workIn: Reach['workIn'];
  /** Of the peer's own program. */
  readonly reads: readonly string[];
}

/** Where a chaincode finds itself in the sandbox with steady paths. */
const STEADY = '/chaincode';

const nameOf = (ccid: string): string => ccid.slice(0, ccid.lastIndexOf(':')).replaceAll(/[^\w.-]/g, '_');

/** What a process of a chaincode comes with. */
interface Started {
  readonly owned: Scope;
  readonly log: Logger;
  /** For what it prints: see {@link packagePaths}. */
  readonly plain: (line: string) => string;
}

async function start(spec: LaunchSpec, command: GroupCommand, log: Logger | undefined): Promise<ProcessGroup> {
  try {
    return await ProcessGroup.start({ ...command, onLine: chaincodeOutput(spec, log) });
  } catch (cause) {
    throw new SelvageError('CHAINCODE_LAUNCH_FAILED', `cannot start ${spec.ccid}: ${messageOf(cause)}`, {
      cause,
      details: { ccid: spec.ccid },
      advice: 'The start script could not be run at all: look at the limits on processes and memory of this machine.',
    });
  }
}
