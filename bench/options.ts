import { parseArgs } from 'node:util';
import type { TargetSpec } from './target.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

export const USAGE = `npm run bench -- [options]

  --quick               a smoke run of some seconds
  --rounds N            rounds of every measurement (default 5)
  --seconds S           how long each slice of a round lasts (default 2)
  --warm-up S           load every endorser that long before anything is measured (default 10)
  --only NAME[,NAME]    endorsing, committing, memory, cold-start, first-answer
  --calls NAME[,NAME]   noop, one put, ten get+put, computing, range of 100
  --at-once N[,N]       calls in flight (default 1,32)
  --replicas N[,N]      processes of the chaincode in our own network, each number as an endorser of its own (default 1)
  --samples NAME[,NAME] for first-answer: kv-node, kv-ts, kv-go, kv-java
  --runtimes NAME[,…]   for first-answer: process, docker, service, external-builder (default: all that this machine has)
  --json FILE           also write every round as JSON
  --checkout DIR        measure the development network of another checkout of Selvage, too; may be repeated
  --no-own              leave out the development network of this checkout
  --endorser HOST:PORT  measure a peer that runs already, with the chaincode kv-node; may be repeated

After --endorser, about that endorser:
  --name NAME           how the tables call it
  --msp-path DIR        MSP folder of the client identity
  --msp-id ID
  --channel NAME        (default mychannel)
  --chaincode NAME      (default kv-node)
  --tls-roots FILE      PEM file with its TLS root certificates; without it the connection is plain
  --tls-name NAME       the name in its TLS certificate
  --orderer HOST:PORT   for commits, with --orderer-tls-roots FILE and --orderer-tls-name NAME
  --pid N               the peer's process, for CPU time and memory, and --chaincode-pid N
  --start COMMAND       starts it from an empty folder and stays with it, for the cold start

All endorsers are measured in every round, in turn, and compared round by round with the first one.`;

export const MEASUREMENTS = ['memory', 'endorsing', 'committing', 'cold-start', 'first-answer'] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

export const SAMPLES = ['kv-node', 'kv-ts', 'kv-go', 'kv-java'] as const;
export type Sample = (typeof SAMPLES)[number];
export const RUNTIMES = ['process', 'docker', 'service', 'external-builder'] as const;
export type Runtime = (typeof RUNTIMES)[number];

export interface BenchOptions {
  readonly quick: boolean;
  readonly rounds: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
  readonly only: ReadonlySet<Measurement>;
  readonly workloads: readonly Workload[];
  readonly inFlight: readonly number[];
  readonly replicas: readonly number[];
  readonly samples: readonly Sample[];
  readonly runtimes: readonly Runtime[];
  readonly json: string | undefined;
  readonly own: boolean;
  readonly checkouts: readonly string[];
  readonly endorsers: readonly TargetSpec[];
}

const text = { type: 'string' } as const;
const OPTIONS = {
  help: { type: 'boolean' },
  quick: { type: 'boolean' },
  rounds: text,
  seconds: text,
  'warm-up': text,
  only: text,
  calls: text,
  'at-once': text,
  replicas: text,
  samples: text,
  runtimes: text,
  json: text,
  checkout: { type: 'string', multiple: true },
  'no-own': { type: 'boolean' },
  endorser: text,
  name: text,
  'msp-path': text,
  'msp-id': text,
  channel: text,
  chaincode: text,
  'tls-roots': text,
  'tls-name': text,
  orderer: text,
  'orderer-tls-roots': text,
  'orderer-tls-name': text,
  pid: text,
  'chaincode-pid': text,
  start: text,
} as const;

/** @returns undefined when help was asked for. @throws {Error} with a sentence about what is wrong */
export function parseOptions(argv: readonly string[]): BenchOptions | undefined {
  const { values, tokens } = parseArgs({ args: [...argv], options: OPTIONS, tokens: true });
  if (values.help === true) return undefined;
  const quick = values.quick === true;
  const options = tokens.flatMap((token) => (token.kind === 'option' ? [{ name: token.name, value: token.value ?? '' }] : []));
  return {
    quick,
    rounds: positive(values.rounds ?? (quick ? '1' : '5'), '--rounds'),
    sliceMs: 1000 * positive(values.seconds ?? (quick ? '0.3' : '2'), '--seconds'),
    warmUpMs: 1000 * Number(values['warm-up'] ?? (quick ? '0' : '10')),
    only: new Set(some('--only', MEASUREMENTS, values.only)),
    workloads: values.calls === undefined ? WORKLOADS : values.calls.split(',').map(workload),
    inFlight: (values['at-once'] ?? '1,32').split(',').map((each) => positive(each, '--at-once')),
    replicas: (values.replicas ?? '1').split(',').map((each) => positive(each, '--replicas')),
    samples: some('--samples', SAMPLES, values.samples),
    runtimes: some('--runtimes', RUNTIMES, values.runtimes),
    json: values.json,
    own: values['no-own'] !== true,
    checkouts: values.checkout ?? [],
    endorsers: endorsers(options),
  };
}

function positive(value: string, flag: string): number {
  const number = Number(value);
  if (number > 0) return number;
  throw new Error(`${flag} ${value} is not possible: write a number above 0`);
}

/** What was written after a flag, or all there is. */
function some<T extends string>(flag: string, all: readonly T[], written: string | undefined): readonly T[] {
  if (written === undefined) return all;
  return written.split(',').map((name) => {
    const found = all.find((each) => each === name);
    if (found === undefined) throw new Error(`${flag} ${name} is unknown: write some of ${all.join(', ')}`);
    return found;
  });
}

function workload(name: string): Workload {
  const found = WORKLOADS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`--calls ${name} is unknown: write some of ${WORKLOADS.map((each) => each.name).join(', ')}`);
  return found;
}

/** The options that follow each --endorser describe that one. */
function endorsers(options: readonly { readonly name: string; readonly value: string }[]): TargetSpec[] {
  const groups: Map<string, string>[] = [];
  for (const { name, value } of options) {
    if (name === 'endorser') groups.push(new Map());
    groups.at(-1)?.set(name, value);
  }
  return groups.map(endorser);
}

function endorser(group: ReadonlyMap<string, string>): TargetSpec {
  const address = group.get('endorser') ?? '';
  const required = (name: string): string => {
    const value = group.get(name);
    if (value === undefined) throw new Error(`--endorser ${address} needs --${name} after it`);
    return value;
  };
  const pid = (name: string): number | undefined => (group.has(name) ? Number(group.get(name)) : undefined);
  const orderer = group.get('orderer');
  return {
    name: group.get('name') ?? address,
    peer: { address, rootsFile: group.get('tls-roots'), serverName: group.get('tls-name') },
    orderer:
      orderer === undefined
        ? undefined
        : { address: orderer, rootsFile: group.get('orderer-tls-roots'), serverName: group.get('orderer-tls-name') },
    mspPath: required('msp-path'),
    mspId: required('msp-id'),
    channel: group.get('channel') ?? 'mychannel',
    chaincode: group.get('chaincode') ?? 'kv-node',
    pid: pid('pid'),
    chaincodePid: pid('chaincode-pid'),
    start: group.get('start'),
  };
}
