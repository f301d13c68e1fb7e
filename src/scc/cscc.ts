import type { ChaincodeCall } from '../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../chaincode/system.ts';
import type { Channel } from '../channel/channel.ts';
import { dialectOfProposal } from '../channel/dialect.ts';
import { textOf } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { channelIdOfBlock, checkHasApplication, configEnvelopeOfBlock, lastConfigOf } from '../msp/channelconfig/config-block.ts';
import { validateConfigUpdate } from '../msp/channelconfig/config-update.ts';
import type { FabricDialect } from '../msp/policies/dialect.ts';
import { common, protos } from '../protos/messages.ts';
import { unreadable } from '../protos/unreadable.ts';
import { ChannelAccess, type ChannelAccessParts } from './access.ts';
import { csccWords } from './cscc-words.ts';
import { refuseFromChaincode } from './nested-calls.ts';
import { refused, reply, retold } from './reply.ts';

/** Makes this peer a member of the channel whose genesis block it is. */
export interface ChannelJoiner {
  /** @throws {SelvageError} `CHANNEL_EXISTS` when it is one already */
  join(genesis: Uint8Array): Promise<void>;
}

export interface CsccParts extends ChannelAccessParts {
  readonly joiner: ChannelJoiner;
}

/** A function and what it is about. */
interface Asked {
  readonly fn: string;
  readonly channelId: string;
  readonly signed: protos.SignedProposal;
  readonly dialect: FabricDialect;
}

const NOTHING = new Uint8Array(0);

/** Functions without an argument. */
const ALONE: ReadonlySet<string> = new Set(['GetChannels', 'JoinBySnapshotStatus']);
/** 1.1 has none of these. */
const SNAPSHOTS: ReadonlySet<string> = new Set(['JoinChainBySnapshot', 'JoinBySnapshotStatus']);

/**
 * Joins channels and shows their configuration.
 * @see core/scc/cscc/configure.go in hyperledger/fabric v1.1 and v2.5, whose texts these are: 2.x has no GetConfigTree and no
 *   SimulateConfigTreeUpdate, 1.1 no GetChannelConfig, which does no harm there
 */
export class Cscc implements SystemChaincode {
  readonly name = 'cscc';
  readonly fromProposal = true;
  readonly fromChaincode = false;
  readonly #parts: CsccParts;
  readonly #access: ChannelAccess;

  constructor(parts: CsccParts) {
    this.#parts = parts;
    this.#access = new ChannelAccess(parts);
  }

  invoke(call: ChaincodeCall): Promise<protos.Response> {
    return reply(() => this.#answer(call));
  }

  async #answer(call: ChaincodeCall): Promise<Uint8Array> {
    const { args = [] } = call.input;
    const fn = textOf(args[0] ?? NOTHING);
    const [, first] = args;
    if (args.length === 0 || (first === undefined && !ALONE.has(fn))) throw refused(`Incorrect number of arguments, ${args.length}`);
    const dialect = dialectOfProposal(this.#parts.channels, call.proposal.signedProposal);
    if (dialect === '2.x') refuseFromChaincode(this.name, call, fromAnother);
    const asked = { fn, channelId: textOf(first ?? NOTHING), signed: call.proposal.signedProposal, dialect };
    const answer = await (dialect === '1.1' ? this.#answerOf1(asked, args) : this.#answerOf2(asked, args));
    if (answer === undefined) throw refused(`Requested function ${fn} not found.`);
    return answer;
  }

  async #answerOf1(asked: Asked, [, first, second]: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
    const { fn, channelId } = asked;
    if (fn === 'GetConfigBlock' && channelId === '') throw refused('ChainID must not be nil.');
    if (fn === 'GetConfigTree') return this.#configTree(asked);
    if (fn === 'SimulateConfigTreeUpdate') return this.#simulateUpdate(asked, second);
    if (SNAPSHOTS.has(fn)) return undefined;
    if (fn === 'JoinChain' && first?.length === 0) throw refused('Cannot join the channel <nil> configuration block provided');
    return this.#answerOf2(asked, [NOTHING, first ?? NOTHING]);
  }

  async #answerOf2(asked: Asked, [, first = NOTHING]: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
    switch (asked.fn) {
      case 'JoinChain':
        return this.#join(first, asked);
      case 'GetConfigBlock':
        return this.#configBlock(asked);
      case 'GetChannelConfig':
        return this.#channelConfig(asked);
      case 'GetChannels':
        return this.#channels(asked);
      case 'JoinChainBySnapshot':
        return this.#joinBySnapshot(first, asked);
      case 'JoinBySnapshotStatus':
        await this.#access.local('cscc/JoinBySnapshotStatus', asked.signed, (cause) => csccWords('2.x').deniedLocally(asked.fn, cause));
        return protos.JoinBySnapshotStatus.encode({}); // none is under way
      default:
        return undefined;
    }
  }

