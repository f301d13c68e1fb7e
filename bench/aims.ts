import type { EndorsingRound } from './endorsing.ts';
import type { CommittingResult, EndorsingResult, Rounds } from './report.ts';
import { pairedRatio } from './statistics.ts';
import { ratio, table } from './table.ts';

/** How the chaincode under load runs. */
export const WAYS = ['node-service', 'go-service', 'node-local'] as const;
export type Way = (typeof WAYS)[number];

/** Ratios to the first endorser that are aimed at. */
interface Aim {
  readonly workload: string;
  readonly inFlight: number;
  /** At least. */
  readonly perSecond?: number;
  /** At most. */
  readonly p50?: number;
  /** At most, of the processes in `of`. */
  readonly cpu?: number;
  readonly of?: 'peer' | 'peer + chaincode';
}

const LOADED = 32;
const RANGES = ['range of 100', 'range of 6100'] as const;
const loaded = (workload: string, perSecond: number, cpu: number, of: Aim['of'] = 'peer'): Aim => ({
  workload,
  inFlight: LOADED,
  perSecond,
  cpu,
  of,
});
const alone = (workload: string, p50: number): Aim => ({ workload, inFlight: 1, p50 });
const ranges = (perSecond: number): Aim[] => RANGES.map((workload) => loaded(workload, perSecond, 0.7));

const OVER_GRPC = [loaded('noop', 1.5, 0.5), loaded('one put', 1.5, 0.5), ...ranges(1.5), alone('noop', 0.6)];

const AIMS: Readonly<Record<Way, readonly Aim[]>> = {
  'node-service': [...OVER_GRPC, loaded('ten get+put', 1.1, 0.5)],
  'go-service': [...OVER_GRPC, loaded('ten get+put', 1.5, 0.5)],
  'node-local': [
    loaded('noop', 2, 0.35, 'peer + chaincode'),
    loaded('one put', 2, 0.35, 'peer + chaincode'),
    loaded('ten get+put', 4, 0.2, 'peer + chaincode'),
    ...ranges(2),
    alone('noop', 0.6),
    alone('ten get+put', 0.25),
  ],
};
const COMMIT = { perSecond: 1.2, cpu: 1 };

const HEADER = ['call', 'at once', 'endorser', 'figure', 'ratio', 'aim', 'met'];

/** How far the aims are reached: every endorser's ratios to the first one's. Empty where there is nobody to compare with. */
export function aimsTable(way: Way, endorsing: readonly EndorsingResult[], committing: readonly CommittingResult[]): string {
  const endorsed = AIMS[way].flatMap((aim) => {
    const result = endorsing.find(({ workload, inFlight }) => workload === aim.workload && inFlight === aim.inFlight);
    return result === undefined ? [] : against(result.endorsers, (each, first) => endorsingRows(aim, each, first));
  });
  const committed = committing.flatMap(({ endorsedBy, endorsers }) =>
    against(endorsers, (each, first) => [
      row(
        [`commit, endorsed by ${endorsedBy}`, '', each.endorser, 'per second'],
        compared(each, first, (at) => at.perSecond),
        atLeast(COMMIT.perSecond),
      ),
      row(
        [`commit, endorsed by ${endorsedBy}`, '', each.endorser, 'peer CPU'],
        compared(each, first, (at) => at.peerCpu),
        atMost(COMMIT.cpu),
      ),
    ]),
  );
  const rows = [...endorsed, ...committed];
  return rows.length === 0 ? '' : table(`Aims, chaincode as ${way}; ratios to the first endorser, median of the rounds`, HEADER, rows, 4);
}

function endorsingRows(aim: Aim, each: Rounds<EndorsingRound>, first: Rounds<EndorsingRound>): string[][] {
  const line = (name: string, of: (round: EndorsingRound) => number, bound: Bound) =>
    row([aim.workload, String(aim.inFlight), each.endorser, name], compared(each, first, of), bound);
  const cpu = aim.of === 'peer' ? (at: EndorsingRound) => at.peerCpu : (at: EndorsingRound) => at.peerCpu + at.chaincodeCpu;
  return [
    ...(aim.perSecond === undefined ? [] : [line('per second', (at) => at.perSecond, atLeast(aim.perSecond))]),
    ...(aim.p50 === undefined ? [] : [line('p50', (at) => at.p50, atMost(aim.p50))]),
    ...(aim.cpu === undefined ? [] : [line(`${aim.of} CPU`, cpu, atMost(aim.cpu))]),
  ];
}

interface Bound {
  readonly text: string;
  holds(value: number): boolean;
}
const atLeast = (least: number): Bound => ({ text: `>= ${least}`, holds: (value) => value >= least });
const atMost = (most: number): Bound => ({ text: `<= ${most}`, holds: (value) => value <= most });

const row = (names: readonly string[], value: number, bound: Bound): string[] => [
  ...names,
  ratio(value),
  bound.text,
  Number.isNaN(value) ? '-' : bound.holds(value) ? 'yes' : 'no',
];

function against<R>(endorsers: readonly Rounds<R>[], rows: (each: Rounds<R>, first: Rounds<R>) => string[][]): string[][] {
  const [first, ...others] = endorsers;
  return first === undefined ? [] : others.flatMap((each) => rows(each, first));
}

const compared = <R>(each: Rounds<R>, first: Rounds<R>, of: (round: R) => number): number =>
  pairedRatio(each.rounds.map(of), first.rounds.map(of));
