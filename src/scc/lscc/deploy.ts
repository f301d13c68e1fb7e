import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import { textOf } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { messageOf } from '../../common/errors.ts';
import type { ApplicationCapabilities, ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { type ChaincodePackage, chaincodeDataOf, parseDeploymentSpec } from '../../packages/chaincode-package.ts';
import { checkChaincodeName, checkChaincodeVersion } from '../../packages/names.ts';
import { validateDeploymentSpec } from '../../packages/platforms/package-rules.ts';
import { ccprovider, protos } from '../../protos/messages.ts';
import { refused, retold } from '../reply.ts';
import { checkCollections, checkMembers, collectionKey } from './collections.ts';
import { anyAdmin, anyMember } from './default-policies.ts';
import type { Asked, LsccParts } from './parts.ts';
import { entryOf, simulatorOf } from './state.ts';
import type { LsccWords } from './words.ts';

/** What a client asks to put into force on a channel, with the defaults filled in. */
interface Request {
  readonly bundle: ChannelBundle;
  readonly installed: ChaincodePackage;
  readonly policy: Uint8Array;
  readonly escc: string;
  readonly vscc: string;
  readonly collections: Uint8Array | undefined;
}

/**
 * Writes definitions to the channel's state; answers the `ChaincodeData` written. Init of the chaincode is the endorser's work.
 * @see executeDeployOrUpgrade in hyperledger/fabric v1.1, core/scc/lscc/lscc.go
 */
export class Deploy {
  readonly #parts: LsccParts;

  constructor(parts: LsccParts) {
    this.#parts = parts;
  }

  async deploy(asked: Asked, options: Cancellable): Promise<Uint8Array> {
    const { call } = asked;
    const request = await this.#read(asked, options);
    const { name } = request.installed;
    if ((await simulatorOf(call).getState('lscc', name)) !== undefined) throw asked.words.exists(name);
    const written = await this.#write(request, asked);
    if (request.collections !== undefined) await addCollections(request.collections, request, asked);
    return written;
  }

  async upgrade(asked: Asked, options: Cancellable): Promise<Uint8Array> {
    const { call } = asked;
    const request = await this.#read(asked, options);
    const { name, version } = request.installed;
    const current = ccprovider.ChaincodeData.decode(await entryOf(call, name));
    if (current.version === version) throw refused(`version already exists for chaincode with name '${name}'`);
    if (current.instantiationPolicy.length === 0) throw refused('instantiation policy missing');
    await checkInstantiation(current.instantiationPolicy, request.bundle, call);
    const written = await this.#write(request, asked);
    if (request.collections !== undefined) replaceCollections(request.collections, request, asked);
    return written;
  }

  async #write(request: Request, { call, words }: Asked): Promise<Uint8Array> {
    const { bundle, installed, policy, escc, vscc } = request;
    const instantiationPolicy = installed.signed?.instantiationPolicy ?? anyAdmin(bundle);
    await checkInstantiation(instantiationPolicy, bundle, call);
    if (words.dialect === '1.1') this.#checkPlugins(request);
    const data = chaincodeDataOf(installed, { escc, vscc, policy, instantiationPolicy });
    simulatorOf(call).putState('lscc', installed.name, data);
    return data;
  }

  /** Only 1.1 looked: a peer of 2.x finds out when it is to endorse or to validate. */
  #checkPlugins({ escc, vscc }: Request): void {
    const { endorsementPlugins, validationPlugins } = this.#parts;
    if (!endorsementPlugins.has(escc)) throw refused(`${escc} is not a valid endorsement system chaincode`);
    if (!validationPlugins.has(vscc)) throw refused(`${vscc} is not a valid validation system chaincode`);
  }

  async #read({ args, call: { proposal }, words }: Asked, options: Cancellable): Promise<Request> {
    if (args.length < 3) throw words.wrongCount(args);
    const [, channelArg, specArg, policy, escc, vscc, collections] = args;
    const bundle = this.#bundle(textOf(channelArg ?? NOTHING), proposal.channelId, words);
    const { capabilities } = bundle.application ?? {};
    checkMostArguments({ args, words }, capabilities);
    const { name, version } = await readSpec(specArg ?? NOTHING, words, options);
    const installed = await this.#installed(name, version);
    return {
      bundle,
      installed,
      policy: given(policy) ?? anyMember(bundle),
      escc: nameOr('escc', escc),
      vscc: nameOr('vscc', vscc),
      collections: given(collections),
    };
  }

  /** Fabric takes the channel from the argument but writes to that of the proposal; here both must agree. */
  #bundle(channelId: string, proposed: string, words: LsccWords): ChannelBundle {
    const bundle = channelId === '' ? undefined : this.#parts.channels.get(channelId)?.bundle();
    if (bundle?.application?.capabilities.lifecycleV20) {
      throw refused(`Channel '${channelId}' has been migrated to the new lifecycle, LSCC is now read-only`);
    }
    if (bundle === undefined || channelId !== proposed) throw words.otherChannel(channelId);
    return bundle;
  }

  async #installed(name: string, version: string): Promise<ChaincodePackage> {
    return retold(
      () => `cannot get package for chaincode (${name}:${version})`,
      () => this.#parts.packages.load(name, version),
    );
  }
}

