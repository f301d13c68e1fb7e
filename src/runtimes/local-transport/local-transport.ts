import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LaunchOptions } from '../../chaincode/ports/runtime.ts';
import { ByteBudget } from '../../comm/byte-budget.ts';
import { ADMISSION_LIMITS } from '../../comm/limits.ts';
import type { Logger } from '../../common/log.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import { LocalListener } from './local-listener.ts';
import { withRequired } from './node-options.ts';

/** What an instance needs to come over its own socket. Disposing closes the socket. */
export interface LocalWay extends AsyncDisposable {
  /** To be set for its processes. */
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the peer's that it reads. */
  readonly reads: readonly string[];
}

export interface LocalWayParts extends Pick<LaunchOptions, 'accept' | 'registered'> {
  readonly spec: LaunchSpec;
  /** Of the instance alone: see {@link LocalListener}. */
  readonly folder: string;
  /** Those of the instance. */
  readonly processes: () => Promise<readonly number[]>;
  readonly log: Logger;
}

const PRELOAD = fileURLToPath(new URL('./preload/preload.cjs', import.meta.url));

/**
 * Lets Node chaincode on fabric-shim speak with the peer over a Unix socket instead of gRPC, by a file that Node loads before the chaincode.
 * What does not take part (another language, a bundled or unknown shim) dials the peer as ever. See docs/decisions/a-socket-for-each-chaincode.md.
 */
export class LocalTransport {
  readonly #budget = new ByteBudget({ perConnection: ADMISSION_LIMITS.bytesPerConnection, total: ADMISSION_LIMITS.bytes });

  /** Undefined where the chaincode is to dial. */
  async open({ spec, folder, accept, registered, processes, log }: LocalWayParts): Promise<LocalWay | undefined> {
    if (accept === undefined || spec.platform !== 'node' || process.platform === 'win32' || !existsSync(PRELOAD)) return undefined;
    const listener = await LocalListener.open({ folder, ccid: spec.ccid, accept, processes, budget: this.#budget, log });
    if (listener === undefined) return undefined;
    void registered?.then(() => listener.registered());
    return {
      env: { SELVAGE_CHAINCODE_SOCKET: listener.path, NODE_OPTIONS: withRequired(PRELOAD, spec.env['NODE_OPTIONS']) },
      reads: [dirname(PRELOAD)],
      [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
    };
  }
}
