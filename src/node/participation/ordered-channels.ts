import { equalBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { bundleFromBlock } from '../../msp/channelconfig/bundle.ts';
import { channelIdOfBlock, isConfigBlock, lastConfigOf } from '../../msp/channelconfig/config-block.ts';
import type { SignatureVerifier } from '../../msp/identities/signature-verifier.ts';
import type { Orderer } from '../../orderer/orderer.ts';
import { blockDataHash } from '../../protos/hashes.ts';
import { common } from '../../protos/messages.ts';

/** What is told of a channel that an orderer serves. */
export interface ChannelInfo {
  readonly name: string;
  readonly consensusRelation: 'consenter' | 'other';
  readonly status: 'active' | 'inactive';
  readonly height: bigint;
}

const CLUSTERS: ReadonlySet<string> = new Set(['etcdraft', 'BFT']);

/** The channels of the development orderer as who administers them sees them. Errors are in the words of Fabric's registrar. */
export class OrderedChannels {
  readonly #orderer: Orderer;
  readonly #verifier: SignatureVerifier;

  constructor({ orderer, verifier }: { readonly orderer: Orderer; readonly verifier: SignatureVerifier }) {
    this.#orderer = orderer;
    this.#verifier = verifier;
  }

  list(): readonly string[] {
    return this.#orderer.channelIds;
  }

  /** @throws {SelvageError} `CHANNEL_NOT_FOUND` */
  info(name: string): ChannelInfo {
    const bundle = this.#orderer.bundle(name);
    const height = this.#orderer.blocks(name)?.height();
    if (bundle === undefined || height === undefined) {
      if (this.#orderer.removing(name)) return { name, consensusRelation: 'consenter', status: 'inactive', height: 0n };
      throw notFound();
    }
    const clustered = CLUSTERS.has(bundle.orderer?.consensusType ?? '');
    return { name, consensusRelation: clustered ? 'consenter' : 'other', status: 'active', height };
  }

  /**
   * Begins a channel with its block 0.
   * @throws {SelvageError} `MALFORMED` for what is no such block, `CHANNEL_EXISTS`, `FOLDER_IN_USE` while it is being removed
   * @see ValidateJoinBlock in hyperledger/fabric v3.1, orderer/common/channelparticipation/validator.go
   */
  async join(block: common.Block): Promise<ChannelInfo> {
    const name = within('invalid join block', () => this.#joinable(block));
    if (this.#orderer.removing(name)) throw pendingRemoval();
    await this.#orderer.join(block);
    return this.info(name);
  }

  /**
   * Has an update of the configuration ordered.
   * @throws {SelvageError} `MALFORMED`, `CHANNEL_NOT_FOUND`, `FOLDER_IN_USE`, `CONFIG_INVALID` when it is refused
   */
  async update(envelope: common.Envelope): Promise<ChannelInfo> {
    const name = within('invalid config update envelope', () => updatedChannel(envelope));
    if (this.#orderer.removing(name)) throw pendingRemoval();
    if (this.#orderer.bundle(name) === undefined) throw notFound();
    const { status, info } = await this.#orderer.broadcast(common.Envelope.encode(envelope));
    if (status !== common.Status.SUCCESS) throw new SelvageError('CONFIG_INVALID', `failed update config of channel ${name}: ${info}`);
    return this.info(name);
  }

  /** @throws {SelvageError} `CHANNEL_NOT_FOUND`, `FOLDER_IN_USE` while it is being removed */
  async remove(name: string): Promise<void> {
    if (this.#orderer.removing(name)) throw pendingRemoval();
    await this.#orderer.remove(name);
  }

  /** @param which `newest`, `oldest`, `config` or a number @throws {SelvageError} `CHANNEL_NOT_FOUND`, `NOT_FOUND` */
  async block(name: string, which: string): Promise<common.Block> {
    const blocks = this.#orderer.blocks(name);
    if (blocks === undefined) throw this.#orderer.removing(name) ? pendingRemoval() : notFound();
    const at = async (number: bigint): Promise<common.Block> => {
      const block = number < 0n ? undefined : await blocks.block(number);
      if (block === undefined) throw new SelvageError('NOT_FOUND', `no such block number [${number}] in index`);
      return block;
    };
    if (which === 'oldest') return at(0n);
    const newest = blocks.height() - 1n;
    if (which === 'newest') return at(newest);
    return at(which === 'config' ? lastConfigOf(await at(newest)) : BigInt(which));
  }

  #joinable(block: common.Block): string {
    if (!isConfigBlock(block)) throw malformed('block is not a config block');
    if ((block.metadata?.metadata.length ?? 0) === 0) throw malformed('invalid block: does not have metadata');
    const hash = blockDataHash({ data: block.data?.data ?? [] });
    if (!equalBytes(hash, block.header?.dataHash ?? new Uint8Array()))
      throw malformed('invalid block: Header.DataHash is different from Hash(block.Data)');
    const { config, application } = bundleFromBlock(block, { verifier: this.#verifier });
    if (config.channelGroup?.groups.has('Consortiums'))
      throw malformed('invalid config: contains consortiums: system channel not supported');
    if (application === undefined) throw malformed('invalid config: must contain application config');
    return channelIdOfBlock(block);
  }
}

/** @see ValidateUpdateConfigEnvelope in hyperledger/fabric v3.1, orderer/common/channelparticipation/validator.go */
function updatedChannel({ payload }: common.Envelope): string {
  const { header, data } = read('bad payload', () => common.Payload.decode(payload));
  if (header === undefined || header.channelHeader.length === 0) throw malformed('bad header');
  const { type, channelId } = read('could not unmarshall channel header', () => common.ChannelHeader.decode(header.channelHeader));
  if (type !== common.HeaderType.CONFIG_UPDATE) throw malformed('bad type');
  if (channelId === '') throw malformed('empty channel id');
  const update = read('bad config update', () => common.ConfigUpdate.decode(common.ConfigUpdateEnvelope.decode(data).configUpdate));
  return update.channelId;
}

function read<T>(refusal: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new SelvageError('MALFORMED', refusal, { cause });
  }
}

function within<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof SelvageError)) throw cause;
    throw new SelvageError('MALFORMED', `${what}: ${cause.message}`, { cause });
  }
}

const malformed = (message: string): SelvageError => new SelvageError('MALFORMED', message);
const notFound = (): SelvageError => new SelvageError('CHANNEL_NOT_FOUND', 'channel does not exist');
const pendingRemoval = (): SelvageError => new SelvageError('FOLDER_IN_USE', 'channel pending removal');
