import { flagsOf } from '../ledger/block-metadata.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { type common, protos } from '../protos/messages.ts';
import { judge, survivorOf } from './block-validator.ts';
import { DefinitionLookup } from './definition-lookup.ts';
import { vscc } from './plugins/vscc.ts';
import { markUpgradeConflicts, type Verdicts } from './validation/block-rules.ts';
import type { Invalid } from './validation/outcome.ts';
import { ParameterChanges } from './validation/parameter-changes.ts';
import { type Prechecked, precheck } from './validation/precheck.ts';
import type { NamespaceSet } from './validation/read-write-set.ts';
import { rulesOf } from './validation/rules.ts';
import type { ValidationState } from './validation-state.ts';

const { CHAINCODE_VERSION_CONFLICT, DUPLICATE_TXID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID } = protos.TxValidationCode;

/** Codes of transactions whose endorsements sufficed. */
const ENDORSED: ReadonlySet<number> = new Set([VALID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT]);

export interface JudgedAgain {
  /** Committed, with the codes of its transactions. */
  readonly block: common.Block;
  readonly index: number;
  /** In force when the block came. */
  readonly bundle: ChannelBundle;
  /** Before the block. */
  readonly state: ValidationState;
  /** Called when those before it in the block are done, and only its own verdict is to come. */
  readonly reached?: (() => void) | undefined;
}

/**
 * What the rules say of one transaction of a committed block, where its codes tell what became of the others. Duplicates and conflicts of
 * versions are not looked for. @returns undefined where nothing is wrong
 * @throws {SelvageError} as {@link BlockValidator.validate}
 */
export async function judgeAgain({ block, index, bundle, state, reached }: JudgedAgain): Promise<Invalid | undefined> {
  const rules = rulesOf(bundle);
  const flags = flagsOf(block);
  const data = block.data?.data ?? [];
  const upgrades = flags[index] === CHAINCODE_VERSION_CONFLICT; // the one rule that looks at later transactions
  const transactions = await Promise.all((upgrades ? data : data.slice(0, index + 1)).map((bytes) => precheck(bytes, bundle, rules)));
  if (upgrades) return upgradeConflict(transactions, flags, index);
  const own = transactions[index];
  if (own === undefined) return undefined;
  const earlier = transactions.slice(0, index);
  const changes = new ParameterChanges();
  const definitions = new DefinitionLookup({ bundle, state, rules });
  const shared = { bundle, rules, state, changes, definitions, plugins: new Map([['vscc', vscc]]) };
  for (const [at, each] of earlier.entries()) changes.announce(at, setsOf(each));
  for (const [at, each] of earlier.entries()) {
    const absent = {
      hasTransaction: () =>
        flags[at] === DUPLICATE_TXID &&
        !earlier.slice(0, at).some(({ txId }, before) => txId === each.txId && flags[before] !== DUPLICATE_TXID),
    };
    if (changesParameters(each)) await judge(each, absent, { ...shared, index: at });
  }
  reached?.();
  const checked = await judge(own, { hasTransaction: () => false }, { ...shared, index });
  return checked.ok ? undefined : checked.invalid;
}

const setsOf = ({ candidate }: Prechecked): readonly NamespaceSet[] =>
  candidate.ok && candidate.value.type === 'endorser' && candidate.value.invocation.ok ? candidate.value.invocation.value.sets : [];

/** Whether later transactions of the block wait for the verdict over it, namespace by namespace: its code alone does not tell that. */
const changesParameters = (transaction: Prechecked): boolean =>
  setsOf(transaction).some(
    ({ public: { metadataWrites }, collections }) =>
      metadataWrites.length > 0 || collections.some(({ hashed }) => hashed.metadataWrites.length > 0),
  );

function upgradeConflict(transactions: readonly Prechecked[], flags: Uint8Array, index: number): Invalid | undefined {
  const verdicts: Verdicts = new Array<Invalid | undefined>(transactions.length).fill(undefined);
  const endorsed = (at: number): boolean => ENDORSED.has(flags[at] ?? VALID) || flags[at] === CHAINCODE_VERSION_CONFLICT;
  markUpgradeConflicts(
    transactions.map((each, at) => (endorsed(at) ? survivorOf(each) : undefined)),
    verdicts,
  );
  return verdicts[index];
}
