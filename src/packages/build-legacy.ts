import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { prefixed } from '../common/prefixed.ts';
import type { ChaincodePackage } from './chaincode-package.ts';
import type { PackageBuilder } from './launch-spec.ts';
import type { ChaincodeOutput } from './output.ts';
import { platformNameOf } from './platforms/package-rules.ts';
import { withAdvice } from './with-advice.ts';

export interface LegacyBuildParts {
  readonly builder: PackageBuilder;
  /** Keeps what builds print. */
  readonly output?: ChaincodeOutput | undefined;
  readonly log?: Logger | undefined;
}

/**
 * Builds a package that the legacy lifecycle has installed, so that the first who needs it finds it built. It stays installed when that
 * fails, as in Fabric, and is built again by whoever needs it.
 * @throws {SelvageError} `CHAINCODE_BUILD_FAILED` with Fabric's text; the signal's reason
 * @see executeInstall in hyperledger/fabric v2.5, core/scc/lscc/lscc.go
 */
export async function buildLegacy(
  { name, version, spec, deploymentSpec }: ChaincodePackage,
  { builder, output, log = silent }: LegacyBuildParts,
  { signal }: Cancellable,
): Promise<void> {
  const ccid = `${name}:${version}`;
  await using sink = await output?.open(ccid);
  const code = { platform: platformNameOf(spec.type), codePackage: deploymentSpec.codePackage, path: spec.chaincodeId?.path ?? '' };
  try {
    await builder.build({ ccid, name, version, ...code, output: sink?.line }, { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const failure = SelvageError.from(thrown);
    const { code: kind, message, details, advice } = failure;
    log.warn('chaincode build failed', { code: kind, reason: message.split('\n')[0], ...(advice !== undefined && { advice }), ...details });
    throw withAdvice(prefixed('chaincode installed to peer but could not build chaincode: ', failure));
  }
}
