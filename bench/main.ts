/** `npm run bench`: one story, from starting what is measured to the tables. */
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OrdererClient } from '../src/client/orderer-client.ts';
import { evaluate, submit } from '../src/client/submit.ts';
import { Scope } from '../src/common/scope.ts';
import { commandColdStart, type OwnColdStart, ownColdStart } from './cold-start.ts';
import { type CommittingRound, commitRound } from './committing.ts';
import { type EndorsingRound, endorseRound } from './endorsing.ts';
import { type FirstAnswer, firstAnswer } from './first-answer.ts';
import { type BenchOptions, type Measurement, parseOptions, USAGE } from './options.ts';
import { startOwnNetwork } from './own-network.ts';
import { residentMiB, youngestDescendant } from './process-use.ts';
import {
  coldStartTable,
  committingTable,
  type EndorsingResult,
  endorsingTable,
  type FirstAnswerResult,
  firstAnswerTable,
  type MemoryResult,
  memoryTable,
  ownColdStartTable,
  type Results,
  type Rounds,
} from './report.ts';
import { runningWays } from './running-ways.ts';
import { rotated } from './statistics.ts';
import { connect, dialOptions, type Target } from './target.ts';
import { PREPARATION } from './workloads.ts';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const sampleChaincode = join(repository, 'chaincodes', 'kv-node');
const never = { signal: new AbortController().signal };
setMaxListeners(0, never.signal); // every call that is under way listens

const UNDER_LOAD: readonly Measurement[] = ['memory', 'endorsing', 'committing'];

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Prints every table as soon as it is known: a run takes minutes. */
async function bench(options: BenchOptions): Promise<Results> {
  const checkouts = [...(options.own ? [repository] : []), ...options.checkouts];
  const underLoad = UNDER_LOAD.some((name) => options.only.has(name));
  const loaded = underLoad ? await measureUnderLoad(checkouts, options) : { endorsing: [], committing: [], memory: [] };
  const cold = options.only.has('cold-start');
  const ownColdStarts = cold ? await measureOwnColdStarts(checkouts, options) : [];
  show(ownColdStarts, ownColdStartTable);
  const coldStarts = cold ? await measureColdStarts(options) : [];
  show(coldStarts, coldStartTable);
  const firstAnswers = options.only.has('first-answer') ? await measureFirstAnswers(options) : [];
  show(firstAnswers, firstAnswerTable);
  return { ...loaded, ownColdStarts, coldStarts, firstAnswers };
}

async function measureUnderLoad(checkouts: readonly string[], options: BenchOptions) {
  const { only } = options;
  await using scope = new Scope();
  const targets = await connectAll(checkouts, options, scope);
  for (const target of targets) await prepare(target);
  const atRest = targets.map(memoryOf);
  for (const target of targets) await warmUp(target, options);
  const endorsing = only.has('endorsing') || only.has('memory') ? await measureEndorsing(targets, options) : [];
  show(endorsing, endorsingTable);
  const committing = only.has('committing') ? await measureCommitting(targets, options) : [];
  show(committing, committingTable);
  const memory = targets.map((target, at) => ({ endorser: target.spec.name, ...growth(atRest[at], memoryOf(target)) }));
  show(memory, memoryTable);
  return { endorsing, committing, memory };
}

function show<T>(results: readonly T[], asTable: (results: readonly T[]) => string): void {
  if (results.length > 0) console.log(asTable(results));
}

/** Our own networks are started, the others are there already. */
async function connectAll(checkouts: readonly string[], { endorsers, replicas }: BenchOptions, scope: Scope): Promise<Target[]> {
  const targets: Target[] = [];
  for (const { checkout, instances } of checkouts.flatMap((checkout) => replicas.map((instances) => ({ checkout, instances })))) {
    const data = await mkdtemp(join(tmpdir(), 'selvage-bench-'));
    scope.defer(() => rm(data, { recursive: true, force: true, maxRetries: 3 }));
    const name = instances === 1 ? nameOf(checkout) : `${nameOf(checkout)}, ${instances} replicas`;
    say(`starting the development network of ${name} …`);
    const network = scope.use(await startOwnNetwork({ name, checkout, data, chaincode: sampleChaincode, replicas: instances }));
    targets.push(scope.use(await connect({ ...network.spec, chaincodePid: youngestDescendant(network.spec.pid) })));
  }
  for (const spec of endorsers) targets.push(scope.use(await connect(spec)));
  return targets;
}

const nameOf = (checkout: string): string => (checkout === repository ? 'selvage' : checkout);

/** Writes what the workloads read; without an orderer it has to be there already. */
async function prepare({ spec, peer, signer, call }: Target): Promise<void> {
  if (spec.orderer === undefined) {
    await evaluate(peer, signer, call(['noop']), never);
    return;
  }
  using orderer = new OrdererClient(await dialOptions(spec.orderer));
  await submit({ signer, endorsers: [peer], orderer, listeners: [peer] }, call(PREPARATION), never);
}

/** Compilers that work while the program runs need some thousand calls before they know what to do. */
async function warmUp(target: Target, { warmUpMs, workloads }: BenchOptions): Promise<void> {
  say(`warming up ${target.spec.name} …`);
  for (const workload of workloads) {
    const until = performance.now() + warmUpMs / workloads.length;
    for (let left = until - performance.now(); left > 0; left = until - performance.now()) {
      await endorseRound(target, { workload, inFlight: 32, forMs: left, prepared: 500 }, never);
    }
  }
}

