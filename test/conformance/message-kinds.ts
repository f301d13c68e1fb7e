/** Which messages Fabric puts into the bytes fields of which others. */
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { textOf } from '../../src/common/bytes.ts';
import * as messages from '../../src/protos/messages.ts';
import {
  ccprovider,
  common,
  discovery,
  gateway,
  kvrwset,
  lifecycle,
  msp,
  orderer,
  protos,
  queryresult,
  rwset,
} from '../../src/protos/messages.ts';
import type { Codec } from '../../src/protos/wire.ts';

/** Bytes inside a message that are a message themselves. */
export interface Part {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
}

/** A message read, and what is in it. */
export interface Read {
  readonly again: Uint8Array;
  readonly parts: readonly Part[];
}

export interface Kind {
  readonly typeName: string;
  /** @throws {SelvageError} `MALFORMED` */
  read(bytes: Uint8Array): Read;
}

type Parts<T> = (message: T) => readonly (Part | undefined)[];

/** Empty bytes are an absent message. */
const part = (kind: Kind, bytes: Uint8Array | undefined): Part | undefined =>
  bytes === undefined || bytes.length === 0 ? undefined : { kind, bytes };

function kind<Init, T extends Init>(codec: Codec<T, Init>, parts: Parts<T> = () => []): Kind {
  return {
    typeName: codec.typeName,
    read(bytes) {
      const message = codec.decode(bytes);
      return { again: codec.encode(message), parts: parts(message).filter((each) => each !== undefined) };
    },
  };
}

const identity = kind(msp.SerializedIdentity);
const signatureHeader = kind(common.SignatureHeader, ({ creator }) => [part(identity, creator)]);
const headerExtension = kind(protos.ChaincodeHeaderExtension);
const channelHeader = kind(common.ChannelHeader, ({ type, extension }) => [
  EXTENDED.has(type) ? part(headerExtension, extension) : undefined,
]);
const EXTENDED: ReadonlySet<number> = new Set([common.HeaderType.ENDORSER_TRANSACTION, common.HeaderType.CHAINCODE_PACKAGE]);

const headers = (header: common.Header | undefined): readonly (Part | undefined)[] => [
  part(channelHeader, header?.channelHeader),
  part(signatureHeader, header?.signatureHeader),
];
const header = kind(common.Header, headers);

const principals: readonly Kind[] = [
  kind(common.MSPRole),
  kind(common.OrganizationUnit),
  identity,
  kind(common.MSPIdentityAnonymity),
  kind(common.CombinedPrincipal),
];
const principalIn = ({ principalClassification, principal }: common.MSPPrincipal): Part | undefined => {
  const known = principals[principalClassification];
  return known && part(known, principal);
};
const signaturePolicy = kind(common.SignaturePolicyEnvelope, ({ identities }) => identities.map(principalIn));
const policyPrincipals = (policy: common.SignaturePolicyEnvelope | undefined): readonly (Part | undefined)[] =>
  (policy?.identities ?? []).map(principalIn);
const applicationPolicy = kind(protos.ApplicationPolicy, ({ signaturePolicy: policy }) => policyPrincipals(policy));
const implicitMeta = kind(common.ImplicitMetaPolicy);
const policyIn = (policy: common.Policy | undefined): Part | undefined => {
  if (policy?.type === common.Policy_PolicyType.SIGNATURE) return part(signaturePolicy, policy.value);
  return policy?.type === common.Policy_PolicyType.IMPLICIT_META ? part(implicitMeta, policy.value) : undefined;
};

const collections = kind(protos.CollectionConfigPackage, ({ config }) =>
  config.flatMap(({ staticCollectionConfig }) => [
    ...policyPrincipals(staticCollectionConfig?.memberOrgsPolicy?.signaturePolicy),
    ...policyPrincipals(staticCollectionConfig?.endorsementPolicy?.signaturePolicy),
  ]),
);

const fabricMsp = kind(msp.FabricMSPConfig);
const mspConfig = kind(msp.MSPConfig, ({ type, config }) => [type === 0 ? part(fabricMsp, config) : undefined]);

