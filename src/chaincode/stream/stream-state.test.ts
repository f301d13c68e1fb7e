import { describe, expect, it } from 'vitest';
import { SelvageError } from '../../common/errors.ts';
import { Type } from './message-types.ts';
import { judge, next, type StreamState } from './stream-state.ts';

const reason = new SelvageError('CHAINCODE_STREAM_ENDED', 'gone');
const states: readonly StreamState[] = [
  { at: 'created' },
  { at: 'established', ccid: 'cc:1' },
  { at: 'ready', ccid: 'cc:1' },
  { at: 'ended', reason },
];

describe('next', () => {
  it('goes from created over established to ready', () => {
    const established = next({ at: 'created' }, { type: 'registered', ccid: 'cc:1' });
    expect(established).toEqual({ at: 'established', ccid: 'cc:1' });
    expect(next(established, { type: 'readied' })).toEqual({ at: 'ready', ccid: 'cc:1' });
  });

  it('ends from every state, and keeps the first reason', () => {
    for (const state of states) expect(next(state, { type: 'ended', reason })).toEqual({ at: 'ended', reason });
    const later = new SelvageError('CANCELLED', 'later');
    expect(next({ at: 'ended', reason }, { type: 'ended', reason: later })).toEqual({ at: 'ended', reason });
  });

  it('refuses events out of order', () => {
    expect(() => next({ at: 'created' }, { type: 'readied' })).toThrow('the chaincode stream is created; readied is not expected');
    expect(() => next({ at: 'ready', ccid: 'cc:1' }, { type: 'registered', ccid: 'x' })).toThrow('is not expected');
  });
});

describe('judge', () => {
  it('takes REGISTER once, and only first', () => {
    expect(judge({ at: 'created' }, Type.REGISTER, '').do).toBe('register');
    for (const state of states.slice(1, 3)) expect(judge(state, Type.REGISTER, '').do).toBe('refuse');
  });

  it('serves requests 8 to 11 and 14 to 25 only when ready, KEEPALIVE excepted', () => {
    const served = (state: StreamState) =>
      Array.from({ length: 40 }, (_, type) => type).filter((type) => judge(state, type, '').do === 'serve');
    expect(served({ at: 'ready', ccid: 'cc:1' })).toEqual([8, 9, 10, 11, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25]);
    for (const state of states) if (state.at !== 'ready') expect(served(state)).toEqual([]);
  });

  it('ignores KEEPALIVE everywhere, and everything after the end', () => {
    for (const state of states) expect(judge(state, Type.KEEPALIVE, '').do).toBe('ignore');
    for (let type = -1; type < 40; type += 1) expect(judge({ at: 'ended', reason }, type, '').do).toBe('ignore');
  });

  it('refuses the rest with the text of Fabric', () => {
    const txId = '0123456789abcdef';
    expect(judge({ at: 'ready', ccid: 'cc:1' }, Type.TRANSACTION, txId)).toEqual({
      do: 'refuse',
      text: '[01234567] Fabric side handler cannot handle message (TRANSACTION) while in ready state',
    });
    expect(judge({ at: 'created' }, Type.GET_STATE, '')).toEqual({
      do: 'refuse',
      text: '[] Fabric side handler cannot handle message (GET_STATE) while in created state',
    });
    expect(judge({ at: 'ready', ccid: 'cc:1' }, 99, txId)).toMatchObject({ text: expect.stringContaining('message (99)') });
  });
});
