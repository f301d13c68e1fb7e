import { equalBytes } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { evaluate, signaturePolicy } from '../../lifecycle/endorsement-policy.ts';
import { chaincodeData } from '../../lifecycle/legacy-namespace.ts';
import { isSystemChaincode } from '../../lifecycle/system-chaincodes.ts';
import { ccprovider, protos } from '../../protos/messages.ts';
import { explainEndorsements } from './explain.ts';
import { collectionsFault } from './lscc-collections.ts';
import type { LsccOperation } from './lscc-operation.ts';
import { accepted, type PluginRequest, type PluginVerdict, refused } from './validation-plugin.ts';

const { GOLANG, NODE, JAVA, CAR } = protos.ChaincodeSpec_Type;
const CHAINCODE_TYPES: readonly number[] = [GOLANG, NODE, JAVA, CAR];
const CHAINCODE_NAME = /^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/;
const CHAINCODE_VERSION = /^[A-Za-z0-9_.+-]+$/;

/**
 * The legacy rules for transactions that invoke `lscc`, after its endorsements were found to suffice.
 * @see ValidateLSCCInvocation in hyperledger/fabric v1.1, core/scc/vscc; v2.5, core/handlers/validation/builtin/v13/lscc_validation_logic.go
 */
export async function checkLsccInvocation(request: PluginRequest): Promise<PluginVerdict> {
  try {
    const operation = await readOperation(request);
    if (typeof operation === 'string') return lsccRefused(operation);
    const fault = ledgerFault(operation) ?? (await collectionsFault(operation, request));
    if (fault !== undefined) return lsccRefused(fault, { chaincode: operation.written.name });
    return await checkInstantiationPolicies(operation, request);
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return lsccRefused(messageOf(thrown));
    throw thrown;
  }
}

async function readOperation(request: PluginRequest): Promise<LsccOperation | string> {
  const { invocation, state, rules } = request;
  const proposal = protos.ChaincodeProposalPayload.decode(invocation.transaction.actionPayload.chaincodeProposalPayload, rules);
  const spec = protos.ChaincodeInvocationSpec.decode(proposal.input, rules).chaincodeSpec;
  const [name, ...args] = spec?.input?.args ?? [];
  if (name === undefined) return 'malformed chaincode invocation spec';
  const fn = Buffer.from(name).toString('latin1');
  if (fn !== 'deploy' && fn !== 'upgrade') return `VSCC error: committing an invocation of function ${fn} of lscc is invalid`;
  const chaincode = readDeploymentSpec(fn, args, request);
  if (typeof chaincode === 'string') return chaincode;
  const committed = await chaincodeData(state, chaincode.name);
  const written = readWrites(chaincode, request);
  return typeof written === 'string' ? written : { fn, args, ...written, committed };
}

function readDeploymentSpec(fn: string, args: readonly Uint8Array[], { rules }: PluginRequest): protos.ChaincodeID | string {
  const [, bytes] = args;
  if (bytes === undefined) return `Wrong number of arguments for invocation lscc(${fn}): expected at least 2, received ${args.length}`;
  if (args.length > (rules.capabilities.privateChannelData ? 6 : 5)) {
    return `Wrong number of arguments for invocation lscc(${fn}): received ${args.length}`;
  }
  const spec = protos.ChaincodeDeploymentSpec.decode(bytes, rules).chaincodeSpec;
  const id = spec?.chaincodeId;
  if (spec === undefined || id === undefined) return `VSCC error: invocation of lscc(${fn}) does not have appropriate arguments`;
  if (!CHAINCODE_TYPES.includes(spec.type)) return `unexpected chaincode spec type: ${spec.type}`;
  if (!CHAINCODE_NAME.test(id.name)) return `invalid chaincode name '${id.name}'`;
  if (isSystemChaincode(id.name)) return `chaincode name '${id.name}' is reserved for system chaincodes`;
  if (!CHAINCODE_VERSION.test(id.version)) return `invalid chaincode version '${id.version}'`;
  return id;
}

function readWrites(
  { name, version }: protos.ChaincodeID,
  { invocation }: PluginRequest,
): Pick<LsccOperation, 'written' | 'writes'> | string {
  const set = invocation.sets.find(({ namespace }) => namespace === 'lscc');
  if (set === undefined) return 'No read write set for lscc was found';
  const { writes } = set.public;
  const [first] = writes;
  if (first === undefined) return 'LSCC must issue at least one single putState upon deploy/upgrade';
  if (first.key !== name) return `expected key ${name}, found ${first.key}`;
  const written = ccprovider.ChaincodeData.decode(first.value);
  if (written.name !== name) return `expected cc name ${name}, found ${written.name}`;
  if (written.version !== version) return `expected cc version ${version}, found ${written.version}`;
  const foreign = invocation.sets.find((each) => each.namespace !== 'lscc' && each.namespace !== name && each.public.writes.length > 0);
  if (foreign !== undefined) return `LSCC invocation is attempting to write to namespace ${foreign.namespace}`;
  return { written, writes };
}

function ledgerFault({ fn, written, committed }: LsccOperation): string | undefined {
  if (fn === 'deploy') return committed === undefined ? undefined : `Chaincode ${written.name} is already instantiated`;
  if (committed === undefined) return `Upgrading non-existent chaincode ${written.name}`;
  if (committed.version !== written.version) return undefined;
  return `Existing version of the cc on the ledger (${written.version}) should be different from the upgraded one`;
}

/** The creator of the transaction must satisfy the instantiation policy: at an upgrade the old one, from `V1_1` on also the new. */
async function checkInstantiationPolicies(operation: LsccOperation, request: PluginRequest): Promise<PluginVerdict> {
  const { fn, written, committed } = operation;
  const upgrade = fn === 'upgrade' && committed !== undefined;
  const governing = upgrade ? committed.instantiationPolicy : written.instantiationPolicy;
  const verdict = await checkInstantiationPolicy(governing, request);
  if (!verdict.ok || !upgrade || !request.rules.capabilities.v11Validation) return verdict;
  return equalBytes(governing, written.instantiationPolicy) ? verdict : checkInstantiationPolicy(written.instantiationPolicy, request);
}

async function checkInstantiationPolicy(bytes: Uint8Array, { invocation, bundle }: PluginRequest): Promise<PluginVerdict> {
  if (bytes.length === 0) return lsccRefused('No instantiation policy was specified');
  const { envelope, signatureHeader } = invocation.transaction;
  const signed = [{ data: envelope.payload, identity: signatureHeader.creator, signature: envelope.signature }];
  const policy = signaturePolicy(bytes);
  const verdict = await evaluate(policy, signed, bundle);
  if (verdict.ok) return accepted;
  const details = await explainEndorsements(policy, signed, bundle);
  return lsccRefused(`chaincode instantiation policy violated, error ${verdict.reason}`, details);
}

const lsccRefused = (message: string, details: Readonly<Record<string, string | number>> = {}): PluginVerdict =>
  refused(message, { namespace: 'lscc', ...details });