/** Values of a configuration, by key. */
const CONFIG_VALUES: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['MSP', mspConfig],
  ['AnchorPeers', kind(protos.AnchorPeers)],
  ['ACLs', kind(protos.ACLs)],
  ['Capabilities', kind(common.Capabilities)],
  ['Consortium', kind(common.Consortium)],
  ['HashingAlgorithm', kind(common.HashingAlgorithm)],
  ['BlockDataHashingStructure', kind(common.BlockDataHashingStructure)],
  ['OrdererAddresses', kind(common.OrdererAddresses)],
  ['Endpoints', kind(common.OrdererAddresses)],
  ['ConsensusType', kind(orderer.ConsensusType)],
  ['BatchSize', kind(orderer.BatchSize)],
  ['BatchTimeout', kind(orderer.BatchTimeout)],
  ['ChannelRestrictions', kind(orderer.ChannelRestrictions)],
  ['KafkaBrokers', kind(orderer.KafkaBrokers)],
]);

function* inGroup(group: common.ConfigGroup | undefined): Generator<Part | undefined> {
  if (group === undefined) return;
  for (const [key, { value }] of group.values) {
    const known = CONFIG_VALUES.get(key);
    yield known && part(known, value);
  }
  for (const { policy } of group.policies.values()) yield policyIn(policy);
  for (const each of group.groups.values()) yield* inGroup(each);
}

const config = kind(common.Config, ({ channelGroup }) => [...inGroup(channelGroup)]);
const configUpdate = kind(common.ConfigUpdate, ({ readSet, writeSet }) => [...inGroup(readSet), ...inGroup(writeSet)]);
const updateEnvelope = kind(common.ConfigUpdateEnvelope, ({ configUpdate: update, signatures }) => [
  part(configUpdate, update),
  ...signatures.map((each) => part(signatureHeader, each.signatureHeader)),
]);
const configEnvelope = kind(common.ConfigEnvelope, ({ config: current, lastUpdate }) => [
  ...inGroup(current?.channelGroup),
  ...inEnvelope(lastUpdate),
]);

/** What a value of the state is, where its namespace holds messages. */
export function stateKind(namespace: string, key: string): Kind | undefined {
  if (namespace === 'lscc') return key.includes('~') ? collections : chaincodeData;
  if (namespace !== '_lifecycle') return undefined;
  if (key.startsWith('namespaces/metadata/')) return kind(lifecycle.StateMetadata);
  if (key.startsWith('namespaces/fields/') || key.startsWith('chaincode-sources/fields/')) return stateData(key);
  return undefined;
}

const FIELDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['EndorsementInfo', kind(lifecycle.ChaincodeEndorsementInfo)],
  ['ValidationInfo', kind(lifecycle.ChaincodeValidationInfo, ({ validationParameter }) => [part(applicationPolicy, validationParameter)])],
  ['Collections', collections],
]);

const stateData = (key: string): Kind => {
  const field = FIELDS.get(key.slice(key.lastIndexOf('/') + 1));
  return kind(lifecycle.StateData, ({ bytes }) => [field && part(field, bytes)]);
};

/** Metadata of a key, as the state keeps them. */
export const stateMetadata = kind(kvrwset.KVMetadataWrite, ({ entries }) => entries.map(({ value }) => part(signaturePolicy, value)));

const fingerprint = kind(ccprovider.CDSData);
const chaincodeData = kind(ccprovider.ChaincodeData, ({ policy, instantiationPolicy, data }) => [
  part(signaturePolicy, policy),
  part(signaturePolicy, instantiationPolicy),
  part(fingerprint, data),
]);

const kvRwset = (namespace: string): Kind =>
  kind(kvrwset.KVRWSet, ({ writes, metadataWrites }) => [
    ...writes.map(({ key, value }) => {
      const known = stateKind(namespace, key);
      return known && part(known, value);
    }),
    ...metadataWrites.flatMap(({ entries }) => entries.map(({ value }) => part(signaturePolicy, value))),
  ]);
const hashedRwset = kind(kvrwset.HashedRWSet);
const readWriteSet = kind(rwset.TxReadWriteSet, ({ nsRwset }) =>
  nsRwset.flatMap(({ namespace, rwset: bytes, collectionHashedRwset }) => [
    part(kvRwset(namespace), bytes),
    ...collectionHashedRwset.map((each) => part(hashedRwset, each.hashedRwset)),
  ]),
);

const deploymentSpec: Kind = kind(protos.ChaincodeDeploymentSpec);
const signedDeploymentSpec = kind(
  protos.SignedChaincodeDeploymentSpec,
  ({ chaincodeDeploymentSpec, instantiationPolicy, ownerEndorsements }) => [
    part(deploymentSpec, chaincodeDeploymentSpec),
    part(signaturePolicy, instantiationPolicy),
    ...ownerEndorsements.map(({ endorser }) => part(identity, endorser)),
  ],
);

