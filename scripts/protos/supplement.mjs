/**
 * What the package's schema (Fabric 3.x) leaves out and a peer still meets on the wire: the messages and fields of
 * Fabric 1.1 that were removed later, messages that live inside Fabric only, and three well-known types.
 * Field numbers: protos/ of hyperledger/fabric v1.1.0; core/ledger/kvledger/txmgmt and core/common/ccprovider of v2.5.
 */

const field = (spec) => {
  const [, repeated, type, name, number, presence] = /^(repeated )?([\w.]+) (\w+) = (\d+)( presence)?$/.exec(spec) ?? [];
  const kind = /^(bool|bytes|string|u?int(32|64))$/.test(type)
    ? 'scalar'
    : type.endsWith('Type') || type.endsWith('Environment')
      ? 'enum'
      : 'message';
  return { name, number: Number(number), type, kind, repeated: repeated !== undefined, ...(presence ? { presence: true, oneof: 0 } : {}) };
};

/** New messages. Fields are written in the order given here: Go's 1.1 library wrote oneof members last. */
const MESSAGES = {
  'google.protobuf.Timestamp': ['int64 seconds = 1', 'int32 nanos = 2'],
  'google.protobuf.Duration': ['int64 seconds = 1', 'int32 nanos = 2'],
  'google.protobuf.Empty': [],
  'google.protobuf.Any': ['string typeUrl = 1', 'bytes value = 2'],
  'protos.ChaincodeReg': ['string chaincodeId = 1', 'string eventName = 2'],
  'protos.Interest': ['protos.EventType eventType = 1', 'string chainId = 3', 'protos.ChaincodeReg chaincodeRegInfo = 2 presence'],
  'protos.Register': ['repeated protos.Interest events = 1'],
  'protos.Unregister': ['repeated protos.Interest events = 1'],
  'protos.Rejection': ['protos.Transaction tx = 1', 'string errorMsg = 2'],
  'protos.Event': [
    'bytes creator = 6',
    'google.protobuf.Timestamp timestamp = 8',
    'bytes tlsCertHash = 9',
    'protos.Register register = 1 presence',
    'common.Block block = 2 presence',
    'protos.ChaincodeEvent chaincodeEvent = 3 presence',
    'protos.Rejection rejection = 4 presence',
    'protos.Unregister unregister = 5 presence',
    'protos.FilteredBlock filteredBlock = 7 presence',
  ],
  'protos.SignedEvent': ['bytes signature = 1', 'bytes eventBytes = 2'],
  'protos.ServerStatus': ['protos.ServerStatus.StatusType status = 1'],
  'protos.LogLevelRequest': ['string logModule = 1', 'string logLevel = 2'],
  'protos.LogLevelResponse': ['string logModule = 1', 'string logLevel = 2'],
  'orderer.KafkaMetadata': [
    'int64 lastOffsetPersisted = 1',
    'int64 lastOriginalOffsetProcessed = 2',
    'int64 lastResubmittedConfigOffset = 3',
  ],
  // ccprovider: Go types `policy` and `instantiation_policy` as bytes, and LSCC writes them as the client gave them.
  'ccprovider.ChaincodeData': [
    'string name = 1',
    'string version = 2',
    'string escc = 3',
    'string vscc = 4',
    'bytes policy = 5',
    'bytes data = 6',
    'bytes id = 7',
    'bytes instantiationPolicy = 8',
  ],
  'ccprovider.CDSData': ['bytes hash = 1', 'bytes metadatahash = 2'],
  'ccprovider.SignedCDSData': ['bytes hash = 1', 'bytes metadatahash = 2', 'bytes signaturehash = 3'],
  'commithash.KVWrite': [
    'string namespace = 1',
    'string collection = 2',
    'bytes key = 3',
    'bool isDelete = 4',
    'bytes value = 5',
    'bytes versionBytes = 6',
  ],
  'commithash.Updates': ['repeated commithash.KVWrite kvwrites = 1'],
};

const ENUMS = {
  'protos.EventType': { REGISTER: 0, BLOCK: 1, CHAINCODE: 2, REJECTION: 3, FILTEREDBLOCK: 4 },
  'protos.ServerStatus.StatusType': { UNDEFINED: 0, STARTED: 1, STOPPED: 2, PAUSED: 3, ERROR: 4, UNKNOWN: 5 },
  'protos.ChaincodeDeploymentSpec.ExecutionEnvironment': { DOCKER: 0, SYSTEM: 1 },
};

/** Fields of 1.1 that 3.x dropped. `payload_visibility` keeps presence: 1.1 refuses it even when it is empty. */
const FIELDS = {
  'protos.ChaincodeHeaderExtension': ['bytes payloadVisibility = 1 presence'],
  'protos.ChaincodeDeploymentSpec': [
    'google.protobuf.Timestamp effectiveDate = 2',
    'protos.ChaincodeDeploymentSpec.ExecutionEnvironment execEnv = 4',
  ],
  'protos.ChaincodeInvocationSpec': ['string idGenerationAlg = 2'],
  'common.Config': ['int32 type = 3'],
  'common.ConfigUpdate': ['int32 type = 4'],
};

/** Adds the above to a schema read from the package. Refuses to overwrite, so that a newer package is noticed. */
export function supplement(schema) {
  for (const [name, values] of Object.entries(ENUMS)) {
    refuseDuplicate(schema.enums.has(name), name);
    schema.enums.set(name, { name, values });
  }
  for (const [name, specs] of Object.entries(MESSAGES)) {
    refuseDuplicate(schema.messages.has(name), name);
    schema.messages.set(name, { name, fields: specs.map(field) });
  }
  for (const [name, specs] of Object.entries(FIELDS)) {
    const message = schema.messages.get(name);
    if (message === undefined) throw new Error(`the package no longer has ${name}`);
    for (const added of specs.map(field)) {
      refuseDuplicate(
        message.fields.some((known) => known.number === added.number),
        `${name}.${added.name}`,
      );
      message.fields.push(added);
    }
    message.fields.sort((a, b) => a.number - b.number);
  }
}

function refuseDuplicate(known, name) {
  if (known) throw new Error(`@hyperledger/fabric-protos now has ${name} itself: drop it from supplement.mjs`);
}
