import type { OrdererFlags } from '../flags.ts';
import type { TargetFlags } from '../targets.ts';

export interface OutputFlags {
  readonly output?: string;
}

export interface PackageFlags {
  readonly path?: string;
  readonly lang?: string;
  readonly label?: string;
}

export interface InstalledFlags extends TargetFlags, OutputFlags {}

export interface GetPackageFlags extends TargetFlags {
  readonly packageId?: string;
  readonly outputDirectory?: string;
}

/** What makes up a definition. */
export interface DefinitionFlags {
  readonly channelID: string;
  readonly name: string;
  readonly version: string;
  readonly sequence?: bigint;
  readonly endorsementPlugin?: string;
  readonly validationPlugin?: string;
  readonly signaturePolicy?: string;
  readonly channelConfigPolicy?: string;
  readonly initRequired?: boolean;
  readonly collectionsConfig?: string;
}

export interface CommitFlags extends DefinitionFlags, TargetFlags, OrdererFlags {
  readonly waitForEvent: boolean;
  /** Milliseconds. */
  readonly waitForEventTimeout: number;
}

export interface ApproveFlags extends CommitFlags {
  readonly packageId?: string;
}

export interface ReadinessFlags extends DefinitionFlags, TargetFlags, OutputFlags {
  readonly inspect?: boolean;
}

export interface CommittedFlags extends TargetFlags, OutputFlags {
  readonly channelID: string;
  readonly name: string;
}

export interface ApprovedFlags extends CommittedFlags {
  readonly sequence?: bigint;
}
