import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyConfig, bundleFromBlock, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { blockOf, sealed, signerOf } from '../../test/committer/transactions.ts';
import { MemoryState } from '../../test/fakes/memory-state.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { runs } from '../../test/runs.ts';
import { equalBytes } from '../common/bytes.ts';
import type { StateSnapshot } from '../ledger/statedb/state.ts';
import { membersPolicy } from '../lifecycle/endorsement-policy.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { ccprovider, common, protos } from '../protos/messages.ts';
import { BlockValidator } from './block-validator.ts';
import { verifyBlock } from './block-verification.ts';
import { vscc } from './plugins/vscc.ts';

/** Ways to damage bytes: overwrite, cut, repeat, insert. */
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('repeat' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  return mutations.reduce((before, { kind, at, byte }) => {
    const index = Math.min(before.length - 1, Math.floor(at * before.length));
    if (index < 0) return before;
    const [head, tail] = [before.subarray(0, index), before.subarray(index)];
    if (kind === 'set') return Buffer.concat([head, Buffer.from([byte]), tail.subarray(1)]);
    if (kind === 'cut') return Buffer.concat([head, tail.subarray(1 + (byte % 8))]);
    if (kind === 'repeat') return Buffer.concat([head, tail.subarray(0, byte), tail]);
    return Buffer.concat([head, Buffer.from([byte]), tail]);
  }, bytes);
}

/** What endorsers and creator vouch for: the same in every form of a transaction that may count. */
function essence(envelope: Uint8Array): readonly Uint8Array[] {
  const { header, data } = common.Payload.decode(common.Envelope.decode(envelope).payload);
  const payload = protos.Transaction.decode(data).actions[0]?.payload ?? new Uint8Array();
  const { action, chaincodeProposalPayload } = protos.ChaincodeActionPayload.decode(payload);
  const none = new Uint8Array();
  return [header?.channelHeader ?? none, action?.proposalResponsePayload ?? none, chaincodeProposalPayload];
}

const AT = { number: 3n, previousHash: undefined };

describe.skipIf(!fixtures)('damaged transactions and blocks', () => {
  const [genesis, , , block] = recordedBlocks('v1.1', 'peer');
  const bundle = genesis && bundleFromBlock(genesis);
  const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig });
  const original = recordedBlocks('v1.1', 'peer')[5]?.data?.data[0] ?? new Uint8Array();

  async function codeOf(bytes: Uint8Array, state: StateSnapshot): Promise<number | undefined> {
    const prechecked = await validator.precheck(blockOf(2n, [bytes]), bundle as ChannelBundle);
    const { validated } = await validator.validate(prechecked, { state, blocks: { hasTransaction: () => false } });
    expect(validated.flags).toHaveLength(1);
    expect(validated.reasons).toHaveLength(validated.flags[0] === 0 ? 0 : 1);
    return validated.flags[0];
  }

  async function stateWith(policy: ReturnType<typeof membersPolicy>): Promise<MemoryState> {
    const state = new MemoryState();
    const envelope = policy.kind === 'signature' ? policy.envelope : new Uint8Array();
    const value = ccprovider.ChaincodeData.encode({ name: 'kvnode', version: '1.0', vscc: 'vscc', policy: envelope });
    const version = { blockNum: 1n, txNum: 0n };
    await state.commit([{ namespace: 'lscc', key: 'kvnode', value: { value, version } }], version);
    return state;
  }

  it('never count when the envelope was damaged, unless payload and signature are what they were', async () => {
    const memory = await stateWith(membersPolicy(1, ['Org1MSP', 'Org2MSP']));
    using state = memory.snapshot();
    expect(await codeOf(original, state)).toBe(0);
    const { payload, signature } = common.Envelope.decode(original);
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const damaged = mutate(original, mutations);
        if ((await codeOf(damaged, state)) !== 0) return;
        const after = common.Envelope.decode(damaged);
        expect(equalBytes(after.payload, payload)).toBe(true);
        expect(equalBytes(after.signature.subarray(0, signature.length), signature)).toBe(true);
      }),
      { numRuns: runs(1_500) },
    );
  });

  it('never count with other content, even when the creator signs it', async () => {
    const memory = await stateWith(membersPolicy(1, ['Org1MSP', 'Org2MSP']));
    using state = memory.snapshot();
    const { payload } = common.Envelope.decode(original);
    const creator = signerOf('v1.1', 1, 'Admin');
    const signed = await sealed(payload, creator);
    expect(await codeOf(signed, state)).toBe(0);
    const before = essence(original);
    const codes = new Set<number | undefined>();
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const damaged = await sealed(mutate(payload, mutations), creator);
        const code = await codeOf(damaged, state);
        codes.add(code);
        if (code === 0) expect(essence(damaged).every((part, index) => equalBytes(part, before[index] ?? new Uint8Array()))).toBe(true);
      }),
      { numRuns: runs(1_500) },
    );
    expect(codes.size).toBeGreaterThan(1);
  });

  it('are refused on receipt when any part that is hashed or signed was touched', async () => {
    if (block === undefined || bundle === undefined) throw new Error('no recorded block');
    const bytes = common.Block.encode(block);
    await verifyBlock(block, AT, bundle);
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 2 }), async (mutations) => {
        const damaged = decodedBlock(mutate(bytes, mutations));
        if (damaged === undefined) return;
        const verdict = await verifyBlock(damaged, AT, bundle).then(
          () => 'accepted',
          (thrown: { code: string }) => thrown.code,
        );
        if (verdict === 'BLOCK_INVALID') return;
        expect(verdict).toBe('accepted');
        expect(damaged.header).toEqual(block.header);
        expect(damaged.data?.data).toEqual(block.data?.data);
      }),
      { numRuns: runs(1_000) },
    );
  });
});

function decodedBlock(bytes: Uint8Array): common.Block | undefined {
  try {
    return common.Block.decode(bytes);
  } catch {
    return undefined;
  }
}
