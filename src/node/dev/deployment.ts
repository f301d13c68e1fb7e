import type { Submission } from '../../client/submit.ts';
import { SelvageError } from '../../common/errors.ts';
import type { ChaincodeRef } from '../../lifecycle/chaincode-ref.ts';
import { protos } from '../../protos/messages.ts';

/** Sources in a folder, or a `.tar.gz` package of the 2.x lifecycle as it is. */
export type DevSource = { readonly folder: string } | { readonly packageFile: string };

/** A chaincode to deploy. */
export type DevChaincode = DevSource & {
  readonly name: string;
  /** Arguments of Init. With the 2.x lifecycle Init is called when there are any. */
  readonly init: readonly string[];
  /** `SignaturePolicyEnvelope` bytes; by default any member of the channel, with the 2.x lifecycle the channel's policy `Endorsement`. */
  readonly policy?: Uint8Array | undefined;
  /** Private data collections; none where it is left out. */
  readonly collections?: protos.CollectionConfigPackageInit | undefined;
  /** Hears that every peer has a new package, before the channel has it. */
  readonly onInstalled?: ((installed: InstalledPackage) => void) | undefined;
  /**
   * Starts a package that is installed and that the peers can start, with the 2.x lifecycle: what does not start is not put in the
   * place of what runs. By default nobody looks.
   */
  readonly launch?: ((chaincode: ChaincodeRef) => Promise<unknown>) | undefined;
};

export interface InstalledPackage {
  /** Of the definition that will name it. */
  readonly version: string;
  /** Size of the package. */
  readonly bytes: number;
  /** `label:hash`, with the 2.x lifecycle. */
  readonly packageId?: string;
}

/** What the channel says about the chaincode afterwards. */
interface Deployed {
  readonly version: string;
  /** With the 2.x lifecycle: what runs, and the number of the definition. */
  readonly package?: { readonly id: string; readonly type: string; readonly sequence: bigint };
}

export type Deployment = Deployed &
  (
    | { readonly did: 'nothing' }
    /** `submission` is the last transaction that it took. */
    | { readonly did: 'instantiated' | 'upgraded' | 'committed'; readonly submission: Submission }
  );

/** @throws {SelvageError} `REFUSED_BY_PEER` for a transaction that is on the ledger and invalid */
export function refuseInvalid({ commit, proposal }: Submission, what: string): void {
  if (commit === undefined || commit.code === protos.TxValidationCode.VALID) return;
  throw new SelvageError('REFUSED_BY_PEER', `the ${what} transaction ${proposal.txId} was invalidated: ${commit.codeName}`, {
    details: { txId: proposal.txId, code: commit.code },
  });
}