const NOTHING = new Uint8Array(0);

/** An empty argument counts as missing, as from 1.4 on: SDKs send one. */
const given = (arg: Uint8Array | undefined): Uint8Array | undefined => (arg === undefined || arg.length === 0 ? undefined : arg);

const nameOr = (otherwise: string, arg: Uint8Array | undefined): string => (given(arg) === undefined ? otherwise : textOf(arg ?? NOTHING));

function checkMostArguments({ args, words }: Pick<Asked, 'args' | 'words'>, capabilities: ApplicationCapabilities | undefined): void {
  if (args.length > 7 || (args.length === 7 && capabilities?.privateChannelData !== true)) throw words.wrongCount(args);
}

async function readSpec(
  bytes: Uint8Array,
  words: LsccWords,
  options: Cancellable,
): Promise<{ readonly name: string; readonly version: string }> {
  const { chaincodeSpec } = await (words.dialect === '1.1' ? validSpec(bytes, words, options) : decodedSpec(bytes, words));
  const { name = '', version = '' } = chaincodeSpec?.chaincodeId ?? {};
  checkChaincodeName(name, words.names);
  checkChaincodeVersion(name, version, words.names);
  return { name, version };
}

/** 1.1 judged the code that nobody uses here, too. */
async function validSpec(bytes: Uint8Array, words: LsccWords, options: Cancellable): Promise<protos.ChaincodeDeploymentSpec> {
  try {
    const spec = parseDeploymentSpec(bytes);
    await validateDeploymentSpec(spec, options);
    return spec;
  } catch (thrown) {
    options.signal.throwIfAborted();
    throw words.unreadableSpec(thrown);
  }
}

function decodedSpec(bytes: Uint8Array, words: LsccWords): protos.ChaincodeDeploymentSpec {
  try {
    return protos.ChaincodeDeploymentSpec.decode(bytes);
  } catch (thrown) {
    throw words.unreadableSpec(thrown);
  }
}

/** The proposal's own signature must satisfy the policy: this is the only gate of deploy and upgrade. */
async function checkInstantiation(policy: Uint8Array, bundle: ChannelBundle, { proposal }: ChaincodeCall): Promise<void> {
  const { proposalBytes: data, signature } = proposal.signedProposal;
  const reason = await dissatisfaction(() => bundle.signaturePolicy(policy).evaluate([{ data, identity: proposal.creator, signature }]));
  if (reason !== undefined) throw refused(`instantiation policy violation: ${reason}`);
}

async function dissatisfaction(
  evaluate: () => Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>,
): Promise<string | undefined> {
  try {
    const verdict = await evaluate();
    return verdict.ok ? undefined : verdict.reason;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** 1.1 looked whether there are any, and recorded that it did. */
async function addCollections(bytes: Uint8Array, { installed, bundle }: Request, { call, words }: Asked): Promise<void> {
  const { name, version } = installed;
  const key = collectionKey(name);
  if (words.dialect === '1.1') checkCollections(bytes, { name, version });
  else checkMembers(bytes, { name, version, bundle });
  if (words.dialect === '1.1' && (await simulatorOf(call).getState('lscc', key)) !== undefined)
    throw refused(`collection data should not exist for chaincode ${name}:${version}`);
  simulatorOf(call).putState('lscc', key, bytes);
}

function replaceCollections(bytes: Uint8Array, { installed, bundle }: Request, { call, words }: Asked): void {
  if (!bundle.application?.capabilities.collectionUpgrade)
    throw refused('as V1_2 capability is not enabled, collection upgrades are not allowed');
  if (words.dialect === '1.1') checkCollections(bytes, installed);
  else checkMembers(bytes, { ...installed, bundle });
  simulatorOf(call).putState('lscc', collectionKey(installed.name), bytes);
}
