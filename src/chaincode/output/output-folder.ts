import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../common/clock.ts';
import { makePassingFolder } from '../../common/durable-files.ts';
import { messageOf } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import { RotatingFile } from '../../common/rotating-file.ts';
import type { ChaincodeOutput, LaunchOutput } from '../../packages/output.ts';
import { formatRecord } from './output-record.ts';

export interface OutputFolderParts {
  /** `<peer.fileSystemPath>/chaincode-logs`, one folder in it per chaincode, one file in that per launch. */
  readonly directory: string;
  /** Of one file; there may be two per launch. 10 MiB by default. */
  readonly maxBytes?: number;
  /** Launches that are kept of each chaincode, of each of its replicas if it has several, the newest; 5 by default. */
  readonly maxLaunches?: number;
  /** Chaincodes, versions counted each, that are kept: those that were launched last; 100 by default. */
  readonly maxChaincodes?: number;
  readonly clock?: Clock;
  readonly log?: Logger;
}

const MAX_WAITING = 4 * 1024 * 1024;

/** Name of a chaincode's folder: its ccid, so written that every file system takes it and that it can be read back. */
export const folderOf = (ccid: string): string => encodeURIComponent(ccid).replaceAll('*', '%2A');
export const ccidOf = (folder: string): string => decodeURIComponent(folder);

/** `-r2` before the ending of a file's name: the output of the second replica. */
const REPLICA = /-r(\d+)\.log$/;
/** Which of several replicas a file is of. */
export function replicaOf(file: string): number | undefined {
  const [, replica] = REPLICA.exec(file) ?? [];
  return replica === undefined ? undefined : Number(replica);
}

/** Keeps the output of chaincode in files that a person can read too. */
export class OutputFolder implements ChaincodeOutput {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #maxLaunches: number;
  readonly #maxChaincodes: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  #launches = 0;

  constructor(parts: OutputFolderParts) {
    const { directory, maxBytes = 10 * 1024 * 1024, maxLaunches = 5, maxChaincodes = 100, clock = systemClock, log = silent } = parts;
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#maxLaunches = maxLaunches;
    this.#maxChaincodes = maxChaincodes;
    this.#clock = clock;
    this.#log = log;
  }

  async open(ccid: string, replica?: number): Promise<LaunchOutput> {
    const folder = join(this.#directory, folderOf(ccid));
    try {
      await makePassingFolder(folder);
      await this.#makeRoom(folder, replica);
      await this.#dropOldest(folder);
    } catch (thrown) {
      this.#log.warn('chaincode output is not kept', { ccid, reason: messageOf(thrown) });
    }
    this.#launches += 1;
    const started = this.#now().replaceAll(':', '-');
    const suffix = replica === undefined ? '' : `-r${replica}`;
    const file = new RotatingFile({
      path: join(folder, `${started}-${process.pid}-${this.#launches}${suffix}.log`),
      maxBytes: this.#maxBytes,
      maxWaiting: MAX_WAITING,
      dropped: (n) =>
        formatRecord({ time: this.#now(), stream: 'peer', text: `${n} lines are missing here: they came faster than the disk took them` }),
      onBroken: (cause) => this.#log.warn('chaincode output is not kept any more', { ccid, reason: messageOf(cause) }),
    });
    return {
      line: (line) => file.write(formatRecord({ time: this.#now(), ...line })),
      [Symbol.asyncDispose]: async () => {
        await file[Symbol.asyncDispose]();
        await rmdir(folder).catch(() => undefined); // goes when nothing was printed, in this launch and before
      },
    };
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }

  /** Names begin with the time of the launch, so that the oldest come first. */
  async #makeRoom(folder: string, replica: number | undefined): Promise<void> {
    const files = (await readdir(folder)).map((name) => name.replace(/\.1$/, ''));
    const launches = [...new Set(files)].filter((name) => name.endsWith('.log') && replicaOf(name) === replica).sort();
    const old = launches.slice(0, Math.max(0, launches.length - this.#maxLaunches + 1));
    for (const name of old) for (const path of [name, `${name}.1`]) await rm(join(folder, path), { force: true });
  }

  /** Every upgrade is a chaincode of its own, so that without this a long development would fill the disk. */
  async #dropOldest(current: string): Promise<void> {
    const folders = (await readdir(this.#directory)).map((name) => join(this.#directory, name)).filter((folder) => folder !== current);
    if (folders.length < this.#maxChaincodes) return;
    const aged = await Promise.all(
      folders.map(async (folder) => ({ folder, last: (await readdir(folder).catch(() => [])).sort().at(-1) ?? '' })),
    );
    const oldest = aged.sort((a, b) => (a.last < b.last ? -1 : 1)).slice(0, folders.length - this.#maxChaincodes + 1);
    for (const { folder } of oldest) await rm(folder, { recursive: true, force: true });
  }
}
