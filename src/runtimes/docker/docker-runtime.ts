import { join } from 'node:path';
import type { ChaincodeInstance, ChaincodeRuntime } from '../../chaincode/ports/runtime.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import type { BuildSpec, LaunchSpec } from '../../packages/launch-spec.ts';
import { IMAGE_VARIABLES, type ImageVariables } from '../../packages/platforms/image-names.ts';
import type { Platform } from '../../packages/platforms/platform.ts';
import { chaincodeOutput } from '../chaincode-output.ts';
import { OpenLaunches } from '../open-launches.ts';
import { Scratch } from '../process/scratch.ts';
import { Turnstile } from '../process/turnstile.ts';
import { ChaincodeContainer } from './chaincode-container.ts';
import { ChaincodeImages, type ImageOrder } from './chaincode-images.ts';
import { ContainerOutput } from './container-output.ts';
import type { DockerEngine } from './engine.ts';
import { isLost } from './engine-failure.ts';
import { EngineHealth } from './engine-health.ts';
import { type HostConfigSettings, hostConfigOf } from './host-config.ts';
import { refusedBy } from './launch-errors.ts';
import { containerEnvironment, tlsFiles } from './launch-files.ts';
import { toItsEnd } from './lingering.ts';
import { containerName, type PeerName, vmNames } from './names.ts';
import { type Trace, Traces } from './traces.ts';

export interface DockerRuntimeParts {
  readonly engine: DockerEngine;
  /** Where builds keep what they download for a moment. */
  readonly directory: string;
  /** The languages it builds. */
  readonly platforms: readonly Platform[];
  readonly peer: PeerName;
  /** `CORE_PEER_LOCALMSPID` of the chaincode. */
  readonly mspId?: string;
  /** `vm.docker.hostConfig` */
  readonly hostConfig?: HostConfigSettings;
  /** `vm.docker.attachStdout`: whether what chaincode prints is logged, too. */
  readonly attachStdout?: boolean;
  /** `chaincode.pull` */
  readonly pull?: boolean;
  readonly variables?: ImageVariables;
  /** The peer's own environment; see builder-settings.ts for what builds get of it. */
  readonly host?: Readonly<Record<string, string | undefined>>;
  readonly log?: Logger;
  /** Between asking a container to end and killing it, milliseconds; Docker counts whole seconds. */
  readonly graceMs?: number;
  /** Builds at a time; those of one package count once. */
  readonly maxBuilds?: number;
  /** Milliseconds between two looks at an engine that is gone. */
  readonly healthIntervalMs?: number;
}

/** Runs chaincode in containers of a Docker Engine, one per name and version, as Fabric's peer does. */
export class DockerRuntime implements ChaincodeRuntime {
  readonly name = 'docker';
  readonly #parts: DockerRuntimeParts;
  readonly #log: Logger;
  readonly #images: ChaincodeImages;
  readonly #traces: Traces;
  readonly #health: EngineHealth;
  readonly #hostConfig: ReturnType<typeof hostConfigOf>;
  readonly #launches = new OpenLaunches();
  /** One piece of work at a time per container name. */
  readonly #names = new Map<string, { readonly turnstile: Turnstile; users: number }>();
  #swept: Promise<void> | undefined;

