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
import { rulesOf } from './validation/rules.ts';
import type { ValidationState } from './validation-state.ts';

const { CHAINCODE_VERSION_CONFLICT, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID } = protos.TxValidationCode;

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
}

/**
 * What the rules say of one transaction of a committed block, where its codes tell what became of the others. Duplicates and conflicts of
 * versions are not looked for. @returns undefined where nothing is wrong
 * @throws {SelvageError} as {@link BlockValidator.validate}
 */
export async function judgeAgain({ block, index, bundle, state }: JudgedAgain): Promise<Invalid | undefined> {
  const rules = rulesOf(bundle);
  const flags = flagsOf(block);
  const data = block.data?.data ?? [];
  const upgrades = flags[index] === CHAINCODE_VERSION_CONFLICT; // the one rule that looks at later transactions
  const transactions = await Promise.all((upgrades ? data : data.slice(0, index + 1)).map((bytes) => precheck(bytes, bundle, rules)));
  if (upgrades) return upgradeConflict(transactions, flags, index);
  const own = transactions[index];
  if (own === undefined) return undefined;
  const changes = settledChanges(transactions.slice(0, index), flags);
  const definitions = new DefinitionLookup({ bundle, state, rules });
  const shared = { bundle, rules, state, changes, definitions, plugins: new Map([['vscc', vscc]]) };
  const checked = await judge(own, { hasTransaction: () => false }, { ...shared, index });
  return checked.ok ? undefined : checked.invalid;
}

/** What earlier transactions did to the parameters of keys, by what became of them. */
function settledChanges(earlier: readonly Prechecked[], flags: Uint8Array): ParameterChanges {
  const changes = new ParameterChanges();
  for (const [index, { candidate }] of earlier.entries()) {
    if (!candidate.ok || candidate.value.type !== 'endorser' || !candidate.value.invocation.ok) continue;
    const { sets } = candidate.value.invocation.value;
    changes.announce(index, sets);
    for (const { namespace } of sets) changes.settle(index, namespace, ENDORSED.has(flags[index] ?? VALID));
    changes.finish(index);
  }
  return changes;
}

function upgradeConflict(transactions: readonly Prechecked[], flags: Uint8Array, index: number): Invalid | undefined {
  const verdicts: Verdicts = new Array<Invalid | undefined>(transactions.length).fill(undefined);
  const endorsed = (at: number): boolean => ENDORSED.has(flags[at] ?? VALID) || flags[at] === CHAINCODE_VERSION_CONFLICT;
  markUpgradeConflicts(
    transactions.map((each, at) => (endorsed(at) ? survivorOf(each) : undefined)),
    verdicts,
  );
  return verdicts[index];
}
