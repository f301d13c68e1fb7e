import { detach } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { MaybePromise } from '../common/maybe.ts';
import type { Transaction } from '../ledger/commit/transaction.ts';
import type { BlockReader, InvalidReason, ValidatedBlock } from '../ledger/ledger.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { common, protos } from '../protos/messages.ts';
import { DefinitionLookup } from './definition-lookup.ts';
import type { ValidationPlugin } from './plugins/validation-plugin.ts';
import { markDuplicates, markUpgradeConflicts, type Survivor, type Verdicts } from './validation/block-rules.ts';
import { checkNamespaces, type NamespaceContext } from './validation/namespaces.ts';
import { type Checked, failed, type Invalid, passed } from './validation/outcome.ts';
import { ParameterChanges } from './validation/parameter-changes.ts';
import { type Candidate, type Prechecked, precheck } from './validation/precheck.ts';
import { rulesOf } from './validation/rules.ts';
import { upgradedChaincode } from './validation/upgraded-chaincode.ts';
import type { ValidationState } from './validation-state.ts';

const { DUPLICATE_TXID, VALID } = protos.TxValidationCode;

export interface BlockValidatorParts {
  /** Validation plugins by the name that definitions give them; `vscc` is the built-in one. */
  readonly plugins: ReadonlyMap<string, ValidationPlugin>;
  /** Authorises a new configuration against the old one. @throws {SelvageError} when it is not its successor */
  readonly applyConfig: (bundle: ChannelBundle, config: common.ConfigEnvelope) => MaybePromise<ChannelBundle>;
}

/** A block whose transactions passed what depends on one configuration alone. */
export interface PrecheckedBlock {
  readonly block: common.Block;
  readonly bundle: ChannelBundle;
  readonly transactions: readonly Prechecked[];
}

/** What a block is validated against: everything up to the block before it. */
export interface CommittedBefore {
  readonly state: ValidationState;
  readonly blocks: Pick<BlockReader, 'hasTransaction'>;
}

/** A block with codes, and what was read of its transactions for those who come after. */
export type Judged = ValidatedBlock & { readonly transactions: readonly (Transaction | undefined)[] };

export interface Validation {
  readonly validated: Judged;
  /** The configuration from the next block on; undefined when the block changes none. */
  readonly nextBundle: ChannelBundle | undefined;
}

/**
 * Gives every transaction of a block its code, except for conflicts of versions, which the ledger finds. A transaction is judged by
 * itself and beside the others; only then come the rules between transactions.
 */
export class BlockValidator {
  readonly #parts: BlockValidatorParts;

  constructor(parts: BlockValidatorParts) {
    this.#parts = parts;
  }

  /** The part that needs no state, so that it can run while the block before is committed. */
  async precheck(block: common.Block, bundle: ChannelBundle): Promise<PrecheckedBlock> {
    const rules = rulesOf(bundle);
    const transactions = await Promise.all((block.data?.data ?? []).map((bytes) => precheck(bytes, bundle, rules)));
    return { block, bundle, transactions };
  }

  /**
   * The rest, against state and blocks up to the one before.
   * @throws {SelvageError} what stops the channel (`CHANNEL_HALTED`, `CONFIG_INVALID`, `LEDGER_CORRUPT`), or what the state threw;
   *   then no transaction has a code
   */
  async validate(prechecked: PrecheckedBlock, before: CommittedBefore): Promise<Validation> {
    const { block, bundle, transactions } = prechecked;
    const verdicts = await this.#judgeEach(prechecked, before);
    const nextBundle = await this.#applyConfigs(transactions, bundle);
    const { capabilities, validator } = rulesOf(bundle);
    const survivors = transactions.map((each, index) => (verdicts[index] === undefined ? survivorOf(each) : undefined));
    if (capabilities.v11Validation) markDuplicates(survivors, verdicts);
    if (validator === 'v14') markUpgradeConflicts(survivors, verdicts);
    const validated = {
      block,
      flags: flagsOf(verdicts),
      reasons: reasonsOf(verdicts, transactions),
      transactions: transactions.map(transactionOf),
    };
    return { validated, nextBundle };
  }

