import type { ccprovider, kvrwset } from '../../protos/messages.ts';

/** A deploy or upgrade: what was asked for, what it wrote, and what the ledger holds so far. */
export interface LsccOperation {
  readonly fn: 'deploy' | 'upgrade';
  /** Arguments after the function's name: channel, deployment spec, policy, escc, vscc, collections. */
  readonly args: readonly Uint8Array[];
  readonly written: ccprovider.ChaincodeData;
  readonly writes: readonly kvrwset.KVWrite[];
  readonly committed: ccprovider.ChaincodeData | undefined;
}
