import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TargetSpec } from './target.ts';

/** This checkout. */
export const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const sampleChaincode = join(repository, 'chaincodes', 'kv-node');
export const nameOf = (checkout: string): string => (checkout === repository ? 'selvage' : checkout);

/** What `selvage dev --json` says, line by line; every fact has other fields. */
type Fact = Readonly<Record<string, unknown>> & { readonly fact: string };

export interface OwnNetworkOptions {
  readonly name: string;
  /** The checkout whose `bin/selvage.js` is run. */
  readonly checkout: string;
  /** Folder for the network's data, empty or kept from before. */
  readonly data: string;
  /** Folder of the chaincode to deploy. */
  readonly chaincode: string;
  /** Processes of the chaincode; the default of the peer when left out. */
  readonly replicas?: number;
  /** Set for its process beside what this one has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Our own development network in another process, so that peer and load generator do not share an event loop. */
export interface OwnNetwork extends AsyncDisposable {
  readonly spec: TargetSpec & { readonly pid: number };
  /** Milliseconds from the start of the process until the network was up and the chaincode deployed. */
  readonly readyMs: number;
}

/** @throws {Error} with what the command printed when it ends before it is ready */
export async function startOwnNetwork({ name, checkout, data, chaincode, replicas, env }: OwnNetworkOptions): Promise<OwnNetwork> {
  const begun = performance.now();
  const args = [join(checkout, 'bin', 'selvage.js'), 'dev', chaincode, '--name', 'kv-node', '--json', '--port-base', '0', '--data', data];
  const more = replicas === undefined || replicas === 1 ? [] : ['--replicas', String(replicas)];
  const child = spawn(process.execPath, [...args, ...more], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const facts = await factsUntilReady(child);
  const readyMs = performance.now() - begun;
  const network: Readonly<Record<string, unknown>> = facts.find(({ fact }) => fact === 'network') ?? {};
  const organizations = join(data, 'organizations');
  const ca = (...path: string[]): string => join(organizations, ...path, 'tls', 'ca.crt');
  const org1 = ['peerOrganizations', 'org1.example.com'];
  const spec = {
    name,
    peer: {
      address: peerAddress(network),
      rootsFile: ca(...org1, 'peers', 'peer0.org1.example.com'),
      serverName: 'peer0.org1.example.com',
    },
    orderer: {
      address: String(network['orderer']),
      rootsFile: ca('ordererOrganizations', 'example.com', 'orderers', 'orderer.example.com'),
      serverName: 'orderer.example.com',
    },
    mspPath: join(organizations, ...org1, 'users', 'User1@org1.example.com', 'msp'),
    mspId: 'Org1MSP',
    channel: 'mychannel',
    chaincode: 'kv-node',
    pid: child.pid ?? 0,
  };
  return { spec, readyMs, [Symbol.asyncDispose]: () => stop(child) };
}

function peerAddress(network: Readonly<Record<string, unknown>>): string {
  const [first]: unknown[] = Array.isArray(network['peers']) ? network['peers'] : [];
  if (typeof first === 'object' && first !== null && 'address' in first) return String(first.address);
  throw new Error('selvage dev named no peer');
}

async function factsUntilReady(child: ChildProcess): Promise<Fact[]> {
  const facts: Fact[] = [];
  if (child.stdout === null) throw new Error('selvage dev has no output');
  for await (const line of createInterface(child.stdout)) {
    const fact: Fact = JSON.parse(line);
    facts.push(fact);
    if (fact.fact === 'ready') return facts;
  }
  throw new Error(`selvage dev ended before it was ready: ${JSON.stringify(facts)}`);
}

/** Interrupts a process as Ctrl-C does and waits until it is gone. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGINT');
  await gone;
}