/** Arguments of system chaincodes that are messages, by `chaincode function` and position. */
const ARGUMENTS: ReadonlyMap<string, readonly (readonly [number, () => Kind])[]> = new Map<
  string,
  readonly (readonly [number, () => Kind])[]
>([
  [
    'lscc deploy',
    [
      [2, () => deploymentSpec],
      [3, () => signaturePolicy],
      [6, () => collections],
    ],
  ],
  [
    'lscc upgrade',
    [
      [2, () => deploymentSpec],
      [3, () => signaturePolicy],
      [6, () => collections],
    ],
  ],
  ['cscc JoinChain', [[1, () => block]]],
  ...[
    'InstallChaincode',
    'QueryInstalledChaincode',
    'GetInstalledChaincodePackage',
    'ApproveChaincodeDefinitionForMyOrg',
    'CommitChaincodeDefinition',
    'CheckCommitReadiness',
    'QueryApprovedChaincodeDefinition',
    'QueryChaincodeDefinition',
  ].map((name) => [`_lifecycle ${name}`, [[1, () => lifecycleArgs(name)]]] as const),
]);

const lifecycleArgs = (name: string): Kind => kindNamed(`lifecycle.${name}Args`) ?? kind(lifecycle.QueryInstalledChaincodesArgs);

/** What system chaincodes answer, by `chaincode function`. */
const ANSWERS: ReadonlyMap<string, () => Kind> = new Map<string, () => Kind>([
  ['qscc GetChainInfo', () => kind(common.BlockchainInfo)],
  ['qscc GetBlockByNumber', () => block],
  ['qscc GetBlockByHash', () => block],
  ['qscc GetBlockByTxID', () => block],
  ['qscc GetTransactionByID', () => kind(protos.ProcessedTransaction, ({ transactionEnvelope }) => inEnvelope(transactionEnvelope))],
  ['cscc GetChannels', () => kind(protos.ChannelQueryResponse)],
  ['cscc GetConfigBlock', () => block],
  ['cscc GetConfigTree', () => kind(protos.ConfigTree, ({ channelConfig }) => [...inGroup(channelConfig?.channelGroup)])],
  ['cscc GetChannelConfig', () => config],
  ['lscc deploy', () => chaincodeData],
  ['lscc upgrade', () => chaincodeData],
  ['lscc getdepspec', () => deploymentSpec],
  ['lscc getccdata', () => chaincodeData],
  ['lscc getchaincodes', () => kind(protos.ChaincodeQueryResponse)],
  ['lscc getinstalledchaincodes', () => kind(protos.ChaincodeQueryResponse)],
]);

/** The answer of a call to a system chaincode; `target` is `chaincode function`. */
export function answerKind(target: string): Kind | undefined {
  const [chaincode = '', fn = ''] = target.split(' ');
  return chaincode === '_lifecycle' ? kindNamed(`lifecycle.${fn}Result`) : ANSWERS.get(target)?.();
}

const argumentsIn = (spec: protos.ChaincodeSpec | undefined): readonly (Part | undefined)[] => {
  const args = spec?.input?.args ?? [];
  const known = ARGUMENTS.get(`${spec?.chaincodeId?.name ?? ''} ${textOf(args[0] ?? new Uint8Array())}`) ?? [];
  return known.map(([position, of]) => part(of(), args[position]));
};

const invocation = kind(protos.ChaincodeInvocationSpec, ({ chaincodeSpec }) => argumentsIn(chaincodeSpec));
const proposalPayload = kind(protos.ChaincodeProposalPayload, ({ input }) => [part(invocation, input)]);
const proposal = kind(protos.Proposal, ({ header: bytes, payload }) => [part(header, bytes), part(proposalPayload, payload)]);
const inSignedProposal = (signed: protos.SignedProposal | undefined): readonly (Part | undefined)[] => [
  part(proposal, signed?.proposalBytes),
];

const chaincodeEvent = kind(protos.ChaincodeEvent);
const chaincodeAction = kind(protos.ChaincodeAction, ({ results, events }) => [part(readWriteSet, results), part(chaincodeEvent, events)]);
const responsePayload = kind(protos.ProposalResponsePayload, ({ extension }) => [part(chaincodeAction, extension)]);
const inResponse = ({ payload, endorsement }: protos.ProposalResponse): readonly (Part | undefined)[] => [
  part(responsePayload, payload),
  part(identity, endorsement?.endorser),
];

