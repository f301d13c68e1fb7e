import { implicitCollection } from '../lifecycle/implicit-collections.ts';
import type { KnownCollection } from '../lifecycle/lifecycle-collections.ts';
import { signedByAnyOf } from '../msp/policies/common-policies.ts';
import { common, type protos } from '../protos/messages.ts';
import type { Dissemination } from './settings.ts';

const NOBODY: Dissemination = { requiredPeerCount: 0, maxPeerCount: 0 };

/**
 * A collection as it is told to other peers; an organisation's own one has the form that Fabric gives it.
 * @param own how the implicit collection of this peer's organisation is given to others; those of others are to nobody
 * @see GenerateImplicitCollectionForOrg in hyperledger/fabric v2.5, core/chaincode/lifecycle/deployedcc_infoprovider.go
 */
export function configOf(
  found: KnownCollection,
  own?: { readonly mspId: string; readonly dissemination: Dissemination },
): protos.StaticCollectionConfigInit {
  if (found.kind === 'defined') return found.config;
  const { requiredPeerCount, maxPeerCount } = own?.mspId === found.mspId ? own.dissemination : NOBODY;
  return {
    name: implicitCollection(found.mspId),
    memberOrgsPolicy: { signaturePolicy: signedByAnyOf([found.mspId], 'MEMBER') },
    requiredPeerCount,
    maximumPeerCount: maxPeerCount,
  };
}

/** `SignaturePolicyEnvelope` bytes: who is a member. */
export const memberPolicyOf = ({ memberOrgsPolicy }: protos.StaticCollectionConfigInit): Uint8Array =>
  common.SignaturePolicyEnvelope.encode(memberOrgsPolicy?.signaturePolicy ?? {});

/** A collection among those of a package. */
export const configIn = (
  collections: protos.CollectionConfigPackageInit | undefined,
  name: string,
): protos.StaticCollectionConfigInit | undefined =>
  collections?.config?.find(({ staticCollectionConfig }) => staticCollectionConfig?.name === name)?.staticCollectionConfig;
