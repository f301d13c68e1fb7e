import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyConfig, bundleFromBlock, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { blockOf, makeTransaction, sealed, signerOf, type TransactionInit } from '../../test/committer/transactions.ts';
import { ListedBlocks } from '../../test/fakes/listed-blocks.ts';
import { MemoryState } from '../../test/fakes/memory-state.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { runs } from '../../test/runs.ts';
import { BlockValidator } from '../committer/block-validator.ts';
import { vscc } from '../committer/plugins/vscc.ts';
import { utf8 } from '../common/bytes.ts';
import { transactionId } from '../ledger/blockstore/transaction-ids.ts';
import { prepareCommit } from '../ledger/commit/prepare-commit.ts';
import type { InvalidReason } from '../ledger/ledger.ts';
import { committedName, definitionRecord } from '../lifecycle/lifecycle-definition.ts';
import { writeRecord } from '../lifecycle/records.ts';
import { parsePolicyText } from '../msp/policies/policy-text.ts';
import { common, type kvrwset, protos } from '../protos/messages.ts';
import { explainAt } from './explain.ts';
import { codeName } from './remedies.ts';
import { plain } from './shown.ts';

const policyBytes = (text: string): Uint8Array => common.SignaturePolicyEnvelope.encode(parsePolicyText(text));
const BOTH = "AND('Org1MSP.peer','Org2MSP.peer')";