const actionPayload = kind(protos.ChaincodeActionPayload, ({ chaincodeProposalPayload, action }) => [
  part(proposalPayload, chaincodeProposalPayload),
  part(responsePayload, action?.proposalResponsePayload),
  ...(action?.endorsements ?? []).map(({ endorser }) => part(identity, endorser)),
]);
const transaction = kind(protos.Transaction, ({ actions }) =>
  actions.flatMap((action) => [part(signatureHeader, action.header), part(actionPayload, action.payload)]),
);

/** What a payload holds, by the type in its header. */
const DATA: ReadonlyMap<number, () => Kind> = new Map<number, () => Kind>([
  [common.HeaderType.CONFIG, () => configEnvelope],
  [common.HeaderType.CONFIG_UPDATE, () => updateEnvelope],
  [common.HeaderType.ENDORSER_TRANSACTION, () => transaction],
  [common.HeaderType.DELIVER_SEEK_INFO, () => kind(orderer.SeekInfo)],
  [common.HeaderType.CHAINCODE_PACKAGE, () => signedDeploymentSpec],
  [common.HeaderType.ORDERER_TRANSACTION, () => envelope],
]);

const payload: Kind = kind(common.Payload, ({ header: found, data }) => {
  const known = DATA.get(typeIn(found));
  return [...headers(found), known && part(known(), data)];
});

function typeIn(found: common.Header | undefined): number {
  try {
    return common.ChannelHeader.decode(found?.channelHeader ?? new Uint8Array()).type;
  } catch {
    return -1;
  }
}

/** A client asks for blocks under whatever type it likes: the CLI of 1.1 under CONFIG_UPDATE. */
export const seekEnvelope: Kind = kind(common.Envelope, ({ payload: bytes }) => [
  part(
    kind(common.Payload, ({ header: found, data }) => [...headers(found), part(kind(orderer.SeekInfo), data)]),
    bytes,
  ),
]);

const inEnvelope = (found: common.Envelope | undefined): readonly (Part | undefined)[] => [part(payload, found?.payload)];
const envelope: Kind = kind(common.Envelope, inEnvelope);

const lastConfig = kind(common.LastConfig);
const ordererMetadata = kind(common.OrdererBlockMetadata);
const metadataOf = (value: Kind | undefined): Kind =>
  kind(common.Metadata, (metadata) => [
    value && part(value, metadata.value),
    ...metadata.signatures.map((each) => part(signatureHeader, each.signatureHeader)),
  ]);
/** Slots of a block's metadata: SIGNATURES, LAST_CONFIG, TRANSACTIONS_FILTER (no message), ORDERER, COMMIT_HASH. */
const METADATA: readonly (Kind | undefined)[] = [
  metadataOf(ordererMetadata),
  metadataOf(lastConfig),
  undefined,
  metadataOf(undefined),
  metadataOf(undefined),
];

const inBlock = (found: common.Block | undefined): readonly (Part | undefined)[] => [
  ...(found?.data?.data ?? []).map((bytes) => part(envelope, bytes)),
  ...(found?.metadata?.metadata ?? []).map((bytes, slot) => {
    const known = METADATA[slot];
    return known && part(known, bytes);
  }),
];
const block: Kind = kind(common.Block, inBlock);

/** Payloads of chaincode messages, by type; that of a RESPONSE depends on the request. */
const PAYLOADS: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [Type.REGISTER, kind(protos.ChaincodeID)],
  [Type.INIT, kind(protos.ChaincodeInput)],
  [Type.TRANSACTION, kind(protos.ChaincodeInput)],
  [Type.COMPLETED, kind(protos.Response)],
  [Type.GET_STATE, kind(protos.GetState)],
  [Type.PUT_STATE, kind(protos.PutState)],
  [Type.DEL_STATE, kind(protos.DelState)],
  [Type.INVOKE_CHAINCODE, kind(protos.ChaincodeSpec, argumentsIn)],
  [Type.GET_STATE_BY_RANGE, kind(protos.GetStateByRange, ({ metadata }) => [part(kind(protos.QueryMetadata), metadata)])],
  [Type.GET_QUERY_RESULT, kind(protos.GetQueryResult, ({ metadata }) => [part(kind(protos.QueryMetadata), metadata)])],
  [Type.QUERY_STATE_NEXT, kind(protos.QueryStateNext)],
  [Type.QUERY_STATE_CLOSE, kind(protos.QueryStateClose)],
  [Type.GET_HISTORY_FOR_KEY, kind(protos.GetHistoryForKey)],
  [Type.GET_STATE_METADATA, kind(protos.GetStateMetadata)],
  [Type.PUT_STATE_METADATA, kind(protos.PutStateMetadata, ({ metadata }) => [part(signaturePolicy, metadata?.value)])],
  [Type.GET_PRIVATE_DATA_HASH, kind(protos.GetState)],
]);

