import type { ChaincodeInstance, ChaincodeRuntime } from '../../src/chaincode/ports/runtime.ts';
import type { Cancellable } from '../../src/common/cancel.ts';
import type { Logger } from '../../src/common/log.ts';
import type { BuildSpec, LaunchSpec } from '../../src/packages/launch-spec.ts';
import type { ServerSettings } from '../../src/runtimes/service/server-settings.ts';
import { ServiceInstance } from '../../src/runtimes/service/service-instance.ts';

export interface ServiceRuntimeParts {
  /**
   * Where the service of a chaincode listens.
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`, `CHAINCODE_BUILD_FAILED`
   */
  readonly settingsOf: (spec: BuildSpec, options: Cancellable) => Promise<ServerSettings>;
  readonly log?: Logger | undefined;
}

/** Chaincode as a service: it runs already, and the peer dials it. Nothing is built, started or stopped here. */
export class ServiceRuntime implements ChaincodeRuntime {
  readonly name = 'service';
  readonly #parts: ServiceRuntimeParts;
  readonly #open = new Set<ServiceInstance>();

  constructor(parts: ServiceRuntimeParts) {
    this.#parts = parts;
  }

  /** Looks whether the package tells where the service listens; somebody else builds it. */
  async build(spec: BuildSpec, { signal }: Cancellable): Promise<void> {
    signal.throwIfAborted();
    await this.#parts.settingsOf(spec, { signal });
    signal.throwIfAborted();
  }

  async launch(spec: LaunchSpec, { signal }: Cancellable): Promise<ChaincodeInstance> {
    signal.throwIfAborted();
    const settings = await this.#parts.settingsOf(spec, { signal });
    signal.throwIfAborted();
    const instance = new ServiceInstance({ ccid: spec.ccid, settings, log: this.#parts.log });
    this.#open.add(instance);
    void instance.exited.then(() => this.#open.delete(instance));
    return instance;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((instance) => instance[Symbol.asyncDispose]()));
  }
}
