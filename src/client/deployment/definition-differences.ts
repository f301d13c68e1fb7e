import { equalBytes } from '../../common/bytes.ts';
import { protos } from '../../protos/messages.ts';

/** What of a definition can differ from another of the same chaincode, with nothing left to defaults. */
export interface WholeDefinition {
  readonly version: string;
  readonly endorsementPlugin: string;
  readonly validationPlugin: string;
  /** `ApplicationPolicy` bytes. */
  readonly validationParameter: Uint8Array;
  readonly collections: protos.CollectionConfigPackageInit | undefined;
  readonly initRequired: boolean;
}

/** The policy that counts where a definition names none. @see defaults in hyperledger/fabric v2.5, core/chaincode/lifecycle/scc.go */
export const CHANNEL_POLICY: Uint8Array = protos.ApplicationPolicy.encode({
  channelConfigPolicyReference: '/Channel/Application/Endorsement',
});

/** What `wanted` changes of what there is, as phrases for people; empty when both are the same. */
export function differences(present: WholeDefinition, wanted: WholeDefinition): readonly string[] {
  return [
    ...changed('version', present.version, wanted.version),
    ...changed('endorsement plugin', present.endorsementPlugin, wanted.endorsementPlugin),
    ...changed('validation plugin', present.validationPlugin, wanted.validationPlugin),
    ...(equalBytes(present.validationParameter, wanted.validationParameter) ? [] : ['endorsement policy']),
    ...changedCollections(present.collections, wanted.collections),
    ...(present.initRequired === wanted.initRequired ? [] : [wanted.initRequired ? 'Init becomes required' : 'Init is no longer required']),
  ];
}

const changed = (what: string, from: string, to: string): readonly string[] => (from === to ? [] : [`${what} ${from} -> ${to}`]);

/** None and an empty list are the same. */
function changedCollections(
  present: protos.CollectionConfigPackageInit | undefined,
  wanted: protos.CollectionConfigPackageInit | undefined,
): readonly string[] {
  if (equalBytes(collectionBytes(present), collectionBytes(wanted))) return [];
  const [before, after] = [byName(present), byName(wanted)];
  const phrases = [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [old, new_] = [before.get(name), after.get(name)];
    if (old === undefined) return [`new collection ${name}`];
    if (new_ === undefined) return [`collection ${name} left out`];
    return equalBytes(old, new_) ? [] : [`collection ${name}`];
  });
  return phrases.length > 0 ? phrases : ['order of the collections'];
}

const collectionBytes = (collections: protos.CollectionConfigPackageInit | undefined): Uint8Array =>
  protos.CollectionConfigPackage.encode(collections ?? {});

const byName = ({ config = [] }: protos.CollectionConfigPackageInit = {}): ReadonlyMap<string, Uint8Array> =>
  new Map(config.map((each) => [each.staticCollectionConfig?.name ?? '', protos.CollectionConfig.encode(each)]));
