import type { lifecycle } from '../../protos/messages.ts';
import type { DefinitionSpec } from '../lifecycle-calls.ts';
import { differences, type WholeDefinition } from './definition-differences.ts';

/** A chaincode as it should be on a channel. */
export interface WantedChaincode extends Omit<WholeDefinition, 'version'> {
  readonly channelId: string;
  readonly name: string;
  /** Worked out from the sequence where it is left out. */
  readonly version: string | undefined;
  readonly packageId: string;
}

/** What one of the organisations has approved for the definition in force. */
export interface InForce {
  readonly mspId: string;
  /** Undefined where it approved none, or none with a package of its own. */
  readonly packageId: string | undefined;
}

export interface NextDefinition {
  readonly definition: DefinitionSpec & WholeDefinition;
  /** The definition in force; undefined when there is none. */
  readonly present: WholeDefinition | undefined;
  /** Whether the channel has this definition already. */
  readonly inForce: boolean;
  /** Why there has to be another one than that in force, as phrases for people. */
  readonly reasons: readonly string[];
}

/**
 * The definition that puts a chaincode on its channel as it is wanted: the one in force where that is the same and nobody runs another
 * package for it, else the one after it. Everybody who deploys the same works out the same, so that their approvals meet.
 *
 * @param committed undefined when the channel has none of that name
 */
export function nextDefinition(
  wanted: WantedChaincode,
  committed: lifecycle.QueryChaincodeDefinitionResult | undefined,
  approved: readonly InForce[],
): NextDefinition {
  if (committed === undefined)
    return { definition: definitionOf(wanted, 1n), present: undefined, inForce: false, reasons: ['it is new on the channel'] };
  const { sequence } = committed;
  const same = definitionOf({ ...wanted, version: wanted.version ?? committed.version }, sequence);
  const reasons = [...differences(committed, same), ...otherPackages(wanted, approved)];
  if (reasons.length === 0) return { definition: same, present: committed, inForce: true, reasons };
  return { definition: definitionOf(wanted, sequence + 1n), present: committed, inForce: false, reasons };
}

function otherPackages({ packageId }: WantedChaincode, approved: readonly InForce[]): readonly string[] {
  const others = approved.filter((each) => each.packageId !== undefined && each.packageId !== packageId);
  return others.length === 0
    ? []
    : [`${others.map(({ mspId }) => mspId).join(', ')} ${others.length === 1 ? 'runs' : 'run'} another package`];
}

const definitionOf = ({ packageId: _, version, ...wanted }: WantedChaincode, sequence: bigint): DefinitionSpec & WholeDefinition => ({
  ...wanted,
  version: version ?? `${sequence}.0`,
  sequence,
});
