import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../journeys/network.ts';
import { type Addresses, type LargestRequests, largestRequests } from '../largest-requests.ts';

/** The largest request of each service, so many times from one client. */
const COUNT = Number(process.env['SELVAGE_LARGEST_REQUESTS'] ?? 10_000);
/** After so many the process has what it keeps however long it runs: compiled code, and pages that the allocator does not give back. */
const WARM_UP = Math.min(COUNT, 50);
/** Readings at the end, the least of which counts. */
const LAST = 4;
const MIB = 1024 * 1024;
const report = process.env['SELVAGE_LARGEST_REQUESTS_REPORT'];

interface Held {
  readonly used: number;
  readonly resident: number;
  readonly peak: number;
}

/** A peer and an orderer in a process of their own, so that what the client holds is not counted. */
class Host implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the network ended with ${code}`)));
    this.#ended.catch(() => undefined);
  }

  static async start(): Promise<{ readonly host: Host; readonly addresses: Addresses }> {
    const child = fork(join(repository, 'test/long/network-host.mjs'), { execArgv: ['--expose-gc'] });
    const host = new Host(child);
    const { addresses } = await host.#heard<{ addresses: Addresses }>();
    return { host, addresses };
  }

  async #heard<T>(): Promise<T> {
    const [message] = await Promise.race([once(this.#child, 'message'), this.#ended]);
    return message as T;
  }

  /** What it holds when garbage is gone, in bytes. */
  held(): Promise<Held> {
    this.#child.send('held');
    return this.#heard<Held>();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.send('end');
    await this.#ended.catch(() => undefined);
  }
}

const shown = ({ used, resident, peak }: Held): string =>
  `used ${Math.round(used / MIB)}, resident ${Math.round(resident / MIB)}, at most ${Math.round(peak / MIB)} MiB`;

describe(`the largest requests of strangers, ${COUNT} of each from one client`, () => {
  let host: Host;
  let requests: LargestRequests;

  beforeAll(async () => {
    const started = await Host.start();
    host = started.host;
    requests = largestRequests(started.addresses);
  });
  afterAll(async () => {
    requests?.[Symbol.dispose]();
    await host?.[Symbol.asyncDispose]();
  });

  it.each([
    'operations',
    'Deliver',
    'DeliverFiltered',
    'DeliverWithPrivateData',
    'Evaluate',
    'Endorse',
    'Submit',
    'CommitStatus',
    'ChaincodeEvents',
    'GossipStream',
    'Discovery',
    'Deliver of the orderer',
    'Broadcast',
    'ChaincodeSupport',
    'Endorser',
    'Endorser, arguments alone',
  ])(
    'to %s leave no more than 50 MB',
    async (service) => {
      const send = requests.byService[service];
      if (send === undefined) throw new Error(`nothing is known of ${service}`);
      const tell = async (after: number, held: Held): Promise<void> => {
        const line = `${new Date().toISOString()} ${service}, after ${after}: ${shown(held)}\n`;
        if (report === undefined) process.stdout.write(line);
        else await appendFile(report, line);
      };
      await tell(0, await host.held());
      for (let number = 0; number < WARM_UP; number += 1) await send(number);
      const before = await host.held();
      await tell(WARM_UP, before);
      const readings: number[] = [];
      for (let number = WARM_UP; number < WARM_UP + COUNT; number += 1) {
        await send(number);
        if (number % Math.ceil(COUNT / 10) !== 0) continue;
        const held = await host.held();
        readings.push(held.resident);
        await tell(number, held);
      }
      const after = await host.held();
      readings.push(after.resident);
      await tell(WARM_UP + COUNT, after);
      expect(after.used - before.used).toBeLessThan(50_000_000);
      // What is free may stay with the allocator, a hundred megabytes at times, until something small that lies above it goes.
      expect(Math.min(...readings.slice(-LAST)) - before.resident).toBeLessThan(50_000_000);
    },
    3 * 3_600_000,
  );
});
