/** Answers of `_lifecycle` in the words of the stock command line. */
import type { DefinitionName, DefinitionSpec } from '../../client/lifecycle-calls.ts';
import { compareUtf8 } from '../../common/bytes.ts';
import type { lifecycle } from '../../protos/messages.ts';

/** Who approved; `mismatches` of peers that tell, with where to look. */
export const readinessLines = (
  { name, version, sequence, channelId }: DefinitionSpec,
  { approvals, mismatches }: lifecycle.CheckCommitReadinessResult,
): readonly string[] => [
  `Chaincode definition for chaincode '${name}', version '${version}', sequence '${sequence}' on channel '${channelId}' approval status by org:`,
  ...sorted(approvals).map(([org, approved]) => {
    const items = mismatches.get(org)?.items.join(', ');
    return `${org}: ${approved}${items === undefined ? '' : ` (mismatch: [${items}])`}`;
  }),
];

/** Where to look, by what the peer says that differs. */
const HINTS: Readonly<Record<string, string>> = {
  ChaincodeParameters: 'Check the Sequence, ChaincodeName',
  EndorsementInfo: 'Check the Version, InitRequired, EndorsementPlugin',
  ValidationInfo: 'Check the ValidationParameter, ValidationPlugin',
  Collections: 'Check the Collections',
};

/** What `--inspect` shows: only peers of Fabric 3.x tell it. */
export const inspected = ({ approvals, mismatches }: lifecycle.CheckCommitReadinessResult): lifecycle.CheckCommitReadinessResult => ({
  approvals,
  mismatches: new Map([...mismatches].map(([org, { items }]) => [org, { items: items.map(withHint) }])),
});

const withHint = (item: string): string => (HINTS[item] === undefined ? item : `${item} (${HINTS[item]})`);

export const approvedLines = (
  { channelId, name }: DefinitionName,
  approved: lifecycle.QueryApprovedChaincodeDefinitionResult,
): readonly string[] => [
  `Approved chaincode definition for chaincode '${name}' on channel '${channelId}':`,
  `sequence: ${approved.sequence}, version: ${approved.version}, init-required: ${approved.initRequired}, package-id: ${approved.source?.localPackage?.packageId ?? ''}, endorsement plugin: ${approved.endorsementPlugin}, validation plugin: ${approved.validationPlugin}`,
];

export const committedLines = (
  { channelId, name }: DefinitionName,
  committed: lifecycle.QueryChaincodeDefinitionResult,
): readonly string[] => [
  `Committed chaincode definition for chaincode '${name}' on channel '${channelId}':`,
  `${described(committed)}, Approvals: [${sorted(committed.approvals)
    .map(([org, approved]) => `${org}: ${approved}`)
    .join(', ')}]`,
];

export const allCommittedLines = (
  channelId: string,
  { chaincodeDefinitions }: lifecycle.QueryChaincodeDefinitionsResult,
): readonly string[] => [
  `Committed chaincode definitions on channel '${channelId}':`,
  ...chaincodeDefinitions.map((each) => `Name: ${each.name}, ${described(each)}`),
];

type Described = Pick<lifecycle.QueryChaincodeDefinitionResult, 'version' | 'sequence' | 'endorsementPlugin' | 'validationPlugin'>;

const described = ({ version, sequence, endorsementPlugin, validationPlugin }: Described): string =>
  `Version: ${version}, Sequence: ${sequence}, Endorsement Plugin: ${endorsementPlugin}, Validation Plugin: ${validationPlugin}`;

const sorted = <T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] => [...map].sort(([a], [b]) => compareUtf8(a, b));
