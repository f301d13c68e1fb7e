/** `npm run bench -- --smoke`: what this checkout has to be cheaper than, in ratios within one run, so that any machine can judge. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../src/common/scope.ts';
import { startServices } from '../test/runtimes/outside-ways.ts';
import type { EndorsingRound } from './endorsing.ts';
import { parseOptions } from './options.ts';
import { repository, sampleChaincode, startOwnNetwork } from './own-network.ts';
import { youngestDescendant } from './process-use.ts';
import { type EndorsingResult, endorsingTable } from './report.ts';
import { pairedRatio } from './statistics.ts';
import { connect, type Target } from './target.ts';
import { measureUnderLoad } from './under-load.ts';

/** One development network of this checkout. */
interface Variant {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
}

const LIBRARY: Variant = { name: 'grpc-js', env: { SELVAGE_TRANSPORT: 'grpc-js' } };
const OWN: Variant = { name: 'own transport' };

/** CPU time of a call that has to be less in one variant than in another. */
export interface Guard {
  readonly workload: string;
  readonly cheaper: string;
  readonly than: string;
  /** Which CPU time of a call, and its ratio at most: far above what is measured on a quiet machine, so that no other work reaches it. */
  readonly cpu: 'peer' | 'peer + chaincode';
  readonly atMost: number;
}

const GUARDS: readonly Guard[] = [{ workload: 'noop', cheaper: OWN.name, than: LIBRARY.name, cpu: 'peer', atMost: 0.9 }];

const WORKLOADS = [...new Set(GUARDS.map(({ workload }) => workload))];
const OPTIONS = [
  '--only',
  'endorsing',
  '--calls',
  WORKLOADS.join(),
  '--at-once',
  '32',
  '--rounds',
  '5',
  '--seconds',
  '0.6',
  '--warm-up',
  '4',
];

/** @returns whether every guard holds */
export async function runSmoke(): Promise<boolean> {
  const options = parseOptions(OPTIONS);
  if (options === undefined) throw new Error('no options');
  await using scope = new Scope();
  const packages = await startServices(sampleChaincode, ['kv-node'], scope);
  const service = { file: packages.get('kv-node') ?? '', pid: youngestDescendant(process.pid) };
  const targets = await Promise.all([LIBRARY, OWN].map((variant) => start(variant, service, scope)));
  const { endorsing } = await measureUnderLoad(targets, options, () => undefined);
  console.log(endorsingTable(endorsing));
  const broken = GUARDS.flatMap((guard) => judge(guard, endorsing));
  for (const sentence of broken) console.error(sentence);
  return broken.length === 0;
}

/** Its chaincode is a service over gRPC, the same one for all. */
async function start({ name, env = {} }: Variant, service: { readonly file: string; readonly pid: number | undefined }, scope: Scope) {
  const data = await mkdtemp(join(tmpdir(), 'selvage-bench-'));
  scope.defer(() => rm(data, { recursive: true, force: true, maxRetries: 3 }));
  const network = scope.use(await startOwnNetwork({ name, checkout: repository, data, chaincode: service.file, env }));
  const target: Target = await connect({ ...network.spec, chaincodePid: service.pid }, 4);
  return scope.use(target);
}

/** @returns a sentence for a guard that does not hold, or nothing */
export function judge({ workload, cheaper, than, cpu, atMost }: Guard, results: readonly EndorsingResult[]): string[] {
  const cost = ({ peerCpu, chaincodeCpu }: EndorsingRound) => (cpu === 'peer' ? peerCpu : peerCpu + chaincodeCpu);
  const endorsers = results.find((each) => each.workload === workload)?.endorsers ?? [];
  const of = (name: string) => endorsers.find(({ endorser }) => endorser === name)?.rounds.map(cost) ?? [];
  const ratio = pairedRatio(of(cheaper), of(than));
  if (ratio <= atMost) return [];
  return [
    `${workload}: the CPU time of ${cpu} with ${cheaper} is ${ratio.toFixed(2)} times that with ${than}, and at most ${atMost} are allowed`,
  ];
}
