/** The second half of an LSCC deploy or upgrade: running Init of the deployed chaincode in the same simulation. */

import { textOf } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { prefixed } from '../common/prefixed.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import type { FabricDialect } from '../msp/policies/dialect.ts';
import { parseDeploymentSpec } from '../packages/chaincode-package.ts';
import type { protos } from '../protos/messages.ts';
import type { UnpackedProposal } from './proposal.ts';

export interface Deployment {
  readonly chaincode: ChaincodeRef;
  /** What Init gets: the only thing taken from the client, never its code (FAB-10577). */
  readonly input: protos.ChaincodeInput;
}

/** Whether the proposal asks LSCC to deploy or upgrade. Short argument lists are left to LSCC to refuse. */
export const isDeployment = ({ chaincodeId, input }: UnpackedProposal): boolean =>
  chaincodeId.name === 'lscc' && input.args.length >= 3 && ['deploy', 'upgrade'].includes(textOf(input.args[0] ?? new Uint8Array()));

/**
 * What a deploy or upgrade that LSCC accepted is about to run.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`
 * @see callChaincode in hyperledger/fabric v1.1.1, core/endorser/endorser.go
 */
export function readDeployment(
  { input, channelId }: UnpackedProposal,
  isSystem: (name: string) => boolean,
  dialect: FabricDialect,
): Deployment {
  const { chaincodeSpec: spec, codePackage } = decodeSpec(input.args[2] ?? new Uint8Array());
  if (spec?.chaincodeId === undefined) throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'invalid deployment spec : no chaincode id');
  const { name, version } = spec.chaincodeId;
  if (isSystem(name)) throw new SelvageError('CHAINCODE_PACKAGE_INVALID', `attempting to deploy a system chaincode ${name}/${channelId}`);
  if (dialect === '2.x' && codePackage.length > 0)
    throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'error in simulation: lscc upgrade/deploy should not include a code packages');
  const none: protos.ChaincodeInput = { args: [], decorations: new Map(), isInit: false };
  return { chaincode: { name, version, ccid: `${name}:${version}` }, input: spec.input ?? none };
}

function decodeSpec(bytes: Uint8Array): protos.ChaincodeDeploymentSpec {
  try {
    return parseDeploymentSpec(bytes);
  } catch (thrown) {
    throw prefixed('invalid deployment spec : ', thrown);
  }
}