  async #judgeEach({ bundle, transactions }: PrecheckedBlock, { state, blocks }: CommittedBefore): Promise<Verdicts> {
    const rules = rulesOf(bundle);
    const changes = new ParameterChanges();
    for (const [index, { candidate }] of transactions.entries()) {
      if (candidate.ok && candidate.value.type === 'endorser' && candidate.value.invocation.ok) {
        changes.announce(index, candidate.value.invocation.value.sets);
      }
    }
    const definitions = new DefinitionLookup({ bundle, state, rules });
    const shared = { bundle, rules, state, changes, definitions, plugins: this.#parts.plugins };
    const judged = await Promise.allSettled(transactions.map((each, index) => judge(each, blocks, { ...shared, index })));
    return judged.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value.ok ? undefined : result.value.invalid;
    });
  }

  /** A configuration that was ordered but does not follow from the one before is the end of the channel, not of the transaction. */
  async #applyConfigs(transactions: readonly Prechecked[], bundle: ChannelBundle): Promise<ChannelBundle | undefined> {
    let next: ChannelBundle | undefined;
    for (const { candidate } of transactions) {
      if (!candidate.ok || candidate.value.type !== 'config') continue;
      try {
        const config = common.ConfigEnvelope.decode(detach(candidate.value.signed.payload.data)); // the bundle outlives the block;
        next = await this.#parts.applyConfig(next ?? bundle, config);
      } catch (cause) {
        const text = 'error validating config which passed initial validity checks';
        throw new SelvageError('CHANNEL_HALTED', `${text}: ${SelvageError.from(cause).message}`, {
          cause,
          details: { channel: bundle.channelId },
        });
      }
    }
    return next;
  }
}

/** Steps 8 to 20. */
export async function judge(
  { txId, candidate }: Prechecked,
  blocks: CommittedBefore['blocks'],
  context: NamespaceContext,
): Promise<Checked<void>> {
  try {
    if (!candidate.ok) return candidate;
    if (candidate.value.type === 'config') return passed(undefined);
    if (await blocks.hasTransaction(txId)) return failed(DUPLICATE_TXID, `Duplicate transaction found, ${txId}`, { txId });
    const { invocation } = candidate.value;
    return invocation.ok ? await checkNamespaces(invocation.value, context) : invocation;
  } finally {
    context.changes.finish(context.index);
  }
}

export function survivorOf({ txId, candidate }: Prechecked): Survivor | undefined {
  const invocation = candidate.ok ? invocationOf(candidate.value) : undefined;
  return invocation && { txId, chaincode: invocation.chaincode, upgrades: upgradedChaincode(invocation) };
}

const invocationOf = (candidate: Candidate) =>
  candidate.type === 'endorser' && candidate.invocation.ok ? candidate.invocation.value : undefined;

/** What the ledger would read of it again; undefined for what is no endorser transaction, or none that can be read. */
function transactionOf({ txId, candidate }: Prechecked): Transaction | undefined {
  const invocation = candidate.ok ? invocationOf(candidate.value) : undefined;
  if (invocation === undefined) return undefined;
  const { timestamp } = invocation.transaction.channelHeader;
  const namespaces = invocation.sets.map(({ namespace, public: kv, collections }) => ({
    namespace,
    kv,
    collections: collections.map(({ name: collection, hashed, pvtRwsetHash }) => ({ collection, hashed, pvtRwsetHash })),
  }));
  return { txId, timestamp, endorsed: true, namespaces };
}

const flagsOf = (verdicts: Verdicts): Uint8Array => Uint8Array.from(verdicts, (invalid) => invalid?.code ?? VALID);

const reasonsOf = (verdicts: Verdicts, transactions: readonly Prechecked[]): readonly InvalidReason[] =>
  verdicts.flatMap((invalid: Invalid | undefined, index) =>
    invalid === undefined ? [] : [{ txId: transactions[index]?.txId ?? '', index, ...invalid }],
  );
