import { describe, expect, it } from 'vitest';
import { recordedBlocks } from '../../test/committer/recorded-network.ts';
import { ListedBlocks } from '../../test/fakes/listed-blocks.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { flagsOf } from '../ledger/block-metadata.ts';
import { protos } from '../protos/messages.ts';
import { explainAt, explainId } from './explain.ts';
import { linesOf } from './lines.ts';

const looking = { signal: new AbortController().signal, most: 1_000 };

/** What is wrong with transactions of the recorded networks, and who came before them, by network and place. */
const REASONS: Readonly<Record<string, { readonly reason: string; readonly winner?: string }>> = {
  'v1.1 32:1': { reason: 'key "ctr" of kvnode was read at version 5:1 and is at version 32:0 now', winner: '32:0' },
  'v1.1 33:1': { reason: 'the range query from "r1" to "r9" of kvnode did not find key "r25"', winner: '33:0' },
  'v1.1 34:1': { reason: 'the range query from "fill" to "fill~" of kvnode did not find key "fill0050x"', winner: '34:0' },
  'v1.1 35:1': { reason: 'the range query from "r1" to "r9" of kvnode found key "r2", which is gone', winner: '35:0' },
  'v1.1 36:1': { reason: 'key "a" of kvnode was read at version 3:0 and is absent now', winner: '36:0' },
  'v1.1 39:0': { reason: 'it is endorsed by Org1MSP, and the policy of kvgo also wants Org2MSP.member' },
  'v1.1 42:0': { reason: 'its id stands in block 41, transaction 0 already', winner: '41:0' },
  'v1.1 43:1': { reason: 'its id stands in block 43, transaction 0 already', winner: '43:0' },
  'v1.1 49:0': {
    reason:
      "another version of the chaincode is instantiated than the one that endorsed it: chaincode kvnode:7.7 didn't match kvnode:1.0 in lscc",
  },
  'v2.4 16:4': { reason: 'it is endorsed by Org1MSP, and the policy of kv24 also wants Org2MSP.peer' },
  'v2.4 30:0': { reason: 'it is endorsed by Org2MSP, and the policy of collection collOrg1 of asset24 also wants Org1MSP.peer' },
  'v2.4 33:1': {
    reason: 'the key with hash f64551fcd6f07823… in collection collShared of asset24 was read at version 26:0 and is at version 33:0 now',
    winner: '33:0',
  },
  'v2.4 36:0': { reason: 'it is endorsed by Org1MSP, and the policy of key "guarded" of asset24 also wants Org2MSP.peer' },
  'v2.4 45:2': { reason: 'key "n" of asset24 was read as absent and is at version 45:0 now', winner: '45:0' },
  'v2.4 47:1': { reason: 'the range query from "f" to "f~" of asset24 found key "f1050", which is gone', winner: '47:0' },
  'v2.4 51:0': {
    reason: 'no endorsement of it counts (Org1MSP: bad signature), and the policy of asset24 wants Org1MSP.member, or Org2MSP.member',
  },
  'v2.4 53:0': { reason: 'the chaincode is not defined on the channel, or its definition is not complete: chaincode lscc not found' },
  'v2.4 58:0': { reason: 'the parts of the transaction do not belong together: proposal hash does not match' },
  'v2.4 73:0': {
    reason: 'it is endorsed by Org1MSP, Org2MSP, and the policy of kv24 also wants Org1MSP.admin and Org2MSP.admin',
  },
};