const call = fc.record({
  fault: fc.constantFrom(
    ...(['none', 'none', 'none', 'creator', 'endorser', 'channel', 'txid', 'hash', 'rwset', 'twice', 'epoch', 'type', 'empty'] as const),
    ...(['event', 'ghost', 'namespaces', 'action', 'name', 'response', 'headers'] as const),
  ),
  endorsedBy: fc.constantFrom([1], [2], [1, 2], [], [1, 1]),
  key: fc.constantFrom('a', 'b', 'c'),
  does: fc.constantFrom('put' as const, 'delete' as const, 'policy1' as const, 'policy2' as const),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

describe.skipIf(!fixtures)('the rules of a channel, asked again', () => {
  const [genesis] = recordedBlocks('v2.4', 'peer');
  const bundle = genesis && bundleFromBlock(genesis);
  const signers = {
    user: fixtures ? signerOf('v2.4', 1, 'User1') : undefined,
    peers: fixtures ? [1, 2].map((org) => signerOf('v2.4', org, 'peer0')) : [],
  };

  it('say of each transaction what they said when it was committed, whatever is wrong with it', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(call, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }), async (spec) => {
        const { blocks, reasons } = await committedChain(spec);
        for (const { number, reason } of reasons) {
          const explained = await explainAt({ block: number, index: reason.index }, new ListedBlocks(blocks), {
            signal: new AbortController().signal,
            most: 1_000,
          });
          seen.set(explained.code, (seen.get(explained.code) ?? 0) + 1);
          expect({ code: explained.code, doubts: explained.doubts }).toEqual({ code: codeName(reason.code), doubts: [] });
          if (explained.code === 'DUPLICATE_TXID') expect(explained.winner?.place).toEqual(firstOf(blocks, number, reason.index));
          else if (explained.details['policy'] === undefined) expect(explained.reason).toContain(plain(reason.message));
          else expect(explained.details).toMatchObject(reason.details);
          if (explained.details['policy'] === BOTH.replaceAll(',', ', ')) expect(explained.details['missing']).toBe(missingOf(reason));
        }
      }),
      { numRuns: runs(20) },
    );
    expect(seen.size).toBeGreaterThan(3);
    expect([...seen.values()].reduce((sum, count) => sum + count)).toBeGreaterThan(20);
  });

  /** What the committer says of each, on a state that it keeps as it goes. */
  async function committedChain(spec: readonly (readonly Call[])[]) {
    if (genesis === undefined || bundle === undefined) throw new Error('no recorded blocks');
    const memory = new MemoryState();
    const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig });
    const blocks: common.Block[] = [genesis];
    const ids = new Set<string>();
    const reasons: { readonly number: bigint; readonly reason: InvalidReason }[] = [];
    const commit = async (data: readonly Uint8Array[], trusted: boolean): Promise<void> => {
      const number = BigInt(blocks.length);
      const block = blockOf(number, data);
      using snapshot = memory.snapshot();
      const before = { state: snapshot, blocks: { hasTransaction: (id: string) => ids.has(id) } };
      const validated = trusted
        ? { flags: new Uint8Array(data.length), reasons: [] }
        : (await validator.validate(await validator.precheck(block, bundle), before)).validated;
      const { flags, updates } = await prepareCommit({ block, flags: validated.flags, snapshot });
      await memory.commit(updates, { blockNum: number, txNum: 0n });
      const lastConfig = common.Metadata.encode({ value: common.OrdererBlockMetadata.encode({ lastConfig: { index: 0n } }) });
      blocks.push({ ...block, metadata: { metadata: [lastConfig, new Uint8Array(0), flags] } });
      for (const bytes of data) ids.add(transactionId(bytes) ?? '');
      for (const reason of validated.reasons) reasons.push({ number, reason });
    };
    await commit([await definition()], true);
    let last: Uint8Array | undefined;
    for (const calls of spec) {
      const data: Uint8Array[] = [];
      for (const each of calls) {
        const bytes = await bytesOf(each, last);
        data.push(bytes);
        last = each.fault === 'none' ? bytes : last;
      }
      await commit(data, false);
    }
    return { blocks, reasons };
  }

  const base = (): Omit<TransactionInit, 'sets' | 'endorsers'> => {
    if (signers.user === undefined || bundle === undefined) throw new Error('no recorded keys');
    return { channelId: bundle.channelId, creator: signers.user, chaincode: 'cc', version: '1' };
  };

  async function definition(): Promise<Uint8Array> {
    const writes: kvrwset.KVWriteInit[] = [];
    const record = definitionRecord({
      sequence: 1n,
      version: '1',
      initRequired: false,
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
      validationParameter: protos.ApplicationPolicy.encode({ signaturePolicy: parsePolicyText(BOTH) }),
      collections: {},
    });
    await writeRecord(committedName('cc'), record, {
      get: () => undefined,
      put: (key, value) => void writes.push({ key, value }),
      delete: () => undefined,
    });
    return makeTransaction({ ...base(), chaincode: '_lifecycle', endorsers: [], sets: [{ namespace: '_lifecycle', writes }] });
  }

  async function bytesOf({ fault, endorsedBy, key, does }: Call, last: Uint8Array | undefined): Promise<Uint8Array> {
    if (fault === 'empty') return new Uint8Array(0);
    if (fault === 'twice' && last !== undefined) return last;
    const endorsers = endorsedBy.flatMap((org) => signers.peers[org - 1] ?? []);
    const write = does === 'put' || does === 'delete' ? [{ key, isDelete: does === 'delete', value: utf8(does === 'put' ? '1' : '') }] : [];
    const value = policyBytes(does === 'policy1' ? "OR('Org1MSP.peer')" : "OR('Org2MSP.peer')");
    const metadataWrites = does.startsWith('policy') ? [{ key, entries: [{ name: 'VALIDATION_PARAMETER', value }] }] : [];
    const own = { namespace: 'cc', writes: write, metadataWrites };
    const init: TransactionInit = {
      ...base(),
      endorsers,
      sets:
        fault === 'ghost'
          ? [own, { namespace: 'ghost', writes: [{ key, value: utf8('1') }] }]
          : fault === 'namespaces'
            ? [own, own]
            : [own],
      ...(fault === 'channel' && { channelId: 'elsewhere' }),
      ...(fault === 'event' && { events: utf8('x') }),
      ...(fault === 'rwset' && {
        extension: protos.ChaincodeAction.encode({ results: utf8('x'), chaincodeId: { name: 'cc', version: '1' } }),
      }),
      ...(fault === 'name' && { extension: protos.ChaincodeAction.encode({ chaincodeId: { name: 'other', version: '1' } }) }),
      ...(fault === 'response' && { extension: utf8('x') }),
    };
    return changed(await makeTransaction(init), fault);
  }

  /** Faults that are made after endorsing, under the creator's signature unless it is the fault. */
  async function changed(bytes: Uint8Array, fault: Call['fault']): Promise<Uint8Array> {
    const { creator } = base();
    const { payload, signature } = common.Envelope.decode(bytes);
    const { header, data } = common.Payload.decode(payload);
    const channelHeader = common.ChannelHeader.decode(header?.channelHeader ?? new Uint8Array(0));
    const signatureHeader = header?.signatureHeader ?? new Uint8Array(0);
    const withHeader = (init: common.ChannelHeaderInit) =>
      sealed(
        common.Payload.encode({
          header: { channelHeader: common.ChannelHeader.encode({ ...channelHeader, ...init }), signatureHeader },
          data,
        }),
        creator,
      );
    if (fault === 'creator') return common.Envelope.encode({ payload, signature: signature.toReversed() });
    if (fault === 'txid') return withHeader({ txId: 'd'.repeat(64) });
    if (fault === 'epoch') return withHeader({ epoch: 2n });
    if (fault === 'type') return withHeader({ type: 77 });
    if (fault === 'hash') return withHeader({ version: 9 });
    if (fault === 'headers') return sealed(common.Payload.encode({ data }), creator);
    const [action] = protos.Transaction.decode(data).actions;
    const noAction = protos.Transaction.encode({ actions: [] });
    if (fault === 'action') return sealed(common.Payload.encode({ header, data: noAction }), creator);
    if (fault !== 'endorser' || action === undefined) return bytes;
    const inner = protos.ChaincodeActionPayload.decode(action.payload);
    const endorsements = (inner.action?.endorsements ?? []).map((each) => ({ ...each, signature: each.signature.toReversed() }));
    const damaged = protos.ChaincodeActionPayload.encode({ ...inner, action: { ...inner.action, endorsements } });
    return sealed(
      common.Payload.encode({ header, data: protos.Transaction.encode({ actions: [{ ...action, payload: damaged }] }) }),
      creator,
    );
  }
});

/** Of the policy that wants both: whoever did not endorse well. */
const missingOf = ({ details }: InvalidReason): string =>
  ['Org1MSP', 'Org2MSP']
    .filter((org) => !String(details['endorsedBy']).includes(org))
    .map((org) => `${org}.peer`)
    .join(' and ');

function firstOf(blocks: readonly common.Block[], number: bigint, index: number) {
  const id = transactionId(blocks[Number(number)]?.data?.data[index] ?? new Uint8Array(0));
  for (const { header, data } of blocks)
    for (const [at, bytes] of (data?.data ?? []).entries()) if (transactionId(bytes) === id) return { block: header?.number, index: at };
  return undefined;
}
