import { parseArgs } from 'node:util';
import { WAYS, type Way } from './aims.ts';
import { PEER_OPTIONS, peersOf } from './peer-options.ts';
import type { TargetSpec } from './target.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

export const USAGE = `npm run bench -- [options]

  --quick               a smoke run of some seconds
  --smoke               less than a minute: what this checkout has to be faster than itself without; fails where it is not
  --rounds N            rounds of every measurement (default 5)
  --seconds S           how long each slice of a round lasts (default 2)
  --warm-up S           load every endorser that long before anything is measured (default 10)
  --only NAME[,NAME]    endorsing, committing, memory, cold-start, first-answer, queries
  --calls NAME[,NAME]   ${WORKLOADS.map(({ name }) => name).join(', ')}
  --at-once N[,N]       calls in flight (default 1,32)
  --connections N       that carry them to each peer (default 4)
  --replicas N[,N]      processes of the chaincode in our own network, each number as an endorser of its own (default 1)
  --samples NAME[,NAME] for first-answer: kv-node, kv-ts, kv-go, kv-java
  --runtimes NAME[,…]   for first-answer: process, docker, service, external-builder (default: all that this machine has)
  --aims WAY            say which aims are met, with the chaincode under load as node-service, go-service or node-local
  --json FILE           also write every round as JSON
  --checkout DIR        measure the development network of another checkout of Selvage, too; may be repeated
  --beside HOST:PORT    measure a peer that runs already, with the chaincode kv-node or kv-go, and compare with it; may be repeated
  --peer HOST:PORT      measure a peer of Selvage that runs already instead of our own development network; may be repeated

After --beside or --peer, about that peer; before the first of them, about all:
  --name NAME           how the tables call it
  --msp-path DIR        MSP folder of the client identity
  --msp-id ID
  --channel NAME        (default mychannel)
  --chaincode NAME      (default kv-node)
  --tls-roots FILE      PEM file with its TLS root certificates; without it the connection is plain
  --tls-name NAME       the name in its TLS certificate
  --orderer HOST:PORT   for commits, with --orderer-tls-roots FILE and --orderer-tls-name NAME
  --pid N               the peer's process, for CPU time and memory, and --chaincode-pid N (or "youngest": its youngest child)
  --start COMMAND       starts it from an empty folder and stays with it, for the cold start

Every round gives each peer its turn; ratios are to the first peer of --beside, or else to the first that is measured. Peers with
the same --msp-path, --channel, --chaincode and --orderer stand in one network: they are handed the same calls and have to answer
with the same bytes, and while one of them commits the others are stopped (--pid).`;

export const MEASUREMENTS = ['memory', 'endorsing', 'committing', 'cold-start', 'first-answer', 'queries'] as const;
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
  readonly connections: number;
  readonly replicas: readonly number[];
  readonly samples: readonly Sample[];
  readonly runtimes: readonly Runtime[];
  readonly json: string | undefined;
  readonly aims: Way | undefined;
  readonly smoke: boolean;
  /** Whether to measure the development network of this checkout. */
  readonly own: boolean;
  readonly checkouts: readonly string[];
  /** Peers that run already, those to compare with first. */
  readonly endorsers: readonly TargetSpec[];
}

const text = { type: 'string' } as const;
const OPTIONS = {
  ...PEER_OPTIONS,
  help: { type: 'boolean' },
  quick: { type: 'boolean' },
  smoke: { type: 'boolean' },
  rounds: text,
  seconds: text,
  'warm-up': text,
  only: text,
  calls: text,
  'at-once': text,
  connections: text,
  replicas: text,
  samples: text,
  runtimes: text,
  aims: text,
  json: text,
  checkout: { type: 'string', multiple: true },
} as const;

/** @returns undefined when help was asked for. @throws {Error} with a sentence about what is wrong */
export function parseOptions(argv: readonly string[]): BenchOptions | undefined {
  const { values, tokens } = parseArgs({ args: [...argv], options: OPTIONS, tokens: true });
  if (values.help === true) return undefined;
  const quick = values.quick === true;
  const written = tokens.flatMap((token) => (token.kind === 'option' ? [{ name: token.name, value: token.value ?? '' }] : []));
  const { peers, beside } = peersOf(written);
  return {
    quick,
    smoke: values.smoke === true,
    rounds: positive(values.rounds ?? (quick ? '1' : '5'), '--rounds'),
    sliceMs: 1000 * positive(values.seconds ?? (quick ? '0.3' : '2'), '--seconds'),
    warmUpMs: 1000 * Number(values['warm-up'] ?? (quick ? '0' : '10')),
    only: new Set(some('--only', MEASUREMENTS, values.only)),
    workloads: values.calls === undefined ? WORKLOADS : values.calls.split(',').map(workload),
    inFlight: (values['at-once'] ?? '1,32').split(',').map((each) => positive(each, '--at-once')),
    connections: positive(values.connections ?? '4', '--connections'),
    replicas: (values.replicas ?? '1').split(',').map((each) => positive(each, '--replicas')),
    samples: some('--samples', SAMPLES, values.samples),
    runtimes: some('--runtimes', RUNTIMES, values.runtimes),
    aims: values.aims === undefined ? undefined : some('--aims', WAYS, values.aims)[0],
    json: values.json,
    own: peers.length === 0,
    checkouts: values.checkout ?? [],
    endorsers: [...beside, ...peers],
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
