import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../test/fakes/memory-state.ts';
import { hex, utf8 } from '../../common/bytes.ts';
import { commithash } from '../../protos/messages.ts';
import type { StateValue } from '../statedb/state.ts';
import { commitHash, heightBytes, updateBytes } from './commit-hash.ts';
import { Pace } from './pace.ts';
import { hashedSpace, PendingState, privateSpace, publicSpace } from './pending-state.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

function pending(): PendingState {
  const state = new PendingState(new MemoryState().snapshot());
  const put = (space: ReturnType<typeof publicSpace>, key: string, value: Uint8Array | undefined, txNum: bigint) => {
    const version = { blockNum: 1n, txNum };
    const stored: StateValue | undefined = value && { value, version };
    state.writable(space).set(key, { value: stored, version, txId: '' });
  };
  put(hashedSpace('mycc', 'c1'), '\u00aa', bytesOf('bb'), 0n);
  put(publicSpace('mycc'), 'b', undefined, 1n);
  put(publicSpace('mycc'), 'a', utf8('100'), 0n);
  put(privateSpace('mycc', 'c1'), 'secret', utf8('left out'), 0n);
  put(publicSpace(''), 'CHANNEL_CONFIG_ENV_BYTES', utf8('left out'), 0n);
  put(publicSpace('abc'), 'k', utf8('v'), 3n);
  state.writable(publicSpace('touched but empty'));
  return state;
}

describe('the commit hash', () => {
  it('is taken over the updates in Fabric bytes', async () => {
    const updates = await updateBytes(pending(), new Pace());
    expect(hex(updates)).toBe(
      '0a110a036162631a016b2a01763204010101030a130a046d7963631a01612a0331303032030101000a0b1a01622001320401010101' +
        '0a0f120263311a01aa2a01bb3203010100',
    );
    const hash = commitHash({ flags: Uint8Array.of(0, 0, 0, 11), updateBytes: updates, previous: undefined });
    expect(hex(hash)).toBe('94764c3325c4b092fe83eab07b7c4b0f596eaa0d7802d9727bae439fe5b58f84');
  });

  it('names a namespace and a collection once, however many updates they have', async () => {
    const state = new PendingState(new MemoryState().snapshot());
    for (const space of [publicSpace('mycc'), hashedSpace('mycc', 'c1')]) {
      for (let at = 0; at < 1_200; at += 1) {
        state.writable(space).set(String(at).padStart(5, '0'), { value: undefined, version: { blockNum: 1n, txNum: 0n }, txId: '' });
      }
    }
    const { kvwrites } = commithash.Updates.decode(await updateBytes(state, new Pace()));
    expect(kvwrites).toHaveLength(2_400);
    expect([...kvwrites.entries()].filter(([, write]) => write.namespace !== '' || write.collection !== '').map(([at]) => at)).toEqual([
      0, 1_200,
    ]);
    const keys = kvwrites.map(({ key }) => Buffer.from(key).toString());
    expect(keys.slice(0, 1_200)).toEqual(keys.slice(0, 1_200).toSorted());
  });

  it('depends on the one before and on every flag', () => {
    const parts = { flags: new Uint8Array(300), updateBytes: new Uint8Array(), previous: undefined };
    const hashes = [parts, { ...parts, previous: new Uint8Array(32) }, { ...parts, flags: new Uint8Array(301) }].map((each) =>
      hex(commitHash(each)),
    );
    expect(new Set(hashes).size).toBe(3);
  });

  it.each([
    [0n, 0n, '0000'],
    [1n, 255n, '010101ff'],
    [256n, 3n, '0201000103'],
    [4_294_967_296n, 18_446_744_073_709_551_615n, '05010000000008ffffffffffffffff'],
  ])('writes the height (%i, %i) as %s', (blockNum, txNum, expected) => {
    expect(hex(heightBytes({ blockNum, txNum }))).toBe(expected);
  });
});
