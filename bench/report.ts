import type { OwnColdStart } from './cold-start.ts';
import type { CommittingRound } from './committing.ts';
import type { EndorsingRound } from './endorsing.ts';
import type { FirstAnswer } from './first-answer.ts';
import { median, pairedRatio } from './statistics.ts';
import { figure, ratio, table } from './table.ts';

/** The rounds of one endorser, in order. */
export interface Rounds<R> {
  readonly endorser: string;
  readonly rounds: readonly R[];
}

export interface EndorsingResult {
  readonly workload: string;
  readonly inFlight: number;
  /** How many endorsers answered a call of it with the very bytes of another one in their network. */
  readonly equalPayloads: number;
  readonly endorsers: readonly Rounds<EndorsingRound>[];
}

export interface CommittingResult {
  /** Whether each peer saw the signatures of its own endorsements, or another peer's. */
  readonly endorsedBy: 'itself' | 'another';
  readonly endorsers: readonly Rounds<CommittingRound>[];
}

/** Resident memory in MiB. */
export interface MemoryResult {
  readonly endorser: string;
  readonly peerAtRest: number;
  readonly peerAfterLoad: number;
  readonly chaincodeAtRest: number;
  readonly chaincodeAfterLoad: number;
}

/** One sample on one runtime, round by round. */
export interface FirstAnswerResult {
  readonly sample: string;
  readonly way: string;
  readonly rounds: readonly FirstAnswer[];
}

export interface Results {
  readonly endorsing: readonly EndorsingResult[];
  readonly committing: readonly CommittingResult[];
  readonly memory: readonly MemoryResult[];
  readonly ownColdStarts: readonly Rounds<OwnColdStart>[];
  /** Milliseconds from the start command to the first answer. */
  readonly coldStarts: readonly Rounds<number>[];
  readonly firstAnswers: readonly FirstAnswerResult[];
}

/** The numbers of one field over all rounds. */
const column = <R>({ rounds }: Rounds<R>, of: (round: R) => number): number[] => rounds.map(of);

/** A median and how it compares with the first endorser's. */
function compared<R>(each: Rounds<R>, first: Rounds<R> | undefined, of: (round: R) => number): [value: string, ratio: string] {
  const own = column(each, of);
  const same = first === undefined || first === each;
  return [figure(median(own)), same ? '' : ratio(pairedRatio(own, column(first, of)))];
}

export function endorsingTable(results: readonly EndorsingResult[]): string {
  const rows = results.flatMap(({ workload, inFlight, endorsers }) =>
    endorsers.map((each) => [
      workload,
      String(inFlight),
      each.endorser,
      ...compared(each, endorsers[0], (round) => round.perSecond),
      ...compared(each, endorsers[0], (round) => round.p50),
      figure(median(column(each, (round) => round.p95))),
      figure(median(column(each, (round) => round.p99))),
      ...compared(each, endorsers[0], (round) => round.peerCpu),
      figure(median(column(each, (round) => round.chaincodeCpu))),
      figure(median(column(each, (round) => round.clientCpu))),
    ]),
  );
  const header = [
    'call',
    'at once',
    'endorser',
    'per s',
    '',
    'p50 ms',
    '',
    'p95 ms',
    'p99 ms',
    'peer CPU ms',
    '',
    'chaincode CPU ms',
    'client CPU ms',
  ];
  const title = 'Endorsements (CPU time for each call; ratios to the first endorser, median of the rounds)';
  const judged = results.filter(({ equalPayloads }) => equalPayloads > 0).map(({ workload }) => workload);
  const equal = [...new Set(judged)].join(', ');
  return table(title, header, rows, 3) + (equal === '' ? '' : `\nThe same payload, byte for byte, from all: ${equal}\n`);
}

export function committingTable(results: readonly CommittingResult[]): string {
  const rows = results.flatMap(({ endorsedBy, endorsers }) =>
    endorsers.map((each) => [
      endorsedBy,
      each.endorser,
      ...compared(each, endorsers[0], (round) => round.p50),
      figure(median(column(each, (round) => round.p95))),
      ...compared(each, endorsers[0], (round) => round.perSecond),
      ...compared(each, endorsers[0], (round) => round.peerCpu),
    ]),
  );
  const header = ['endorsed by', 'peer', 'one at a time: p50 ms', '', 'p95 ms', 'all at once: per s', '', 'peer CPU ms', ''];
  return table('Commits (from handing in to the commit event; one put each)', header, rows, 2);
}

export function memoryTable(results: readonly MemoryResult[]): string {
  const rows = results.map((each) => [
    each.endorser,
    ...[each.peerAtRest, each.peerAfterLoad, each.chaincodeAtRest, each.chaincodeAfterLoad].map((value) => figure(value, 0)),
  ]);
  return table('Resident memory in MiB', ['endorser', 'peer at rest', 'after load', 'chaincode at rest', 'after load'], rows, 1);
}

export function ownColdStartTable(results: readonly Rounds<OwnColdStart>[]): string {
  const rows = results.map((each) => [
    each.endorser,
    ...compared(each, results[0], (round) => round.emptyFolder),
    ...compared(each, results[0], (round) => round.keptFolder),
    ...compared(each, results[0], (round) => round.chaincode),
  ]);
  const header = [
    'network',
    'empty folder to chaincode answer: ms',
    '',
    'kept folder: ms',
    '',
    'of that, chaincode start to answer: ms',
    '',
  ];
  return table('Cold start of `selvage dev`', header, rows, 1);
}

export function coldStartTable(results: readonly Rounds<number>[]): string {
  const rows = results.map((each) => [each.endorser, ...compared(each, results[0], (ms) => ms)]);
  return table('Cold start of a peer: from its start command to its first answer', ['endorser', 'ms', ''], rows, 1);
}

export function firstAnswerTable(results: readonly FirstAnswerResult[]): string {
  const rows = results.map(({ sample, way, rounds }) => [
    sample,
    way,
    figure(median(rounds.map(({ cold }) => cold)), 0),
    figure(median(rounds.map(({ warm }) => warm)), 0),
  ]);
  return table('From a package to the first answer', ['chaincode', 'runtime', 'never built: ms', 'built before: ms'], rows, 2);
}