  /** The block is judged before the caller, as in Fabric: who may not join learns no more than who sends nonsense. */
  async #join(bytes: Uint8Array, { signed, dialect }: Asked): Promise<Uint8Array> {
    const words = csccWords(dialect);
    const block = blockOf(bytes);
    const channelId = await retold(
      (cause) => `"JoinChain" request failed to extract channel id from the block due to [${cause}]`,
      () => channelIdOfBlock(block),
    );
    await retold(
      (cause) => words.invalidBlock(channelId, cause),
      () => checkHasApplication(configEnvelopeOfBlock(block)),
    );
    await this.#access.local('cscc/JoinChain', signed, (cause) => words.deniedJoin(channelId, cause));
    await this.#create(bytes, words.channelExists(channelId));
    return NOTHING;
  }

  async #joinBySnapshot(folder: Uint8Array, { fn, signed }: Asked): Promise<never> {
    if (folder.length === 0) throw refused('Cannot join the channel, no snapshot directory provided');
    await this.#access.local(`cscc/${fn}`, signed, (cause) => `access denied for [${fn}]: [${cause}]`);
    throw refused('this peer neither makes snapshots nor joins by them: join with the genesis block of the channel');
  }

  async #configBlock(asked: Asked): Promise<Uint8Array> {
    const { blocks } = (await this.#readable(asked)).ledger;
    const newest = await blocks.block(blocks.info().height - 1n);
    const config = newest === undefined ? undefined : await blocks.block(lastConfigOf(newest));
    if (config === undefined) throw refused(`Unknown chain ID, ${asked.channelId}`);
    return common.Block.encode(config);
  }

  /** Resources were an experiment of 1.1: their tree is always empty. */
  async #configTree(asked: Asked): Promise<Uint8Array> {
    if (asked.channelId === '') throw refused('Chain ID must not be nil');
    const channelConfig = (await this.#readable(asked)).bundle().config;
    return protos.ConfigTree.encode({ channelConfig, resourcesConfig: { channelGroup: {} } });
  }

  async #channelConfig(asked: Asked): Promise<Uint8Array> {
    if (asked.channelId === '') throw refused('empty channel name provided');
    return common.Config.encode((await this.#readable(asked)).bundle().config);
  }

  async #simulateUpdate(asked: Asked, bytes: Uint8Array | undefined): Promise<Uint8Array> {
    if (asked.channelId === '') throw refused('Chain ID must not be nil');
    if (bytes === undefined || bytes.length === 0) throw refused('Config delta bytes must not be nil');
    const channel = await this.#readable(asked);
    const envelope = common.Envelope.decode(bytes);
    checkIsUpdate(envelope);
    await validateConfigUpdate(channel.bundle(), envelope);
    return new TextEncoder().encode('Simulation is successful');
  }

  async #channels({ fn, signed, dialect }: Asked): Promise<Uint8Array> {
    await this.#access.local('cscc/GetChannels', signed, (cause) => csccWords(dialect).deniedLocally(fn, cause));
    const channels = this.#parts.channels.list().map(({ id }) => ({ channelId: id }));
    return protos.ChannelQueryResponse.encode({ channels });
  }

  #readable({ fn, channelId, signed, dialect }: Asked): Promise<Channel> {
    return this.#access.channel(`cscc/${fn}`, channelId, signed, (cause) => csccWords(dialect).deniedOn(fn, channelId, cause));
  }

  async #create(genesis: Uint8Array, exists: string): Promise<void> {
    try {
      await this.#parts.joiner.join(genesis);
    } catch (thrown) {
      if (!(thrown instanceof SelvageError) || thrown.code !== 'CHANNEL_EXISTS') throw thrown;
      throw refused(exists, thrown);
    }
  }
}

function blockOf(bytes: Uint8Array): common.Block {
  try {
    return common.Block.decode(bytes);
  } catch (thrown) {
    throw refused(`Failed to reconstruct the genesis block, error unmarshalling Block: ${unreadable(thrown)}`, thrown);
  }
}

const fromAnother = (invoked: string): string => `Rejecting invoke of CSCC from another chaincode, original invocation for '${invoked}'`;

function checkIsUpdate({ payload }: common.Envelope): void {
  const { header } = common.Payload.decode(payload);
  const { type } = common.ChannelHeader.decode(header?.channelHeader ?? NOTHING);
  if (type !== common.HeaderType.CONFIG_UPDATE) throw refused(`invalid payload header type: ${type}`);
}
