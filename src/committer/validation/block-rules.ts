import { protos } from '../../protos/messages.ts';
import type { Invalid } from './outcome.ts';

const { CHAINCODE_VERSION_CONFLICT, DUPLICATE_TXID } = protos.TxValidationCode;

/** A transaction that is valid by itself, as far as the rules between transactions of one block look at it. */
export interface Survivor {
  readonly txId: string;
  /** The invoked chaincode. */
  readonly chaincode: string;
  /** The chaincode that it upgrades through `lscc`. */
  readonly upgrades: string | undefined;
}

/** Verdicts by index in the block; `undefined` is valid so far. */
export type Verdicts = (Invalid | undefined)[];

/** Step 21: of several transactions with one id only the first counts. */
export function markDuplicates(survivors: readonly (Survivor | undefined)[], verdicts: Verdicts): void {
  const first = new Map<string, number>();
  for (const [index, survivor] of survivors.entries()) {
    if (survivor === undefined || survivor.txId === '') continue;
    const earlier = first.get(survivor.txId);
    if (earlier === undefined) first.set(survivor.txId, index);
    else {
      const message = `transaction ${survivor.txId} stands in the block before`;
      verdicts[index] = { code: DUPLICATE_TXID, message, details: { firstIndex: earlier } };
    }
  }
}

/**
 * Step 22, up to 1.4: of several upgrades of one chaincode only the last survives (even when it is itself a duplicate), and what
 * invoked a chaincode that the block upgrades does not.
 * @see invalidTXsForUpgradeCC in hyperledger/fabric v1.1, core/committer/txvalidator/validator.go
 */
export function markUpgradeConflicts(survivors: readonly (Survivor | undefined)[], verdicts: Verdicts): void {
  const last = new Map<string, number>();
  for (const [index, survivor] of survivors.entries()) {
    if (survivor?.upgrades === undefined) continue;
    const earlier = last.get(survivor.upgrades);
    if (earlier !== undefined) verdicts[earlier] = conflict('chaincode was upgraded by latter tx', survivor.upgrades, index);
    last.set(survivor.upgrades, index);
  }
  for (const [index, survivor] of survivors.entries()) {
    const upgrade = survivor === undefined ? undefined : last.get(survivor.chaincode);
    if (survivor === undefined || upgrade === undefined || verdicts[index] !== undefined) continue;
    verdicts[index] = conflict('chaincode was upgraded in the same block', survivor.chaincode, upgrade);
  }
}

const conflict = (message: string, chaincode: string, upgradeIndex: number): Invalid => ({
  code: CHAINCODE_VERSION_CONFLICT,
  message,
  details: { chaincode, upgradeIndex },
});
