import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { evaluate } from '../src/client/submit.ts';
import { joinedChannels } from '../src/client/system-calls.ts';
import { type OwnNetworkOptions, startOwnNetwork, stop } from './own-network.ts';
import { connect, type TargetSpec } from './target.ts';

/** Milliseconds of one cold start. */
export interface OwnColdStart {
  /** From the start of `selvage dev` with an empty folder to the chaincode's first answer: material, join and deployment included. */
  readonly emptyFolder: number;
  /** The same with the folder of before: the chaincode is deployed, but not running. */
  readonly keptFolder: number;
  /** Of that, from the first call until its answer: the chaincode's process starts, registers and answers. */
  readonly chaincode: number;
}

const never = new AbortController().signal;

/** Starts our network twice, without and with a kept folder. */
export async function ownColdStart(options: Omit<OwnNetworkOptions, 'data'>): Promise<OwnColdStart> {
  const data = await mkdtemp(join(tmpdir(), 'selvage-bench-'));
  try {
    const first = await startAndAsk({ ...options, data });
    const second = await startAndAsk({ ...options, data });
    return { emptyFolder: first.total, keptFolder: second.total, chaincode: second.call };
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function startAndAsk(options: OwnNetworkOptions): Promise<{ readonly total: number; readonly call: number }> {
  await using network = await startOwnNetwork(options);
  using target = await connect(network.spec);
  const begun = performance.now();
  await evaluate(target.peer, target.signer, target.call(['noop']), { signal: never });
  const call = performance.now() - begun;
  return { total: network.readyMs + call, call };
}

const LIMIT_MS = 60_000;

/**
 * Runs the endorser's start command and asks it, as soon as its port is open, which channels it has joined.
 *
 * @returns milliseconds from the start of the command to the answer
 */
export async function commandColdStart(spec: TargetSpec, command: string): Promise<number> {
  const begun = performance.now();
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: 'ignore' });
  try {
    while (!(await isOpen(spec.peer.address))) {
      if (child.exitCode !== null || performance.now() - begun > LIMIT_MS) throw new Error(`${command} does not open ${spec.peer.address}`);
      await pause(5);
    }
    using target = await connect(spec);
    await joinedChannels(target, { signal: AbortSignal.timeout(LIMIT_MS) });
    return performance.now() - begun;
  } finally {
    await stop(child);
  }
}

async function isOpen(address: string): Promise<boolean> {
  const at = address.lastIndexOf(':');
  const socket = connectTcp({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
