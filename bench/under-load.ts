/** Endorsing, committing and memory: peers that run, measured in turn. */
import { setMaxListeners } from 'node:events';
import { OrdererClient } from '../src/client/orderer-client.ts';
import type { PeerClient } from '../src/client/peer-client.ts';
import { evaluate, submit } from '../src/client/submit.ts';
import { type CommitTurn, type CommittingRound, commitRound } from './committing.ts';
import { comparePayloads, type EndorsingRound, endorseRound } from './endorsing.ts';
import type { BenchOptions } from './options.ts';
import { residentMiB } from './process-use.ts';
import type { CommittingResult, EndorsingResult, MemoryResult } from './report.ts';
import { say } from './say.ts';
import { SignedCalls } from './signed-calls.ts';
import { rotated } from './statistics.ts';
import { dialOptions, networkOf, type Target } from './target.ts';
import type { Workload } from './workloads.ts';

const never = { signal: new AbortController().signal };
setMaxListeners(0, never.signal); // every call that is under way listens

export interface UnderLoad {
  readonly endorsing: readonly EndorsingResult[];
  readonly committing: readonly CommittingResult[];
  readonly memory: readonly MemoryResult[];
}

/** @param show prints what is known as soon as it is: a run takes minutes */
export async function measureUnderLoad(
  targets: readonly Target[],
  options: BenchOptions,
  show: (part: Partial<UnderLoad>) => void,
): Promise<UnderLoad> {
  const { only } = options;
  for (const target of firstOfEachNetwork(targets)) await prepare(target, sharing(target, targets), options.workloads);
  const atRest = targets.map(memoryOf);
  for (const target of targets) await warmUp(target, options);
  const endorsing = only.has('endorsing') || only.has('memory') ? await measureEndorsing(targets, options) : [];
  show({ endorsing });
  const committing = only.has('committing') ? await measureCommitting(targets, options) : [];
  show({ committing });
  const memory = targets.map((target, at) => ({ endorser: target.spec.name, ...growth(atRest[at], memoryOf(target)) }));
  show({ memory });
  return { endorsing, committing, memory };
}

const sharing = (target: Target, targets: readonly Target[]): Target[] =>
  targets.filter(({ spec }) => networkOf(spec) === networkOf(target.spec));

const firstOfEachNetwork = (targets: readonly Target[]): Target[] => targets.filter((target) => sharing(target, targets)[0] === target);

const peersOf = (targets: readonly Target[]): PeerClient[] => targets.map(({ peer }) => peer);

/** Writes what the workloads read; without an orderer it has to be there already. */
async function prepare(target: Target, all: readonly Target[], workloads: readonly Workload[]): Promise<void> {
  for (const { peer, signer, call } of all) await evaluate(peer, signer, call(['noop']), never); // starts chaincode that rests
  if (target.spec.orderer === undefined) return;
  say(`writing what the calls of ${target.spec.name} read …`);
  for (const args of workloads.flatMap(({ preparation }) => preparation)) await write(target, all, args);
}

/** Commits one transaction in all peers of a network. */
async function write({ spec, peer, signer, call }: Target, all: readonly Target[], args: readonly string[]): Promise<void> {
  if (spec.orderer === undefined) return;
  using orderer = new OrdererClient(await dialOptions(spec.orderer));
  await submit({ signer, endorsers: [peer], orderer, listeners: peersOf(all) }, call(args), never);
}

/** Compilers that work while the program runs need some thousand calls before they know what to do. */
async function warmUp(target: Target, { warmUpMs, workloads }: BenchOptions): Promise<void> {
  say(`warming up ${target.spec.name} …`);
  for (const workload of workloads) {
    const until = performance.now() + warmUpMs / workloads.length;
    for (let left = until - performance.now(); left > 0; left = until - performance.now()) {
      const calls = await new SignedCalls(workload).for(target, 500);
      await endorseRound(target, { workload: workload.name, calls, inFlight: 32, forMs: left }, never);
    }
  }
}

/** Every workload at every concurrency: in each round every endorser has its turn. */
async function measureEndorsing(targets: readonly Target[], options: BenchOptions): Promise<EndorsingResult[]> {
  const results: EndorsingResult[] = [];
  for (const workload of options.workloads) {
    const equal = await comparePayloads(targets, workload, never);
    for (const inFlight of options.inFlight) {
      say(`endorsing: ${workload.name}, ${inFlight} at once …`);
      const endorsers = await endorseInTurns(targets, workload, inFlight, options);
      results.push({ workload: workload.name, inFlight, equalPayloads: equal, endorsers });
    }
  }
  return results;
}

async function endorseInTurns(targets: readonly Target[], workload: Workload, inFlight: number, { rounds, sliceMs }: BenchOptions) {
  const found = new Map<Target, EndorsingRound[]>();
  const one = async (target: Target, calls: readonly Uint8Array[], forMs: number): Promise<void> => {
    const round = await endorseRound(target, { workload: workload.name, calls, inFlight, forMs }, never);
    found.set(target, [...(found.get(target) ?? []), round]);
  };
  const first = new SignedCalls(workload);
  for (const target of targets) await one(target, await first.for(target, 20 * inFlight), sliceMs / 2);
  for (let round = 0; round < rounds; round += 1) {
    const signed = new SignedCalls(workload);
    for (const target of rotated(targets, round)) {
      const fastest = Math.max(...(found.get(target) ?? []).map(({ perSecond }) => perSecond));
      await one(target, await signed.for(target, Math.ceil((1.5 * fastest * sliceMs) / 1000) + inFlight), sliceMs);
    }
  }
  return targets.map((target) => ({ endorser: target.spec.name, rounds: found.get(target)?.slice(1) ?? [] }));
}

/** Transactions that each peer endorsed itself, and where several share a network, those that another one endorsed. */
async function measureCommitting(targets: readonly Target[], options: BenchOptions): Promise<CommittingResult[]> {
  const withOrderer = targets.filter(({ orderer }) => orderer !== undefined);
  const turns = withOrderer.flatMap((target) => commitTurns(target, sharing(target, withOrderer)));
  const found = new Map<CommitTurn, CommittingRound[]>();
  const load = options.quick ? { single: 5, burst: 50, inFlight: 32 } : { single: 30, burst: 500, inFlight: 100 };
  for (let round = 0; round < options.rounds; round += 1) {
    say(`committing: round ${round + 1} of ${options.rounds} …`);
    for (const turn of rotated(turns, round)) {
      const done = await commitRound(turn, { ...load, round: `${round}-${turns.indexOf(turn)}` });
      found.set(turn, [...(found.get(turn) ?? []), done]);
      await write(turn.target, [turn.target, ...turn.resting], ['put', 'bench-turn', String(round)]); // who rested has caught up
    }
  }
  return ([true, false] as const).flatMap((own) => {
    const kind = turns.filter(({ target, endorser }) => (target === endorser) === own);
    const endorsers = kind.map((turn) => ({ endorser: turn.target.spec.name, rounds: found.get(turn) ?? [] }));
    return kind.length === 0 ? [] : [{ endorsedBy: own ? ('itself' as const) : ('another' as const), endorsers }];
  });
}

function commitTurns(target: Target, network: readonly Target[]): CommitTurn[] {
  const { orderer } = target;
  if (orderer === undefined) return [];
  const resting = network.filter((each) => each !== target);
  return [target, ...resting.slice(0, 1)].map((endorser) => ({ target, orderer, endorser, resting }));
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
