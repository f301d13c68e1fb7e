import { randomInt } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evaluate, submit } from '../../src/client/submit.ts';
import { textOf } from '../../src/common/bytes.ts';
import { connectClients, type DevClients } from '../../src/node/dev/dev-clients.ts';
import { devFolders } from '../../src/node/dev/dev-material.ts';
import { planNetwork } from '../../src/node/dev/dev-plan.ts';
import { RunningCommand, selvage } from '../journeys/command.ts';
import { chaincodeFolder, privateCache } from '../journeys/faulty-chaincode.ts';
import { never } from '../journeys/network.ts';

/** `kill -9` so many times in all. */
const KILLS = Number(process.env['SELVAGE_KILLS'] ?? 200);
/** So often in a row, before the next start may go on to its end. */
const IN_A_ROW = 4;
const CHANNEL = 'mychannel';
const report = process.env['SELVAGE_KILLS_REPORT'];

interface Fact {
  readonly fact: string;
  readonly step?: string;
}

/** A development network in a folder: its material, join, install, approval, commit, upgrades and transactions. */
class Victim implements AsyncDisposable {
  readonly folder: string;
  readonly data: string;
  /** How far the network was when it was killed, counted. */
  readonly reached = new Map<string, number>();
  #version = 0;
  #written = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.data = join(folder, 'data');
  }

  static async create(): Promise<Victim> {
    const folder = await mkdtemp(join(tmpdir(), 'selvage-kills-'));
    await privateCache(folder, 'chaincode');
    await chaincodeFolder(folder, 'cc');
    const victim = new Victim(folder);
    await victim.edit();
    return victim;
  }

  /** Another version of the chaincode, which the next start installs, approves and commits. */
  async edit(): Promise<void> {
    this.#version += 1;
    const file = join(this.folder, 'cc', 'index.js');
    const text = (await readFile(file, 'utf8')).replace(/\n\/\/ version[\s\S]*$/, '');
    await writeFile(file, `${text}\n// version ${this.#version}\ncommands.version = () => '${this.#version}';\n`);
  }

  #start(): RunningCommand {
    const args = ['dev', join(this.folder, 'cc'), '--name', 'cc', '--data', this.data, '--port-base', '0', '--json'];
    return new RunningCommand(args, { SELVAGE_CACHE: this.folder });
  }

  /** Starts the network and kills it at a moment within so many milliseconds. */
  async killWithin(ms: number): Promise<void> {
    const dev = this.#start();
    let last = 'the start of the process';
    const following = dev.line((line) => {
      if (line.startsWith('{')) last = (JSON.parse(line) as Fact).step ?? (JSON.parse(line) as Fact).fact;
      return false;
    });
    following.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, randomInt(ms)));
    await dev.kill();
    this.reached.set(last, (this.reached.get(last) ?? 0) + 1);
  }

  /** Starts the network, has it answer with the newest chaincode, lets clients write and kills it while they do. @returns how long the start took */
  async recover({ kill }: { readonly kill: boolean }): Promise<number> {
    const since = performance.now();
    const dev = this.#start();
    await dev.line((line) => line.startsWith('{"fact":"ready"'));
    const took = performance.now() - since;
    using clients = await this.#connect();
    expect(await this.#call(clients, 'version')).toBe(String(this.#version));
    if (this.#written > 0) expect(await this.#call(clients, 'get', 'k')).toBe(String(this.#written));
    for (let left = 1 + randomInt(5); left > 0; left -= 1) await this.#put(clients);
    if (kill) {
      const gone = new AbortController();
      const more = (async () => {
        for (;;) await this.#put(clients, gone.signal);
      })().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, randomInt(400)));
      await dev.kill();
      gone.abort();
      await more;
      this.reached.set('transactions', (this.reached.get('transactions') ?? 0) + 1);
    } else expect(await dev.interrupt()).toBe(0);
    return took;
  }

  async #connect(): Promise<DevClients> {
    const plan = await planNetwork(this.data, { block: 'instant' }); // as it was kept
    return connectClients(devFolders(this.data, plan), plan);
  }

  async #call({ user }: DevClients, ...args: string[]): Promise<string> {
    return textOf((await evaluate(user.peer, user.signer, { channelId: CHANNEL, chaincode: 'cc', args }, { signal: never })).payload);
  }

  /** The next number; one whose commit nobody heard of may be there or not. */
  async #put({ user, orderer }: DevClients, signal: AbortSignal = never): Promise<void> {
    const parts = { signer: user.signer, endorsers: [user.peer], orderer, listeners: [user.peer] };
    const next = this.#written + 1;
    const spec = { channelId: CHANNEL, chaincode: 'cc', args: ['put', 'k', String(next)] };
    const { commit } = await submit(parts, spec, { signal });
    expect(commit?.codeName).toBe('VALID');
    this.#written = next;
  }

  /** What was acknowledged is there; one transaction more may be. */
  async settle(): Promise<void> {
    await using dev = this.#start();
    await dev.line((line) => line.startsWith('{"fact":"ready"'));
    using clients = await this.#connect();
    const found = Number(await this.#call(clients, 'get', 'k'));
    expect([this.#written, this.#written + 1]).toContain(found);
    this.#written = found;
    expect(await dev.interrupt()).toBe(0);
  }

  /** Blocks, signatures, state, history and private data agree, and nothing half made is left. */
  async check(): Promise<void> {
    const ledgers = join(this.data, 'peers', 'org1');
    const { code, stdout, stderr } = await selvage(['ledger', 'verify', '--state', '--path', ledgers]);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const left = (await readdir(this.data, { recursive: true })).filter((path) => /(^|\/)\.(making|creating|unfinished)-/.test(path));
    expect(left).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

it(`a network that is killed ${KILLS} times, from its first start to its upgrades, is torn at no time`, async () => {
  const reached = new Map<string, number>();
  let kills = 0;
  let usual = 4_000;
  while (kills < KILLS) {
    await using victim = await Victim.create();
    for (let stage = 0; stage < 3 && kills < KILLS; stage += 1) {
      for (let row = 0; row < IN_A_ROW && kills < KILLS; row += 1, kills += 1) await victim.killWithin(usual);
      usual = Math.round(0.7 * usual + 0.3 * (await victim.recover({ kill: true })));
      kills += 1;
      await victim.settle();
      await victim.check();
      await victim.edit();
    }
    for (const [step, count] of victim.reached) reached.set(step, (reached.get(step) ?? 0) + count);
    const line = `${kills} kills, nothing torn; last heard before: ${[...reached].map(([step, count]) => `${step} ${count}`).join(', ')}\n`;
    if (report !== undefined) await appendFile(report, line);
  }
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  console.log(Object.fromEntries(reached));
}, 7_200_000);
