/** Where a value was written: block number and index of the transaction in the block. */
export interface Version {
  readonly blockNum: bigint;
  readonly txNum: bigint;
}

export const sameVersion = (a: Version | undefined, b: Version | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.blockNum === b.blockNum && a.txNum === b.txNum;

/** Whether `a` was written after `b`. */
export const isNewer = (a: Version, b: Version): boolean => (a.blockNum === b.blockNum ? a.txNum > b.txNum : a.blockNum > b.blockNum);
