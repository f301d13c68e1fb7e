import { concatBytes } from '../common/bytes.ts';
import type { Clock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import type { IdentityDeserializer, Signer } from '../msp/identity.ts';
import { common, protos } from '../protos/messages.ts';
import { type ChaincodePackage, parsePackage } from './chaincode-package.ts';

export interface DeploymentSpecParts {
  readonly name: string;
  readonly version: string;
  /** Where the sources were; the import path for Go. */
  readonly path: string;
  /** `ChaincodeSpec_Type`, for example `GOLANG`. */
  readonly type: keyof typeof protos.ChaincodeSpec_Type;
  /** tar.gz, empty to name an installed package in `deploy` and `upgrade`. */
  readonly codePackage: Uint8Array;
  /** Arguments of Init, function name first. */
  readonly args?: readonly Uint8Array[];
}

/** `ChaincodeDeploymentSpec` bytes: what `install` takes as a plain package, and `deploy` without code. */
export function buildDeploymentSpec({ name, version, path, type, codePackage, args }: DeploymentSpecParts): Uint8Array {
  const chaincodeSpec = {
    type: protos.ChaincodeSpec_Type[type],
    chaincodeId: { name, version, path },
    input: args === undefined ? undefined : { args },
  };
  return protos.ChaincodeDeploymentSpec.encode({ chaincodeSpec, codePackage });
}

/**
 * Wraps a deployment spec and its instantiation policy (`SignaturePolicyEnvelope` bytes) into an envelope without owners.
 * The bytes of the deployment spec go in as they are.
 * @see createSignedCCDepSpec in hyperledger/fabric v1.1.0, core/common/ccpackage/ccpackage.go
 */
export function buildSignedPackage(
  deploymentSpec: Uint8Array,
  instantiationPolicy: Uint8Array,
  { clock }: { readonly clock: Clock },
): Uint8Array {
  if (instantiationPolicy.length === 0) throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'must provide an instantiation policy');
  const ms = clock.now().getTime();
  const seconds = Math.floor(ms / 1_000);
  const channelHeader = common.ChannelHeader.encode({
    type: common.HeaderType.CHAINCODE_PACKAGE,
    timestamp: { seconds: BigInt(seconds), nanos: (ms - seconds * 1_000) * 1_000_000 },
  });
  const data = protos.SignedChaincodeDeploymentSpec.encode({ chaincodeDeploymentSpec: deploymentSpec, instantiationPolicy });
  return envelope({ channelHeader, signatureHeader: new Uint8Array() }, data);
}

/**
 * The package with one more owner, whose signature covers the deployment spec, the policy and the owner's identity. The header
 * is kept as received.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` for a plain package
 * @see SignExistingPackage in hyperledger/fabric v1.1.0, core/common/ccpackage/ccpackage.go
 */
export async function addOwner(bytes: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const { signed } = parsePackage(bytes);
  if (signed === undefined) throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'invalid type of envelope for chaincode package');
  const { header } = common.Payload.decode(common.Envelope.decode(bytes).payload);
  if (header === undefined) throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'invalid type of envelope for chaincode package');
  const endorser = signer.serialized;
  const signature = await signer.sign(ownedBytes(signed, endorser));
  const ownerEndorsements = [...signed.ownerEndorsements, { endorser, signature }];
  return envelope(header, protos.SignedChaincodeDeploymentSpec.encode({ ...signed, ownerEndorsements }));
}

export interface OwnerVerdict {
  /** MSP of the owner, empty when its identity could not be read. */
  readonly mspId: string;
  readonly endorser: Uint8Array;
  /** Absent when the signature is good and the identity valid, else why not. */
  readonly problem?: string;
}

/** Judges every owner of a package, in order; none for a plain package. Fabric itself never checks them at install. */
export async function verifyOwners({ signed }: ChaincodePackage, identities: IdentityDeserializer): Promise<readonly OwnerVerdict[]> {
  const verdicts: OwnerVerdict[] = [];
  for (const { endorser, signature } of signed?.ownerEndorsements ?? []) {
    if (signed !== undefined) verdicts.push(await verifyOwner(endorser, signature, ownedBytes(signed, endorser), identities));
  }
  return verdicts;
}

async function verifyOwner(
  endorser: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
  identities: IdentityDeserializer,
): Promise<OwnerVerdict> {
  let mspId = '';
  try {
    const identity = identities.deserialize(endorser);
    mspId = identity.mspId;
    identity.validate();
    return (await identity.verify(message, signature))
      ? { mspId, endorser }
      : { mspId, endorser, problem: 'the signature is not the owner’s' };
  } catch (thrown) {
    return { mspId, endorser, problem: SelvageError.from(thrown).message };
  }
}

/** What an owner signs: the parts one after the other. */
const ownedBytes = (signed: protos.SignedChaincodeDeploymentSpec, endorser: Uint8Array): Uint8Array =>
  concatBytes(signed.chaincodeDeploymentSpec, signed.instantiationPolicy, endorser);

const envelope = (header: common.HeaderInit, data: Uint8Array): Uint8Array =>
  common.Envelope.encode({ payload: common.Payload.encode({ header, data }) });