  constructor(parts: DockerRuntimeParts) {
    const { engine, peer, directory, hostConfig = {}, host = {}, maxBuilds = 2, healthIntervalMs = 1_000, log = silent } = parts;
    this.#parts = parts;
    this.#log = log;
    this.#hostConfig = hostConfigOf(hostConfig);
    this.#traces = new Traces({ engine, peer, log });
    this.#health = new EngineHealth({ engine, log, intervalMs: healthIntervalMs, over: this.#launches.over });
    this.#images = new ChaincodeImages({
      engine,
      traces: this.#traces,
      scratch: new Scratch(join(directory, 'unfinished')),
      hostConfig: this.#hostConfig,
      host,
      pull: parts.pull ?? false,
      variables: parts.variables ?? IMAGE_VARIABLES,
      maxConcurrent: maxBuilds,
    });
  }

  /** Looks whether the engine answers and removes what an earlier run left in it. A peer without an engine runs all the same: only launches fail. */
  async ready({ signal }: Cancellable): Promise<void> {
    const { engine } = this.#parts;
    try {
      const { version, apiVersion } = await engine.version({ signal });
      this.#log.info('chaincode runs in Docker containers', {
        endpoint: engine.endpoint,
        version,
        apiVersion,
        network: this.#hostConfig['NetworkMode'],
      });
      await this.#sweep();
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      this.#noticed(thrown);
    }
  }

  build(spec: BuildSpec, options: Cancellable): Promise<void> {
    return this.#watched((either) => this.#build(spec, either), options).catch(refusedBy('the Docker engine refused', spec.ccid));
  }

  launch(spec: LaunchSpec, options: Cancellable): Promise<ChaincodeInstance> {
    return this.#watched((either) => this.#launch(spec, either), options).catch(refusedBy('the Docker engine refused', spec.ccid));
  }

  /** Aborts what is being launched and stops what runs; resolves when all of it is gone. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#launches[Symbol.asyncDispose]();
  }

  async #watched<T>(work: (signal: AbortSignal) => Promise<T>, options: Cancellable): Promise<T> {
    try {
      return await this.#launches.run(({ signal }) => work(signal), options);
    } catch (thrown) {
      this.#noticed(thrown);
      throw thrown;
    }
  }

  async #build(spec: BuildSpec, signal: AbortSignal): Promise<void> {
    const order = await this.#order(spec, signal);
    await this.#sweep();
    await this.#images.ensure(order, { signal });
  }

  async #launch(spec: LaunchSpec, signal: AbortSignal): Promise<ChaincodeInstance> {
    const order = await this.#order(spec, signal);
    const container = containerName(this.#parts.peer, spec);
    return this.#alone(container, () => this.#start(container, spec, order, signal), signal);
  }

  async #order(spec: BuildSpec, signal: AbortSignal): Promise<ImageOrder> {
    signal.throwIfAborted();
    const platform = this.#platform(spec);
    await platform.validatePackage(spec.codePackage, { signal });
    return { image: vmNames(this.#parts.peer, spec.ccid).image, spec, platform, log: this.#log.child({ ccid: spec.ccid }) };
  }

  /** In Fabric's order, but that the image is looked at first. @see DockerVM.Start in hyperledger/fabric v1.1.0, core/container/dockercontroller/dockercontroller.go */
  async #start(name: string, spec: LaunchSpec, order: ImageOrder, signal: AbortSignal): Promise<ChaincodeInstance> {
    const { engine, attachStdout = false, graceMs = 5_000 } = this.#parts;
    const log = spec.replica === undefined ? order.log : order.log.child({ replica: spec.replica });
    await this.#sweep();
    await using scope = new Scope();
    const trace = this.#traces.begin();
    scope.defer(() => trace.clear());
    await this.#clearAway(name, signal);
    const id = await this.#create(name, spec, order, trace, signal);
    const output = new ContainerOutput(chaincodeOutput(spec, attachStdout ? log.child({ container: name }) : undefined));
    const attached = scope.use(
      await engine.attach(id, output.push, { signal }).catch(refusedBy(`Error attaching to container ${name}`, spec.ccid)),
    );
    if (spec.tls !== undefined) {
      const upload = engine.upload(id, '/', await tlsFiles(spec.tls), { signal });
      await upload.catch(refusedBy(`Error uploading files to the container instance ${name}`, spec.ccid));
    }
    await toItsEnd(signal, (lingering) => engine.start(id, { signal: lingering })).catch(
      refusedBy(`Error starting container ${name}`, spec.ccid),
    );
    scope.move();
    const { ccid } = spec;
    const container = new ChaincodeContainer({ engine, health: this.#health, id, ccid, name, trace, attached, output, graceMs, log });
    this.#launches.own(container);
    log.info('chaincode container started', { container: name, image: order.image });
    return container;
  }

  /** What has this name ends at once; there mostly is nothing. */
  async #clearAway(name: string, signal: AbortSignal): Promise<void> {
    const { engine } = this.#parts;
    const ignored = (thrown: unknown): void => {
      if (signal.aborted || isLost(thrown)) throw thrown;
    };
    await engine.stop(name, 0, { signal }).catch(ignored);
    await engine.kill(name, { signal }).catch(ignored);
    await engine.remove(name, { signal }).catch(ignored);
  }

  async #create(name: string, spec: LaunchSpec, order: ImageOrder, { labels }: Trace, signal: AbortSignal): Promise<string> {
    const { engine, mspId } = this.#parts;
    const { image, platform } = order;
    const command = platform.dockerCommand(spec.peerAddress);
    const wanted = { name, image, command, env: containerEnvironment(spec, mspId), labels, hostConfig: this.#hostConfig };
    await this.#images.ensure(order, { signal });
    const create = toItsEnd(signal, (lingering) => engine.create(wanted, { signal: lingering }));
    const id = await create.catch(refusedBy(`Error creating container ${name}`, spec.ccid));
    if (id !== undefined) return id;
    throw new SelvageError('CHAINCODE_LAUNCH_FAILED', `the image ${image} was built and is gone again`, {
      details: { ccid: spec.ccid },
      advice: 'Somebody removes images of this engine while the peer uses them.',
    });
  }

  /** Once for what earlier runs left, and whenever this run had to leave something. */
  async #sweep(): Promise<void> {
    this.#swept ??= this.#traces.sweep();
    try {
      await this.#swept;
    } catch (thrown) {
      this.#swept = undefined;
      throw thrown;
    }
    await this.#traces.retry();
  }

  async #alone<T>(name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const place = this.#names.get(name) ?? { turnstile: new Turnstile(1), users: 0 };
    this.#names.set(name, place);
    place.users += 1;
    try {
      return await place.turnstile.run(work, { signal });
    } finally {
      place.users -= 1;
      if (place.users === 0) this.#names.delete(name);
    }
  }

  /** From the first sign of a lost engine on it is watched, and said once. */
  #noticed(thrown: unknown): void {
    if (isLost(thrown) && !this.#launches.over.aborted) this.#health.lose(thrown).catch(() => undefined);
  }

  #platform({ platform: wanted, ccid }: BuildSpec): Platform {
    const platform = this.#parts.platforms.find(({ name }) => name === wanted);
    if (platform !== undefined) return platform;
    throw new SelvageError('CHAINCODE_BUILD_FAILED', `${ccid} is ${wanted} chaincode, which is not built in Docker`, {
      details: { ccid },
      advice: 'Run it as a service, by an external builder, or in development mode.',
    });
  }
}
