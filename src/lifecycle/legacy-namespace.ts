import { SelvageError } from '../common/errors.ts';
import { ccprovider } from '../protos/messages.ts';
import { signaturePolicy } from './endorsement-policy.ts';
import { LSCC } from './legacy-definitions.ts';
import { type Found, found, missing, type NamespaceDefinition } from './namespace-definition.ts';
import type { CommittedReads } from './snapshot-records.ts';

/** The legacy definition of a chaincode as it stands in `lscc` state, or undefined. @throws {SelvageError} `MALFORMED` */
export async function chaincodeData(state: CommittedReads, chaincode: string): Promise<ccprovider.ChaincodeData | undefined> {
  const entry = await state.get(LSCC, chaincode);
  return entry === undefined ? undefined : ccprovider.ChaincodeData.decode(entry.value);
}

/**
 * The definition of an application chaincode by the rules up to 1.4.
 * @see getCDataForCC in hyperledger/fabric v2.5, core/committer/txvalidator/v14/vscc_validator.go
 */
export async function legacyNamespace(state: CommittedReads, chaincode: string): Promise<Found<NamespaceDefinition>> {
  const details = { chaincode };
  try {
    const data = await chaincodeData(state, chaincode);
    if (data === undefined) return missing(`lscc's state for [${chaincode}] not found.`, details);
    if (data.vscc === '') return missing(invalidText(chaincode, 'vscc'), details);
    if (data.policy.length === 0) return missing(invalidText(chaincode, 'policy'), details);
    return found(definitionOf(chaincode, data));
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return missing(thrown.message, details);
    throw thrown;
  }
}

/** The definition that a legacy entry makes, whichever validator uses it. Its collections have no policies of their own. */
export const definitionOf = (namespace: string, { version, vscc, policy }: ccprovider.ChaincodeData): NamespaceDefinition => ({
  namespace,
  version,
  plugin: vscc,
  policy: signaturePolicy(policy),
  collectionPolicy: () => found(undefined),
});

const invalidText = (chaincode: string, field: string): string => `lscc's state for [${chaincode}] is invalid, ${field} field must be set`;
