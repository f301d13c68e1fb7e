import { sha256, utf8 } from '../common/bytes.ts';
import { ccprovider, type protos } from '../protos/messages.ts';

/** What tells one installed package from another of the same name and version. */
export interface Fingerprint {
  /** `CDSData` or `SignedCDSData` bytes, kept in `ChaincodeData.data`. */
  readonly data: Uint8Array;
  /** 32 bytes, kept in `ChaincodeData.id` and listed by `getinstalledchaincodes`. */
  readonly id: Uint8Array;
}

/**
 * Of a plain package: covers the code, the name and the version, but neither path, type nor input.
 * @see core/common/ccprovider/cdspackage.go in hyperledger/fabric v1.1.0
 */
export function plainFingerprint(spec: protos.ChaincodeDeploymentSpec): Fingerprint {
  const hash = sha256(spec.codePackage);
  const metadatahash = metadataHash(spec);
  return { data: ccprovider.CDSData.encode({ hash, metadatahash }), id: sha256(hash, metadatahash) };
}

/**
 * Of a signed package: also covers the instantiation policy and who its owners are, but not their signatures.
 * @see core/common/ccprovider/sigcdspackage.go in hyperledger/fabric v1.1.0
 */
export function signedFingerprint(signed: protos.SignedChaincodeDeploymentSpec, spec: protos.ChaincodeDeploymentSpec): Fingerprint {
  const hash = sha256(spec.codePackage);
  const metadatahash = metadataHash(spec);
  const signaturehash = sha256(signed.instantiationPolicy, ...signed.ownerEndorsements.map(({ endorser }) => endorser));
  return { data: ccprovider.SignedCDSData.encode({ hash, metadatahash, signaturehash }), id: sha256(hash, metadatahash, signaturehash) };
}

const metadataHash = ({ chaincodeSpec }: protos.ChaincodeDeploymentSpec): Uint8Array =>
  sha256(utf8(chaincodeSpec?.chaincodeId?.name ?? ''), utf8(chaincodeSpec?.chaincodeId?.version ?? ''));
