/** What the chaincodes `kv-node` and `kv-go` are asked for. */
export interface Workload {
  readonly name: string;
  /** Arguments of call number `at`. */
  args(at: number): readonly string[];
  /** Transactions that write the keys it finds, committed before anything is measured. */
  readonly preparation: readonly (readonly string[])[];
}

const FEW = 'bench-few-';
const MANY = 'bench-many-';
/** One transaction writes this many of them. */
const PORTION = 610;
const ofTen = <T>(each: (at: number) => T): T[] => Array.from({ length: 10 }, (_, at) => each(at));

/** Reads `size` keys that begin with `prefix`; the range ends behind the last digit. */
const range = (prefix: string, size: number) => ({ name: `range of ${size}`, args: () => ['range', prefix, `${prefix}~`] });

export const WORKLOADS: readonly Workload[] = [
  { name: 'noop', args: () => ['noop'], preparation: [] },
  { name: 'one put', args: (at) => ['put', `bench-${at}`, 'a value of some size'], preparation: [] },
  { name: 'ten get+put', args: () => ['getput', '10', FEW], preparation: [['fill', FEW, '100']] },
  { name: 'computing', args: (at) => ['hash', `bench-${at}`, '2000'], preparation: [] },
  { ...range(FEW, 100), preparation: [['fill', FEW, '100']] },
  { ...range(MANY, 10 * PORTION), preparation: ofTen((at) => ['fill', `${MANY}${at}`, String(PORTION)]) },
];
