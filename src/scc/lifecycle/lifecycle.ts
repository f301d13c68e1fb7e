import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../../chaincode/system.ts';
import { textOf } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { LIFECYCLE } from '../../lifecycle/records.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { lifecycle, type protos } from '../../protos/messages.ts';
import { unreadable } from '../../protos/unreadable.ts';
import { refused, reply, retold } from '../reply.ts';
import { approve } from './approve.ts';
import { checkReadiness, commit } from './commit.ts';
import { install, installedPackage, queryInstalled, queryInstalledOne } from './installed.ts';
import type { Invocation, LifecycleParts } from './parts.ts';
import { queryApproved, queryDefinition, queryDefinitions } from './queries.ts';

/** A function: from the bytes of its `…Args` to those of its `…Result`. */
type LifecycleFunction = (args: Uint8Array, invocation: Invocation) => Promise<Uint8Array>;

interface Codec<Decoded> {
  decode(bytes: Uint8Array): Decoded;
}

/** A function of its decoded arguments, by its name. */
const entry = <Args>(
  name: string,
  args: Codec<Args>,
  work: (args: Args, invocation: Invocation) => Promise<Uint8Array>,
): readonly [string, LifecycleFunction] => [
  name,
  async (bytes, invocation) => {
    return work(decoded(name, args, bytes), invocation);
  },
];

function decoded<Args>(name: string, args: Codec<Args>, bytes: Uint8Array): Args {
  try {
    return args.decode(bytes);
  } catch (thrown) {
    throw refused(`could not decode input arg for ${RECEIVER}.${name}: ${unreadable(thrown)}`, thrown);
  }
}

/** What Fabric calls the functions' owner in its texts. */
const RECEIVER = '*lifecycle.Invocation';

const FUNCTIONS: ReadonlyMap<string, LifecycleFunction> = new Map([
  entry('InstallChaincode', lifecycle.InstallChaincodeArgs, install),
  entry('QueryInstalledChaincode', lifecycle.QueryInstalledChaincodeArgs, queryInstalledOne),
  entry('QueryInstalledChaincodes', lifecycle.QueryInstalledChaincodesArgs, queryInstalled),
  entry('GetInstalledChaincodePackage', lifecycle.GetInstalledChaincodePackageArgs, installedPackage),
  entry('ApproveChaincodeDefinitionForMyOrg', lifecycle.ApproveChaincodeDefinitionForMyOrgArgs, approve),
  entry('QueryApprovedChaincodeDefinition', lifecycle.QueryApprovedChaincodeDefinitionArgs, queryApproved),
  entry('CheckCommitReadiness', lifecycle.CheckCommitReadinessArgs, checkReadiness),
  entry('CommitChaincodeDefinition', lifecycle.CommitChaincodeDefinitionArgs, commit),
  entry('QueryChaincodeDefinition', lifecycle.QueryChaincodeDefinitionArgs, queryDefinition),
  entry('QueryChaincodeDefinitions', lifecycle.QueryChaincodeDefinitionsArgs, queryDefinitions),
]);

const NOTHING = new Uint8Array(0);

/**
 * The 2.x lifecycle: installs packages on this peer, records what its organisation approves and what a channel agreed on.
 * @see SCC in hyperledger/fabric v2.5, core/chaincode/lifecycle/scc.go, whose texts these are
 */
export class Lifecycle implements SystemChaincode {
  readonly name = LIFECYCLE;
  readonly fromProposal = true;
  readonly fromChaincode = true;
  readonly #parts: LifecycleParts;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  /** What is not defined is answered with status 404, which scripts look for. */
  invoke(call: ChaincodeCall, { signal }: Cancellable): Promise<protos.Response> {
    return reply(() => this.#answer(call, signal), { notFound: 404 });
  }

  async #answer(call: ChaincodeCall, signal: AbortSignal): Promise<Uint8Array> {
    const { args = [] } = call.input;
    if (args.length === 0) throw refused('lifecycle scc must be invoked with arguments');
    if (args.length !== 2) throw refused(`lifecycle scc operations require exactly two arguments but received ${args.length}`);
    const [name = NOTHING, argument = NOTHING] = args;
    const fn = textOf(name);
    const bundle = this.#bundle(call.proposal.channelId);
    await this.#authorize(fn, call, bundle);
    return dispatched(fn, argument, { parts: this.#parts, call, bundle, signal });
  }

  /** The configuration of the call's channel, which must have the 2.x lifecycle; undefined without channel. */
  #bundle(channelId: string): ChannelBundle | undefined {
    if (channelId === '') return undefined;
    const bundle = this.#parts.channels.get(channelId)?.bundle();
    if (bundle === undefined) throw refused(`could not get channelconfig for channel '${channelId}'`);
    if (bundle.application === undefined) throw refused(`could not get application config for channel '${channelId}'`);
    if (!bundle.application.capabilities.lifecycleV20) {
      throw refused(`cannot use new lifecycle for channel '${channelId}' as it does not have the required capabilities enabled`);
    }
    return bundle;
  }

  async #authorize(fn: string, { proposal: { signedProposal } }: ChaincodeCall, bundle: ChannelBundle | undefined): Promise<void> {
    const { access } = this.#parts;
    const resource = `${LIFECYCLE}/${fn}`;
    await retold(
      (cause) => `Failed to authorize invocation due to failed ACL check: ${cause}`,
      () => (bundle === undefined ? access.checkLocal(resource, signedProposal) : access.check(resource, bundle, signedProposal)),
    );
  }
}

async function dispatched(fn: string, argument: Uint8Array, invocation: Invocation): Promise<Uint8Array> {
  try {
    const work = FUNCTIONS.get(fn);
    if (work === undefined) throw refused(`receiver ${RECEIVER}.${fn} does not exist`);
    return await work(argument, invocation);
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'NOT_FOUND') throw thrown;
    return retold(
      (cause) => `failed to invoke backing implementation of '${fn}': ${cause}`,
      () => Promise.reject(thrown),
    );
  }
}