describe.skipIf(!fixtures)('invalid transactions of recorded networks', () => {
  it.each(['v1.1', 'v2.4'] as const)('of %s are all explained by their blocks alone', async (network) => {
    const list = recordedBlocks(network, 'peer');
    const blocks = new ListedBlocks(list, { channelId: network });
    let expected = Object.keys(REASONS).filter((place) => place.startsWith(network)).length;
    for (const block of list)
      for (const [index, code] of flagsOf(block).entries()) {
        const number = block.header?.number ?? 0n;
        if (code === protos.TxValidationCode.VALID) continue;
        const explained = await explainAt({ block: number, index }, blocks, looking);
        const place = `${network} ${number}:${index}`;
        expect({ place, doubts: explained.doubts, valid: explained.valid }).toEqual({ place, doubts: [], valid: false });
        expect(linesOf(explained).length).toBeLessThanOrEqual(12);
        const told = REASONS[place];
        if (told === undefined) continue;
        expected -= 1;
        const winner = explained.winner && `${explained.winner.place.block}:${explained.winner.place.index}`;
        expect({ place, reason: explained.reason, winner }).toEqual({ place, reason: told.reason, winner: told.winner });
      }
    expect(expected).toBe(0);
  });

  it('are told in a few lines, with the transaction that came before and one thing to do', async () => {
    const blocks = new ListedBlocks(recordedBlocks('v2.4', 'peer'), { channelId: 'ch' });
    expect(linesOf(await explainAt({ block: 45n, index: 1 }, blocks, looking))).toEqual([
      '8a925c3e973125575ce5b673043e3f3851196ff207e59ac523bbaf91858f7998',
      '  invalid     MVCC_READ_CONFLICT, in block 45, transaction 1 of ch',
      '  call        incr("n") of asset24',
      '  by          User1@org1.example.com (Org1MSP)',
      '  because     key "n" of asset24 was read as absent and is at version 45:0 now',
      '  written by  8680568b9080f6002f806fd3761f94f8453e1177dd3b2757b865aa41cbada80c',
      '              incr("n") of asset24, in transaction 0 of the same block',
      '              by User1@org1.example.com (Org1MSP)',
      expect.stringMatching(/^ {2}what to do {2}Submit it again; /),
    ]);
  });

  it('read no more blocks than lie between what was read and the transaction', async () => {
    const blocks = new ListedBlocks(recordedBlocks('v1.1', 'peer'));
    await explainAt({ block: 36n, index: 1 }, blocks, looking);
    expect(blocks.read).toBe(1 + 32 + 1); // its own, those after block 3, and block 3 for what was read
  });

  it('say what stays unknown where a peer has no old blocks, or not all may be read', async () => {
    const list = recordedBlocks('v2.4', 'peer');
    const snapshot = new ListedBlocks(list.slice(30), { first: 30n });
    const unknown = await explainAt({ block: 47n, index: 1 }, snapshot, looking);
    expect(unknown).toMatchObject({ perhaps: true, winner: { place: { block: 47n, index: 0 } } });
    expect(unknown.doubts).toEqual(['The peer does not have the oldest blocks: ask one that has them.']);
    const few = await explainAt({ block: 36n, index: 0 }, new ListedBlocks(list), { ...looking, most: 2 });
    expect(few.code).toBe('ENDORSEMENT_POLICY_FAILURE');
    expect(few.doubts[0]).toBe('Only 2 blocks were read: --blocks N reads more.');
  });

  it('are refused by name when there is no such transaction', async () => {
    const blocks = new ListedBlocks(recordedBlocks('v2.4', 'peer'), { channelId: 'ch' });
    await expect(explainId('\u001b[2Jab', blocks, looking)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'there is no transaction \\u{1b}[2Jab on channel ch',
    });
    await expect(explainId('0123456789ab', blocks, looking)).rejects.toMatchObject({
      advice: 'An id has 64 hexadecimal digits, and its beginning is not enough: give all of it, or the place as BLOCK:INDEX.',
    });
    await expect(explainId('0'.repeat(64), blocks, looking)).rejects.toMatchObject({ advice: /of another channel/ });
    await expect(explainAt({ block: 999n, index: 0 }, blocks, looking)).rejects.toThrow('there is no block 999 yet on channel ch');
    await expect(explainAt({ block: 45n, index: 9 }, blocks, looking)).rejects.toThrow('block 45 has no transaction 9');
  });

  it('say of a valid transaction what it wrote', async () => {
    const blocks = new ListedBlocks(recordedBlocks('v1.1', 'peer'));
    const lines = linesOf(await explainAt({ block: 5n, index: 1 }, blocks, looking));
    expect(lines).toContain('  wrote       "ctr" of kvnode = 5');
    expect(lines[1]).toMatch(/^ {2}valid/);
  });
});
