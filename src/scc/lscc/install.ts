import { utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { type ChaincodePackage, parsePackage } from '../../packages/chaincode-package.ts';
import { metadataOf } from '../../packages/index-metadata.ts';
import { checkChaincodeName, checkChaincodeVersion } from '../../packages/names.ts';
import { validateInstalledSpec } from '../../packages/platforms/package-rules.ts';
import type { ChannelAccess } from '../access.ts';
import { refused, retold } from '../reply.ts';
import type { Asked, LsccParts } from './parts.ts';

/**
 * Stores a package on this peer and builds it; answers `OK`. What could never run is refused before anything is written.
 * @see executeInstall in hyperledger/fabric v1.1 and v2.5, core/scc/lscc/lscc.go
 */
export async function install(
  { args, call: { proposal }, words }: Asked,
  {
    access,
    packages,
    build,
    isSystem,
    signal,
  }: Pick<LsccParts, 'packages' | 'build' | 'isSystem'> & Cancellable & { readonly access: ChannelAccess },
): Promise<Uint8Array> {
  const bytes = args[1];
  if (bytes === undefined) throw words.wrongCount(args);
  await access.local('lscc/Install', proposal.signedProposal, words.deniedInstall);
  const parsed = packageOf(bytes, words);
  checkChaincodeName(parsed.name, words.names);
  checkChaincodeVersion(parsed.name, parsed.version, words.names);
  if (isSystem(parsed.name)) throw refused(`cannot install: ${parsed.name} is the name of a system chaincode`);
  await retold(
    (cause) => `invalid state database artifact: ${cause}`,
    () => metadataOf(parsed, { signal }),
  );
  await validateInstalledSpec(parsed.deploymentSpec, { signal });
  await packages.install(parsed, { texts: words.names });
  await build?.(parsed, { signal });
  return utf8('OK');
}

function packageOf(bytes: Uint8Array, { dialect }: Asked['words']): ChaincodePackage {
  try {
    return parsePackage(bytes);
  } catch (thrown) {
    if (dialect === '1.1') throw thrown;
    throw refused('could not unmarshal chaincode package to CDS or SignedCDS', thrown);
  }
}
