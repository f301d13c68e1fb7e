/** `npm run bench`: one story, from starting what is measured to the tables. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../src/common/scope.ts';
import { aimsTable } from './aims.ts';
import { type BenchOptions, type Measurement, parseOptions, USAGE } from './options.ts';
import { nameOf, repository, sampleChaincode, startOwnNetwork } from './own-network.ts';
import { youngestDescendant } from './process-use.ts';
import { measureQueries, queriesTable } from './queries.ts';
import {
  coldStartTable,
  committingTable,
  endorsingTable,
  firstAnswerTable,
  memoryTable,
  ownColdStartTable,
  type Results,
} from './report.ts';
import { say } from './say.ts';
import { runSmoke } from './smoke.ts';
import { measureColdStarts, measureFirstAnswers, measureOwnColdStarts } from './starts.ts';
import { connect, type Target } from './target.ts';
import { measureUnderLoad, type UnderLoad } from './under-load.ts';

const UNDER_LOAD: readonly Measurement[] = ['memory', 'endorsing', 'committing'];
const NOTHING: UnderLoad = { endorsing: [], committing: [], memory: [] };

/** Prints every table as soon as it is known: a run takes minutes. */
async function bench(options: BenchOptions): Promise<Results> {
  const checkouts = [...(options.own ? [repository] : []), ...options.checkouts];
  const loaded = UNDER_LOAD.some((name) => options.only.has(name)) ? await underLoad(checkouts, options) : NOTHING;
  if (options.aims !== undefined) console.log(aimsTable(options.aims, loaded.endorsing, loaded.committing));
  const cold = options.only.has('cold-start');
  const ownColdStarts = cold ? await measureOwnColdStarts(checkouts, options) : [];
  show(ownColdStarts, ownColdStartTable);
  const coldStarts = cold ? await measureColdStarts(options) : [];
  show(coldStarts, coldStartTable);
  const firstAnswers = options.only.has('first-answer') ? await measureFirstAnswers(options) : [];
  show(firstAnswers, firstAnswerTable);
  show(options.only.has('queries') ? await measureQueries(options) : [], queriesTable);
  return { ...loaded, ownColdStarts, coldStarts, firstAnswers };
}

async function underLoad(checkouts: readonly string[], options: BenchOptions): Promise<UnderLoad> {
  await using scope = new Scope();
  const targets = await connectAll(checkouts, options, scope);
  return await measureUnderLoad(targets, options, ({ endorsing = [], committing = [], memory = [] }) => {
    show(endorsing, endorsingTable);
    show(committing, committingTable);
    show(memory, memoryTable);
  });
}

function show<T>(results: readonly T[], asTable: (results: readonly T[]) => string): void {
  if (results.length > 0) console.log(asTable(results));
}

/** Those that are there already come first, as one of them may be what to compare with; our own networks are started. */
async function connectAll(
  checkouts: readonly string[],
  { endorsers, replicas, connections }: BenchOptions,
  scope: Scope,
): Promise<Target[]> {
  const targets: Target[] = [];
  for (const spec of endorsers) targets.push(scope.use(await connect(spec, connections)));
  for (const { checkout, instances } of checkouts.flatMap((checkout) => replicas.map((instances) => ({ checkout, instances })))) {
    const data = await mkdtemp(join(tmpdir(), 'selvage-bench-'));
    scope.defer(() => rm(data, { recursive: true, force: true, maxRetries: 3 }));
    const name = instances === 1 ? nameOf(checkout) : `${nameOf(checkout)}, ${instances} replicas`;
    say(`starting the development network of ${name} …`);
    const network = scope.use(await startOwnNetwork({ name, checkout, data, chaincode: sampleChaincode, replicas: instances }));
    const chaincodePid = youngestDescendant(network.spec.pid);
    targets.push(scope.use(await connect({ ...network.spec, chaincodePid }, connections)));
  }
  return targets;
}

const load = (): string =>
  loadavg()
    .map((each) => each.toFixed(1))
    .join(' ');

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) return console.log(USAGE);
  if (options.smoke) {
    if (!(await runSmoke())) process.exitCode = 1;
    return;
  }
  const before = load();
  const results = await bench(options);
  const [cpu] = cpus();
  const machine = {
    machine: `${cpus().length} cores, ${cpu?.model ?? 'unknown'}`,
    node: process.versions.node,
    rounds: `${options.rounds} of ${options.sliceMs / 1000} s, peers in turn; ${options.connections} connections; proposals are signed ahead of time`,
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
