import { describe, expect, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { kvrwset, protos, rwset } from '../../protos/messages.ts';
import { adviceOf, inOneLine } from './deployments.ts';
import { describeInvalid, describeRwset } from './describe.ts';

function payload(sets: Readonly<Record<string, kvrwset.KVRWSetInit>>): Uint8Array {
  const nsRwset = Object.entries(sets).map(([namespace, set]) => ({ namespace, rwset: kvrwset.KVRWSet.encode(set) }));
  const results = rwset.TxReadWriteSet.encode({ nsRwset });
  return protos.ProposalResponsePayload.encode({ extension: protos.ChaincodeAction.encode({ results }) });
}

describe('what a transaction did', () => {
  it('is a line for each read, range and write, by namespace', () => {
    const set: kvrwset.KVRWSetInit = {
      reads: [{ key: 'a', version: { blockNum: 3n, txNum: 1n } }, { key: 'b' }],
      rangeQueriesInfo: [{ startKey: 'a', endKey: 'c' }],
      writes: [
        { key: 'a', value: utf8('1') },
        { key: 'b', isDelete: true },
      ],
    };
    expect(describeRwset(payload({ mycc: set, lscc: { reads: [{ key: 'mycc' }] } }))).toEqual([
      { namespace: 'mycc', text: 'read   a at block 3, tx 1' },
      { namespace: 'mycc', text: 'read   b (absent)' },
      { namespace: 'mycc', text: 'range  a … c' },
      { namespace: 'mycc', text: 'write  a = 1' },
      { namespace: 'mycc', text: 'delete b' },
      { namespace: 'lscc', text: 'read   mycc (absent)' },
    ]);
  });

  it('shows composite keys and the beginning of long values', () => {
    const writes = [{ key: '\u0000asset\u0000a\u0000', value: utf8('x'.repeat(101)) }];
    expect(describeRwset(payload({ mycc: { writes } }))[0]?.text).toBe(`write  ␀asset␀a␀ = ${'x'.repeat(100)}… (101 characters)`);
  });

  it('is nothing for a chaincode that did nothing', () => {
    expect(describeRwset(payload({}))).toEqual([]);
  });
});

describe('one line', () => {
  it('says why a transaction was invalidated', () => {
    const invalid = {
      txId: '0123456789abcdef',
      index: 0,
      code: 11,
      codeName: 'MVCC_READ_CONFLICT',
      message: 'a was\nwritten',
      details: {},
    };
    const told = { ...invalid, channelId: 'c', blockNumber: 5n, winner: undefined };
    expect(describeInvalid(told)).toBe('0123456789ab… in block 5, MVCC_READ_CONFLICT: a was\\u{a}written (selvage why -C c 5:0)');
    const details = { namespace: 'cc', key: 'a\u001b[2J', versionRead: '1:0', versionFound: '2:0' };
    expect(describeInvalid({ ...told, details, winner: 'put of cc, by User1 (Org1MSP), in fedcba987654… at 2:0' })).toBe(
      '0123456789ab… in block 5, MVCC_READ_CONFLICT: key "a\\u{1b}[2J" of cc was read at version 1:0 and is at version 2:0 now; ' +
        'it came after put of cc, by User1 (Org1MSP), in fedcba987654… at 2:0 (selvage why -C c 5:0)',
    );
  });

  it('says why an upgrade failed, with the error among the output', () => {
    expect(inOneLine('exited with 1, its last output:\n/x.js:1\n  TypeError: no\n    at x')).toBe(
      'exited with 1, its last output: TypeError: no',
    );
    expect(inOneLine('refused\nsomehow')).toBe('refused');
  });

  it('says what to do, with the cause that a failed launch ends with', () => {
    const message = 'exited with 1, its last output:\nSyntaxError: no\nThe sources have an error: x.js:1: no. Correct that line.';
    expect(adviceOf({ message, advice: 'Correct that line.' })).toBe('The sources have an error: x.js:1: no. Correct that line.');
    expect(adviceOf({ message: 'refused', advice: 'Ask.' })).toBe('Ask.');
    expect(adviceOf({ message, advice: undefined })).toBeUndefined();
  });
});