/** Every workload at every concurrency: in each round every endorser has its turn. */
async function measureEndorsing(
  targets: readonly Target[],
  { rounds, sliceMs, workloads, inFlight: levels }: BenchOptions,
): Promise<EndorsingResult[]> {
  const results: EndorsingResult[] = [];
  for (const workload of workloads) {
    for (const inFlight of levels) {
      say(`endorsing: ${workload.name}, ${inFlight} at once …`);
      const found = new Map<Target, EndorsingRound[]>();
      for (const target of targets) {
        const warmUp = await endorseRound(target, { workload, inFlight, forMs: sliceMs / 2, prepared: 20 * inFlight }, never);
        found.set(target, [warmUp]);
      }
      for (let round = 0; round < rounds; round += 1) {
        for (const target of rotated(targets, round)) {
          const rounds = found.get(target) ?? [];
          const fastest = Math.max(...rounds.map(({ perSecond }) => perSecond));
          const prepared = Math.ceil((1.5 * fastest * sliceMs) / 1000) + inFlight;
          rounds.push(await endorseRound(target, { workload, inFlight, forMs: sliceMs, prepared }, never));
        }
      }
      const endorsers = targets.map((target) => ({ endorser: target.spec.name, rounds: found.get(target)?.slice(1) ?? [] }));
      results.push({ workload: workload.name, inFlight, endorsers });
    }
  }
  return results;
}

async function measureCommitting(targets: readonly Target[], { rounds, quick }: BenchOptions): Promise<Rounds<CommittingRound>[]> {
  const found = new Map<Target, CommittingRound[]>();
  const load = quick ? { single: 5, burst: 50, inFlight: 32 } : { single: 30, burst: 500, inFlight: 100 };
  for (let round = 0; round < rounds; round += 1) {
    say(`committing: round ${round + 1} of ${rounds} …`);
    for (const target of rotated(targets, round)) {
      if (target.orderer === undefined) continue;
      found.set(target, [...(found.get(target) ?? []), await commitRound(target, target.orderer, { ...load, round })]);
    }
  }
  return targets.flatMap((target) => (found.has(target) ? [{ endorser: target.spec.name, rounds: found.get(target) ?? [] }] : []));
}

const memoryOf = ({ spec }: Target) => ({ peer: residentMiB(spec.pid), chaincode: residentMiB(spec.chaincodePid) });

function growth(atRest: ReturnType<typeof memoryOf> | undefined, after: ReturnType<typeof memoryOf>): Omit<MemoryResult, 'endorser'> {
  return {
    peerAtRest: atRest?.peer ?? Number.NaN,
    peerAfterLoad: after.peer,
    chaincodeAtRest: atRest?.chaincode ?? Number.NaN,
    chaincodeAfterLoad: after.chaincode,
  };
}

async function measureOwnColdStarts(checkouts: readonly string[], { rounds }: BenchOptions): Promise<Rounds<OwnColdStart>[]> {
  const start = (checkout: string) => ownColdStart({ name: nameOf(checkout), checkout, chaincode: sampleChaincode });
  return inTurns(checkouts, rounds, nameOf, start);
}

async function measureColdStarts({ endorsers, rounds }: BenchOptions): Promise<Rounds<number>[]> {
  const startable = endorsers.flatMap((spec) => (spec.start === undefined ? [] : [{ spec, command: spec.start }]));
  return inTurns(
    startable,
    rounds,
    ({ spec }) => spec.name,
    ({ spec, command }) => commandColdStart(spec, command),
  );
}

/** Every sample on every runtime of this machine, in turn, each time with packages that nobody has built before. */
async function measureFirstAnswers({ rounds, samples, runtimes }: BenchOptions): Promise<FirstAnswerResult[]> {
  const { ways, missing } = await runningWays(runtimes);
  for (const reason of missing) say(`first answer: ${reason}`);
  const pairs = ways.flatMap((way) => samples.map((sample) => ({ way, sample })));
  const found = new Map<(typeof pairs)[number], FirstAnswer[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const pair of rotated(pairs, round)) {
      say(`first answer: ${pair.sample}, ${pair.way.name}, round ${round + 1} of ${rounds} …`);
      found.set(pair, [...(found.get(pair) ?? []), await firstAnswer(join(repository, 'chaincodes', pair.sample), pair.way)]);
    }
  }
  return pairs.map((pair) => ({ sample: pair.sample, way: pair.way.name, rounds: found.get(pair) ?? [] }));
}

async function inTurns<T, R>(
  list: readonly T[],
  rounds: number,
  name: (each: T) => string,
  measure: (each: T) => Promise<R>,
): Promise<Rounds<R>[]> {
  const found = new Map<T, R[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const each of rotated(list, round)) {
      say(`cold start: ${name(each)}, round ${round + 1} of ${rounds} …`);
      found.set(each, [...(found.get(each) ?? []), await measure(each)]);
    }
  }
  return list.map((each) => ({ endorser: name(each), rounds: found.get(each) ?? [] }));
}

const load = (): string =>
  loadavg()
    .map((each) => each.toFixed(1))
    .join(' ');

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) return console.log(USAGE);
  const before = load();
  const results = await bench(options);
  const [cpu] = cpus();
  const machine = {
    machine: `${cpus().length} cores, ${cpu?.model ?? 'unknown'}`,
    node: process.versions.node,
    rounds: `${options.rounds} of ${options.sliceMs / 1000} s, endorsers in turn; proposals are signed ahead of time`,
    'load average before': before,
    'load average after': load(),
  };
  console.log(
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  );
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ machine, ...results }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