const queryResponse = (result: Kind): Kind =>
  kind(protos.QueryResponse, ({ results, metadata }) => [
    ...results.map(({ resultBytes }) => part(result, resultBytes)),
    part(kind(protos.QueryResponseMetadata), metadata),
  ]);
const keyValues = queryResponse(kind(queryresult.KV));
const modifications = queryResponse(kind(queryresult.KeyModification));

/** What a RESPONSE holds, by the type of its request. */
const RESPONSES: ReadonlyMap<number, () => Kind> = new Map<number, () => Kind>([
  [Type.INVOKE_CHAINCODE, () => chaincodeMessage(undefined)],
  [Type.GET_STATE_BY_RANGE, () => keyValues],
  [Type.GET_QUERY_RESULT, () => keyValues],
  [Type.GET_HISTORY_FOR_KEY, () => modifications],
  [Type.GET_STATE_METADATA, () => kind(protos.StateMetadataResult)],
]);

/** @param request type of the request that a RESPONSE answers; QUERY_STATE_NEXT counts as the query it goes on with */
export const chaincodeMessage = (request: number | undefined): Kind =>
  kind(protos.ChaincodeMessage, ({ type, payload: bytes, proposal: signed }) => {
    const response = request === undefined ? undefined : RESPONSES.get(request)?.();
    const known = type === Type.RESPONSE ? response : PAYLOADS.get(type);
    return [known && part(known, bytes), ...inSignedProposal(signed)];
  });

/** Messages that stand alone in a file, where they hold others. */
const ROOTS: readonly Kind[] = [
  envelope,
  block,
  config,
  configUpdate,
  deploymentSpec,
  kind(protos.SignedProposal, inSignedProposal),
  kind(protos.ProposalResponse, inResponse),
  kind(protos.DeliverResponse, ({ block: found, blockAndPrivateData }) => [...inBlock(found), ...inBlock(blockAndPrivateData?.block)]),
  kind(orderer.DeliverResponse, ({ block: found }) => inBlock(found)),
  kind(protos.Event, ({ creator, block: found }) => [part(identity, creator), ...inBlock(found)]),
  kind(protos.SignedEvent, ({ eventBytes }) => [part(kind(protos.Event), eventBytes)]),
  kind(gateway.EndorseRequest, ({ proposedTransaction }) => inSignedProposal(proposedTransaction)),
  kind(gateway.EvaluateRequest, ({ proposedTransaction }) => inSignedProposal(proposedTransaction)),
  kind(gateway.SubmitRequest, ({ preparedTransaction }) => inEnvelope(preparedTransaction)),
  kind(gateway.EndorseResponse, ({ preparedTransaction }) => inEnvelope(preparedTransaction)),
  kind(gateway.SignedCommitStatusRequest, ({ request }) => [
    part(
      kind(gateway.CommitStatusRequest, (inner) => [part(identity, inner.identity)]),
      request,
    ),
  ]),
  kind(gateway.SignedChaincodeEventsRequest, ({ request }) => [
    part(
      kind(gateway.ChaincodeEventsRequest, (inner) => [part(identity, inner.identity)]),
      request,
    ),
  ]),
  kind(discovery.SignedRequest, ({ payload: request }) => [
    part(
      kind(discovery.Request, ({ authentication }) => [part(identity, authentication?.clientIdentity)]),
      request,
    ),
  ]),
  chaincodeMessage(undefined),
];

const roots = new Map(ROOTS.map((each) => [each.typeName, each]));

/** The message of a full name; undefined where Selvage has no such message. */
export function kindNamed(name: string): Kind | undefined {
  return roots.get(name) ?? plainKind(name);
}

type AnyCodec = Codec<unknown, unknown>;

function plainKind(name: string): Kind | undefined {
  const [space = '', type = ''] = name.split('.');
  const found = (messages as unknown as Readonly<Record<string, Readonly<Record<string, AnyCodec | undefined>>>>)[space]?.[type];
  return found && kind<unknown, unknown>(found);
}
