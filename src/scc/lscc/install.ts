import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import { utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { parsePackage } from '../../packages/chaincode-package.ts';
import { metadataOf } from '../../packages/index-metadata.ts';
import { checkChaincodeName, checkChaincodeVersion } from '../../packages/names.ts';
import { validateInstalledSpec } from '../../packages/platforms/package-rules.ts';
import type { ChannelAccess } from '../access.ts';
import { refused, retold } from '../reply.ts';
import { wrongCount } from './arguments.ts';
import type { LsccParts } from './parts.ts';

/**
 * Stores a package on this peer; answers `OK`. What could never run is refused before anything is written.
 * @see executeInstall in hyperledger/fabric v1.1, core/scc/lscc/lscc.go
 */
export async function install(
  args: readonly Uint8Array[],
  { proposal }: ChaincodeCall,
  { access, packages, isSystem, signal }: Pick<LsccParts, 'packages' | 'isSystem'> & Cancellable & { readonly access: ChannelAccess },
): Promise<Uint8Array> {
  const bytes = args[1];
  if (bytes === undefined) throw wrongCount(args);
  await access.local('lscc/Install', proposal.signedProposal, (cause) => `Authorization for INSTALL has been denied (error-${cause})`);
  const parsed = parsePackage(bytes);
  checkChaincodeName(parsed.name, '1.1');
  checkChaincodeVersion(parsed.name, parsed.version, '1.1');
  if (isSystem(parsed.name)) throw refused(`cannot install: ${parsed.name} is the name of a system chaincode`);
  await retold(
    (cause) => `invalid state database artifact: ${cause}`,
    () => metadataOf(parsed, { signal }),
  );
  await validateInstalledSpec(parsed.deploymentSpec, { signal });
  await packages.install(parsed);
  return utf8('OK');
}
