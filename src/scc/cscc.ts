import type { ChaincodeCall } from '../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../chaincode/system.ts';
import type { Channel } from '../channel/channel.ts';
import { textOf } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { channelIdOfBlock, checkHasApplication, configEnvelopeOfBlock, lastConfigOf } from '../msp/channelconfig/config-block.ts';
import { validateConfigUpdate } from '../msp/channelconfig/config-update.ts';
import { common, protos } from '../protos/messages.ts';
import { ChannelAccess, type ChannelAccessParts } from './access.ts';
import { refused, reply, retold } from './reply.ts';

/** Makes this peer a member of the channel whose genesis block it is. */
export interface ChannelJoiner {
  /** @throws {SelvageError} `CHANNEL_EXISTS` when it is one already */
  join(genesis: Uint8Array): Promise<void>;
}

export interface CsccParts extends ChannelAccessParts {
  readonly joiner: ChannelJoiner;
}

type SignedProposal = protos.SignedProposal;

const NOTHING = new Uint8Array(0);

/**
 * Joins channels and shows their configuration.
 * @see core/scc/cscc/configure.go in hyperledger/fabric v1.1, whose texts these are; GetChannelConfig is of 2.x
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

  async #answer({ input: { args = [] }, proposal: { signedProposal: signed } }: ChaincodeCall): Promise<Uint8Array> {
    const fn = textOf(args[0] ?? NOTHING);
    const first = args[1];
    if (fn === 'GetChannels') return this.#channels(signed);
    if (args.length === 0 || first === undefined) throw refused(`Incorrect number of arguments, ${args.length}`);
    switch (fn) {
      case 'JoinChain':
        return this.#join(first, signed);
      case 'GetConfigBlock':
        return this.#configBlock(textOf(first), signed);
      case 'GetConfigTree':
        return this.#configTree(textOf(first), signed);
      case 'GetChannelConfig':
        return this.#channelConfig(textOf(first), signed);
      case 'SimulateConfigTreeUpdate':
        return this.#simulateUpdate(textOf(first), args[2], signed);
      default:
        throw refused(`Requested function ${fn} not found.`);
    }
  }

  /** The block is judged before the caller, as in Fabric: who may not join learns no more than who sends nonsense. */
  async #join(bytes: Uint8Array, signed: SignedProposal): Promise<Uint8Array> {
    if (bytes.length === 0) throw refused('Cannot join the channel <nil> configuration block provided');
    const block = await retold(
      (cause) => `Failed to reconstruct the genesis block, ${cause}`,
      () => common.Block.decode(bytes),
    );
    const channelId = await retold(
      (cause) => `"JoinChain" request failed to extract channel id from the block due to [${cause}]`,
      () => channelIdOfBlock(block),
    );
    await retold(
      (cause) => `"JoinChain" for chainID = ${channelId} failed because of validation of configuration block, because of ${cause}`,
      () => checkHasApplication(configEnvelopeOfBlock(block)),
    );
    await this.#access.local(
      'cscc/JoinChain',
      signed,
      (cause) => `"JoinChain" request failed authorization check for channel [${channelId}]: [${cause}]`,
    );
    await this.#create(bytes);
    return NOTHING;
  }

  async #configBlock(channelId: string, signed: SignedProposal): Promise<Uint8Array> {
    if (channelId === '') throw refused('ChainID must not be nil.');
    const { blocks } = (await this.#readable('GetConfigBlock', channelId, signed)).ledger;
    const newest = await blocks.block(blocks.info().height - 1n);
    const config = newest === undefined ? undefined : await blocks.block(lastConfigOf(newest));
    if (config === undefined) throw refused(`Unknown chain ID, ${channelId}`);
    return common.Block.encode(config);
  }

  /** Resources were an experiment of 1.1: their tree is always empty. */
  async #configTree(channelId: string, signed: SignedProposal): Promise<Uint8Array> {
    if (channelId === '') throw refused('Chain ID must not be nil');
    const channelConfig = (await this.#readable('GetConfigTree', channelId, signed)).bundle().config;
    return protos.ConfigTree.encode({ channelConfig, resourcesConfig: { channelGroup: {} } });
  }

  async #channelConfig(channelId: string, signed: SignedProposal): Promise<Uint8Array> {
    if (channelId === '') throw refused('empty channel name provided');
    return common.Config.encode((await this.#readable('GetChannelConfig', channelId, signed)).bundle().config);
  }

  async #simulateUpdate(channelId: string, bytes: Uint8Array | undefined, signed: SignedProposal): Promise<Uint8Array> {
    if (channelId === '') throw refused('Chain ID must not be nil');
    if (bytes === undefined || bytes.length === 0) throw refused('Config delta bytes must not be nil');
    const channel = await this.#readable('SimulateConfigTreeUpdate', channelId, signed);
    const envelope = common.Envelope.decode(bytes);
    checkIsUpdate(envelope);
    await validateConfigUpdate(channel.bundle(), envelope);
    return new TextEncoder().encode('Simulation is successful');
  }

  async #channels(signed: SignedProposal): Promise<Uint8Array> {
    await this.#access.local('cscc/GetChannels', signed, (cause) => `"GetChannels" request failed authorization check: [${cause}]`);
    const channels = this.#parts.channels.list().map(({ id }) => ({ channelId: id }));
    return protos.ChannelQueryResponse.encode({ channels });
  }

  #readable(fn: string, channelId: string, signed: SignedProposal): Promise<Channel> {
    const denied = (cause: string) => `"${fn}" request failed authorization check for channel [${channelId}]: [${cause}]`;
    return this.#access.channel(`cscc/${fn}`, channelId, signed, denied);
  }

  async #create(genesis: Uint8Array): Promise<void> {
    try {
      await this.#parts.joiner.join(genesis);
    } catch (thrown) {
      if (!(thrown instanceof SelvageError) || thrown.code !== 'CHANNEL_EXISTS') throw thrown;
      throw refused('Cannot create ledger from genesis block, due to LedgerID already exists', thrown);
    }
  }
}

function checkIsUpdate({ payload }: common.Envelope): void {
  const { header } = common.Payload.decode(payload);
  const { type } = common.ChannelHeader.decode(header?.channelHeader ?? NOTHING);
  if (type !== common.HeaderType.CONFIG_UPDATE) throw refused(`invalid payload header type: ${type}`);
}
