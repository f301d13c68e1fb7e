import { ccprovider, protos } from '../../protos/messages.ts';
import { type Checked, failed, parsed, passed } from '../validation/outcome.ts';
import type { NamespaceDefinition } from './definition.ts';
import { signaturePolicy } from './endorsement-policy.ts';
import type { ValidationState } from './validation-state.ts';

const { INVALID_OTHER_REASON } = protos.TxValidationCode;

/** The legacy definition of a chaincode as it stands in `lscc` state, or undefined. @throws {SelvageError} `MALFORMED` */
export async function chaincodeData(state: ValidationState, chaincode: string): Promise<ccprovider.ChaincodeData | undefined> {
  const found = await state.get('lscc', chaincode);
  return found === undefined ? undefined : ccprovider.ChaincodeData.decode(found.value);
}

/**
 * The definition of an application chaincode by the rules up to 1.4.
 * @see getCDataForCC in hyperledger/fabric v2.5, core/committer/txvalidator/v14/vscc_validator.go
 */
export async function lsccDefinition(state: ValidationState, chaincode: string): Promise<Checked<NamespaceDefinition>> {
  const details = { chaincode };
  const found = await state.get('lscc', chaincode);
  if (found === undefined) return failed(INVALID_OTHER_REASON, `lscc's state for [${chaincode}] not found.`, details);
  const data = parsed(INVALID_OTHER_REASON, () => ccprovider.ChaincodeData.decode(found.value));
  if (!data.ok) return data;
  if (data.value.vscc === '') return failed(INVALID_OTHER_REASON, invalidText(chaincode, 'vscc'), details);
  if (data.value.policy.length === 0) return failed(INVALID_OTHER_REASON, invalidText(chaincode, 'policy'), details);
  return passed(definitionOf(chaincode, data.value));
}

/** The definition that a legacy entry makes, whichever validator uses it. Its collections have no policies of their own. */
export const definitionOf = (namespace: string, { version, vscc, policy }: ccprovider.ChaincodeData): NamespaceDefinition => ({
  namespace,
  version,
  plugin: vscc,
  policy: signaturePolicy(policy),
  collectionPolicy: () => passed(undefined),
});

const invalidText = (chaincode: string, field: string): string => `lscc's state for [${chaincode}] is invalid, ${field} field must be set`;
