import { judgeAgain } from '../committer/judge-again.ts';
import { endorsementsOf } from '../committer/plugins/endorsements.ts';
import type { Invalid } from '../committer/validation/outcome.ts';
import { precheck } from '../committer/validation/precheck.ts';
import { rulesOf, type ValidationRules } from '../committer/validation/rules.ts';
import type { ValidationState } from '../committer/validation-state.ts';
import { readTransaction, type Transaction } from '../ledger/commit/transaction.ts';
import { hashedNamespace, stateKeyOfHash } from '../ledger/simulator/private-namespaces.ts';
import { committedName } from '../lifecycle/lifecycle-definition.ts';
import { fieldKey, LIFECYCLE, metadataKey } from '../lifecycle/records.ts';
import { bundleFromBlock } from '../msp/channelconfig/bundle.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { lastConfigOf } from '../msp/channelconfig/config-block.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import type { common } from '../protos/messages.ts';
import { callOf } from './call.ts';
import type { ExplainedBlocks } from './explained-blocks.ts';
import { blockAt, type LookedBack, type Looking, lookBack } from './look-back.ts';
import { missingSets, policyText, watched } from './refused-policy.ts';
import { StateBefore } from './state-before.ts';
import { Touches } from './touches.ts';

/** What the rules say of a transaction again, and how much of the state before it was at hand for that. */
export interface Rejudged {
  /** Undefined where the rules find nothing wrong. */
  readonly invalid: Invalid | undefined;
  readonly looked: LookedBack;
}

/**
 * Judges a transaction once more by the rules of its channel at its height: by the configuration that was in force, and definitions and
 * policies of keys as the blocks before have left them.
 * @throws {SelvageError} `CHANNEL_HALTED` for a validation plugin that is not built in, `CONFIG_INVALID`, `NOT_FOUND`
 */
export async function rejudge(block: common.Block, index: number, blocks: ExplainedBlocks, looking: Looking): Promise<Rejudged> {
  const bundle = await bundleBefore(block, blocks, looking.signal);
  const state = new LookedUp(block.header?.number ?? 0n, blocks, looking);
  const bytes = block.data?.data[index];
  const watching = watched(bundle);
  state.expect(expectedKeys(block, index, rulesOf(bundle)));
  const invalid = await judgeAgain({ block, index, bundle: watching.bundle, state, reached: watching.forget });
  const refused = watching.refused();
  if (invalid === undefined || refused === undefined || bytes === undefined) return { invalid, looked: state.looked };
  const { candidate } = await precheck(bytes, bundle, rulesOf(bundle));
  const signed = candidate.ok && candidate.value.type === 'endorser' ? endorsementsOf(candidate.value.transaction) : [];
  const missing = await missingSets(refused, signed, bundle);
  const details = { ...invalid.details, policy: policyText(refused), ...(missing.length > 0 && { missing: missing.join(', or ') }) };
  return { invalid: { ...invalid, details }, looked: state.looked };
}

/** The configuration that judged a block: that of the block before. */
async function bundleBefore(block: common.Block, blocks: ExplainedBlocks, signal: AbortSignal): Promise<ChannelBundle> {
  const number = block.header?.number ?? 0n;
  const before = number === 0n ? block : await blockAt(blocks, number - 1n, signal);
  const last = number === 0n ? 0n : lastConfigOf(before);
  return bundleFromBlock(await blockAt(blocks, last, signal), { verifier: new SignatureVerifier() });
}

/** What is asked of the state for a transaction, and for the earlier ones of its block whose verdict counts for it. */
function* expectedKeys(
  { data }: common.Block,
  index: number,
  rules: ValidationRules,
): Generator<readonly [namespace: string, key: string]> {
  for (const [at, bytes] of (data?.data ?? []).slice(0, index + 1).entries()) {
    const { transaction } = readTransaction(bytes);
    if (transaction === undefined || !transaction.endorsed) continue;
    if (at === index || changesPolicies(transaction)) yield* keysToJudge(transaction, callOf(bytes).chaincode, rules);
  }
}

const changesPolicies = ({ namespaces }: Transaction): boolean =>
  namespaces.some(
    ({ kv, collections }) => kv.metadataWrites.length > 0 || collections.some(({ hashed }) => hashed.metadataWrites.length > 0),
  );

/** Definitions of the namespaces that count, and the keys that are written, which may have policies of their own. */
function* keysToJudge(
  { namespaces }: Transaction,
  called: string,
  { validator, plugin }: ValidationRules,
): Generator<readonly [namespace: string, key: string]> {
  for (const name of new Set([called, ...namespaces.map(({ namespace }) => namespace)])) {
    if (validator === 'v14') {
      yield ['lscc', name];
      yield ['lscc', `${name}~collection`];
      continue;
    }
    const record = committedName(name);
    yield [LIFECYCLE, metadataKey(record)];
    for (const field of ['Sequence', 'EndorsementInfo', 'ValidationInfo', 'Collections']) yield [LIFECYCLE, fieldKey(record, field)];
  }
  if (plugin === 'v12') return;
  for (const { namespace, kv, collections } of namespaces) {
    for (const { key } of [...kv.writes, ...kv.metadataWrites]) yield [namespace, key];
    for (const { collection, hashed } of collections)
      for (const { keyHash } of [...hashed.hashedWrites, ...hashed.metadataWrites])
        yield [hashedNamespace(namespace, collection), stateKeyOfHash(keyHash)];
  }
}

/** The state before a block, looked up when it is asked for: what is expected together, together. */
class LookedUp implements ValidationState {
  looked: LookedBack = 'done';
  readonly #number: bigint;
  readonly #blocks: ExplainedBlocks;
  readonly #looking: Looking;
  #expected: readonly (readonly [string, string])[] = [];
  #touches = new Touches({ values: true });

  constructor(number: bigint, blocks: ExplainedBlocks, looking: Looking) {
    this.#number = number;
    this.#blocks = blocks;
    this.#looking = looking;
  }

  expect(expected: Iterable<readonly [string, string]>): void {
    this.#expected = [...expected];
  }

  async get(namespace: string, key: string) {
    if (!this.#touches.has(namespace, key)) await this.#look([namespace, key]);
    return new StateBefore(this.#touches).get(namespace, key);
  }

  async #look(asked: readonly [string, string]): Promise<void> {
    const touches = new Touches({ values: true });
    this.#expected = [...this.#expected, asked];
    for (const [namespace, key] of this.#expected) touches.want(namespace, key);
    const looked = await lookBack(
      this.#blocks,
      touches,
      { from: this.#number - 1n, lowest: 0n, enough: () => touches.settled },
      this.#looking,
    );
    if (looked !== 'done') this.looked = looked;
    this.#touches = touches;
  }
}
