/** `npm run bench -- --smoke`: what this checkout has to be cheaper than, in ratios within one run, so that any machine can judge. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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

interface Run {
  /** Folder or package. */
  readonly chaincode: string;
  readonly chaincodePid?: number | undefined;
}

/** CPU time of a call that has to be less in one variant than in another. */
export interface Guard {
  readonly workload: string;
  readonly cheaper: string;
  readonly than: string;
  /** Which CPU time of a call, and its ratio at most: far above what is measured on a quiet machine, so that no other work reaches it. */
  readonly cpu: 'peer' | 'chaincode';
  readonly atMost: number;
}

const LIBRARY: Variant = { name: 'grpc-js', env: { SELVAGE_TRANSPORT: 'grpc-js' } };
const OWN: Variant = { name: 'own transport' };
const TRANSPORT: Guard = { workload: 'noop', cheaper: OWN.name, than: LIBRARY.name, cpu: 'peer', atMost: 0.9 };

const SOCKET: Variant = { name: 'own socket' };
const DIALS: Variant = { name: 'chaincode over gRPC' };
const LOCAL: Guard = { workload: 'ten get+put', cheaper: SOCKET.name, than: DIALS.name, cpu: 'chaincode', atMost: 0.75 };

/** @returns whether every guard holds */
export async function runSmoke(): Promise<boolean> {
  const broken = [...(await transports()), ...(await waysOfChaincode())];
  for (const sentence of broken) console.error(sentence);
  return broken.length === 0;
}

/** The peer's own protocol and the library's; its chaincode is a service over gRPC, the same one for both. */
async function transports(): Promise<string[]> {
  await using scope = new Scope();
  const packages = await startServices(sampleChaincode, ['kv-node'], scope);
  const chaincode = packages.get('kv-node') ?? '';
  const chaincodePid = youngestDescendant(process.pid);
  const targets = await Promise.all([LIBRARY, OWN].map((variant) => start(variant, { chaincode, chaincodePid }, scope)));
  return await guarded(TRANSPORT, targets);
}

/** Chaincode that the peer starts, over its socket, and as it is when its start script lets it not know of that. */
async function waysOfChaincode(): Promise<string[]> {
  await using scope = new Scope();
  const dialling = await mkdtemp(join(tmpdir(), 'selvage-bench-'));
  scope.defer(() => rm(dialling, { recursive: true, force: true, maxRetries: 3 }));
  await cp(sampleChaincode, dialling, { recursive: true, filter: (path) => basename(path) !== 'node_modules' });
  const manifest = join(dialling, 'package.json');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"start": "', '"start": "NODE_OPTIONS= '));
  const own = await start(SOCKET, { chaincode: sampleChaincode }, scope);
  return await guarded(LOCAL, [own, await start(DIALS, { chaincode: dialling }, scope)]);
}

async function guarded(guard: Guard, targets: readonly Target[]): Promise<string[]> {
  const slices = ['--at-once', '32', '--rounds', '5', '--seconds', '0.6', '--warm-up', '4'];
  const options = parseOptions(['--only', 'endorsing', '--calls', guard.workload, ...slices]);
  if (options === undefined) throw new Error('no options');
  const { endorsing } = await measureUnderLoad(targets, options, () => undefined);
  console.log(endorsingTable(endorsing));
  return judge(guard, endorsing);
}

/** @param run `chaincodePid` of a service; otherwise that of the process that the peer starts */
async function start({ name, env = {} }: Variant, run: Run, scope: Scope): Promise<Target> {
  const { chaincode, chaincodePid } = run;
  const data = await mkdtemp(join(tmpdir(), 'selvage-bench-'));
  scope.defer(() => rm(data, { recursive: true, force: true, maxRetries: 3 }));
  const network = scope.use(await startOwnNetwork({ name, checkout: repository, data, chaincode, env }));
  return scope.use(await connect({ ...network.spec, chaincodePid: chaincodePid ?? youngestDescendant(network.spec.pid) }, 4));
}

/** @returns a sentence for a guard that does not hold, or nothing */
export function judge({ workload, cheaper, than, cpu, atMost }: Guard, results: readonly EndorsingResult[]): string[] {
  const cost = ({ peerCpu, chaincodeCpu }: EndorsingRound) => (cpu === 'peer' ? peerCpu : chaincodeCpu);
  const endorsers = results.find((each) => each.workload === workload)?.endorsers ?? [];
  const of = (name: string) => endorsers.find(({ endorser }) => endorser === name)?.rounds.map(cost) ?? [];
  const ratio = pairedRatio(of(cheaper), of(than));
  if (ratio <= atMost) return [];
  return [
    `${workload}: the CPU time of the ${cpu} with ${cheaper} is ${ratio.toFixed(2)} times that with ${than}, and at most ${atMost} are allowed`,
  ];
}
