/** A runtime whose chaincodes are scripts over connections in memory. */
import type { ChaincodeInstance, ChaincodeRuntime, LaunchOptions } from '../../src/chaincode/ports/runtime.ts';
import type { Cancellable } from '../../src/common/cancel.ts';
import { deferred } from '../../src/common/deferred.ts';
import type { BuildSpec, Exit, LaunchSpec } from '../../src/packages/launch-spec.ts';

export interface ScriptedInstance {
  readonly spec: LaunchSpec;
  readonly running: boolean;
  /** Ends it as a crash would. */
  exit(exit?: Partial<Exit>): void;
}

/** What happens when a chaincode is started; rejecting fails the launch. */
export type Script = (instance: ScriptedInstance, options: LaunchOptions) => void | Promise<void>;

export class ScriptedRuntime implements ChaincodeRuntime {
  readonly name = 'scripted';
  readonly #script: Script;
  readonly #onStop: (instance: ScriptedInstance) => void | Promise<void>;
  /** `build cc:1`, `launch cc:1`, `stop cc:1`, in order. */
  readonly events: string[] = [];
  readonly instances: ScriptedInstance[] = [];

  constructor(script: Script, onStop: (instance: ScriptedInstance) => void | Promise<void> = () => undefined) {
    this.#script = script;
    this.#onStop = onStop;
  }

  get running(): number {
    return this.instances.filter(({ running }) => running).length;
  }

  /** Rejecting fails the build. */
  onBuild: (spec: BuildSpec, options: Cancellable) => void | Promise<void> = () => undefined;

  async build(spec: BuildSpec, options: Cancellable): Promise<void> {
    this.events.push(`build ${spec.ccid}`);
    await this.onBuild(spec, options);
    options.signal.throwIfAborted();
  }

  async launch(spec: LaunchSpec, options: LaunchOptions): Promise<ChaincodeInstance> {
    this.events.push(`launch ${spec.ccid}`);
    const exited = deferred<Exit>();
    let running = true;
    const instance: ScriptedInstance = {
      spec,
      get running() {
        return running;
      },
      exit: (exit = {}) => {
        running = false;
        exited.resolve({ code: null, signal: null, lastOutput: [], ...exit });
      },
    };
    try {
      await this.#script(instance, options);
      options.signal.throwIfAborted();
    } catch (thrown) {
      running = false;
      throw thrown;
    }
    this.instances.push(instance);
    return {
      id: `instance-${this.instances.length}`,
      exited: exited.promise,
      [Symbol.asyncDispose]: async () => {
        if (!running) return;
        await this.#onStop(instance);
        this.events.push(`stop ${spec.ccid}`);
        instance.exit({ signal: 'SIGTERM' });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const instance of this.instances) instance.exit();
  }
}
