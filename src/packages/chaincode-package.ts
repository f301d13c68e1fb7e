import { detach } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { ccprovider, common, protos } from '../protos/messages.ts';
import { plainFingerprint, signedFingerprint } from './fingerprint.ts';

/** A package of the legacy lifecycle, as received and as read. Never encode it again: `bytes` is what was hashed and signed. */
export interface ChaincodePackage {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly version: string;
  readonly spec: protos.ChaincodeSpec;
  readonly deploymentSpec: protos.ChaincodeDeploymentSpec;
  /** The deployment spec's own bytes: `bytes` of a plain package, the signed part of a signed one. */
  readonly deploymentSpecBytes: Uint8Array;
  /** Present in a signed package only. */
  readonly signed: protos.SignedChaincodeDeploymentSpec | undefined;
  /** `ChaincodeData.data`. */
  readonly data: Uint8Array;
  /** `ChaincodeData.id`. */
  readonly id: Uint8Array;
}

/**
 * Reads a `ChaincodeDeploymentSpec`, or an `Envelope` with a `SignedChaincodeDeploymentSpec`. A lenient decoder reads each as
 * the other, so: signed only with header type CHAINCODE_PACKAGE, plain only with a chaincode name. Names are not judged here.
 *
 * @param received copied, so the message it is part of may be reused
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with the text of Fabric's second attempt, which is the signed form
 * @see GetCCPackage in hyperledger/fabric v1.1.0, core/common/ccprovider/ccprovider.go
 */
export function parsePackage(received: Uint8Array): ChaincodePackage {
  const bytes = detach(received);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) throw lifecyclePackage();
  const envelope = attempt(() => common.Envelope.decode(bytes));
  const payload = envelope && attempt(() => common.Payload.decode(envelope.payload));
  const header = payload?.header && attempt(() => common.ChannelHeader.decode(payload.header?.channelHeader ?? new Uint8Array()));
  if (payload !== undefined && header?.type === common.HeaderType.CHAINCODE_PACKAGE) return signedPackage(bytes, payload.data);
  const deploymentSpec = attempt(() => protos.ChaincodeDeploymentSpec.decode(bytes));
  if (deploymentSpec?.chaincodeSpec?.chaincodeId?.name) return plainPackage(bytes, deploymentSpec);
  throw invalid(envelope === undefined ? 'failed to unmarshal envelope from bytes' : 'invalid type of envelope for chaincode package');
}

/**
 * A deployment spec sent on its own, as `deploy` and `upgrade` get it. The code package may be empty.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`; the text is the cause, without `invalid deployment spec`
 */
export function parseDeploymentSpec(bytes: Uint8Array): protos.ChaincodeDeploymentSpec {
  const deploymentSpec = decodeDeploymentSpec(bytes);
  specOf(deploymentSpec);
  return deploymentSpec;
}

/** The entry that LSCC writes for this package; plugin names and policies are the caller's. */
export function chaincodeDataOf(
  { name, version, data, id, signed }: ChaincodePackage,
  parts: Pick<ccprovider.ChaincodeDataInit, 'escc' | 'vscc' | 'policy' | 'instantiationPolicy'>,
): Uint8Array {
  const instantiationPolicy = signed?.instantiationPolicy ?? parts.instantiationPolicy;
  return ccprovider.ChaincodeData.encode({ ...parts, name, version, data, id, instantiationPolicy });
}

function plainPackage(bytes: Uint8Array, deploymentSpec: protos.ChaincodeDeploymentSpec): ChaincodePackage {
  const spec = specOf(deploymentSpec);
  const { data, id } = plainFingerprint(deploymentSpec);
  return { bytes, ...spec, deploymentSpec, deploymentSpecBytes: bytes, signed: undefined, data, id };
}

function signedPackage(bytes: Uint8Array, payload: Uint8Array): ChaincodePackage {
  const signed = attempt(() => protos.SignedChaincodeDeploymentSpec.decode(payload));
  if (signed === undefined) throw invalid('error getting signed deployment spec');
  const deploymentSpec = decodeDeploymentSpec(signed.chaincodeDeploymentSpec);
  const spec = specOf(deploymentSpec);
  if (signed.instantiationPolicy.length === 0)
    throw invalid(`instantiation policy cannot be nil for chaincode (${spec.name}:${spec.version})`);
  const { data, id } = signedFingerprint(signed, deploymentSpec);
  return { bytes, ...spec, deploymentSpec, deploymentSpecBytes: signed.chaincodeDeploymentSpec, signed, data, id };
}

function decodeDeploymentSpec(bytes: Uint8Array): protos.ChaincodeDeploymentSpec {
  try {
    return protos.ChaincodeDeploymentSpec.decode(bytes);
  } catch (cause) {
    throw invalid('error getting deployment spec', cause);
  }
}

/** A spec without id crashed Fabric before 1.4.0. */
function specOf({ chaincodeSpec: spec }: protos.ChaincodeDeploymentSpec): Pick<ChaincodePackage, 'name' | 'version' | 'spec'> {
  if (spec?.chaincodeId === undefined) throw invalid('invalid deployment spec: the chaincode id is missing');
  return { name: spec.chaincodeId.name, version: spec.chaincodeId.version, spec };
}

function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined; // the other form may fit; if none does, the caller says so
  }
}

const lifecyclePackage = (): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', 'failed to unmarshal envelope from bytes', {
    advice: 'This is a package of the newer lifecycle (a tar.gz); install it through _lifecycle.',
  });

const invalid = (message: string, cause?: unknown): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message, { cause });
