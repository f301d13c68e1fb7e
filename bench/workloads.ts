/** What the chaincode `kv-node` is asked for. */
export interface Workload {
  readonly name: string;
  /** Arguments of call number `at`. */
  args(at: number): readonly string[];
}

const PREFIX = 'bench-range-';

/** Written and committed before anything is measured: the keys that `getput` and `range` find. */
export const PREPARATION: readonly string[] = ['fill', PREFIX, '100'];

export const WORKLOADS: readonly Workload[] = [
  { name: 'noop', args: () => ['noop'] },
  { name: 'one put', args: (at) => ['put', `bench-${at}`, 'a value of some size'] },
  { name: 'ten get+put', args: () => ['getput', '10', PREFIX] },
  { name: 'computing', args: (at) => ['hash', `bench-${at}`, '2000'] },
  { name: 'range of 100', args: () => ['range', `${PREFIX}0000`, `${PREFIX}9999`] },
];
