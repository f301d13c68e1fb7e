import type { OrdererFlags } from '../flags.ts';

/** The flags of `selvage deploy`. */
export interface DeployFlags extends OrdererFlags {
  readonly channelID: string;
  readonly name?: string;
  readonly version?: string;
  readonly lang?: string;
  readonly label?: string;
  readonly endorsementPlugin?: string;
  readonly validationPlugin?: string;
  readonly signaturePolicy?: string;
  readonly channelConfigPolicy?: string;
  /** False: none, also where a file lies beside the sources. */
  readonly collectionsConfig?: string | false;
  readonly initRequired?: boolean;
  readonly ctor?: string;
  readonly org?: readonly string[];
  readonly dryRun?: boolean;
  /** Milliseconds that other organisations have to approve; 0 does not wait. */
  readonly wait: number;
  /** Milliseconds. */
  readonly waitForEventTimeout: number;
}
