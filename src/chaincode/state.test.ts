import { describe, expect, it } from 'vitest';
import { SelvageError } from '../common/errors.ts';
import { type ChaincodeEvent, type ChaincodeState, next } from './state.ts';

const reason = new SelvageError('CHAINCODE_STREAM_ENDED', 'gone');
const states: Record<ChaincodeState['at'], ChaincodeState> = {
  stopped: { at: 'stopped' },
  launching: { at: 'launching', sinceMs: 7 },
  ready: { at: 'ready', streamId: 's' },
  stopping: { at: 'stopping' },
};
const events: Record<ChaincodeEvent['type'], ChaincodeEvent> = {
  launch: { type: 'launch', nowMs: 7 },
  registered: { type: 'registered', streamId: 's' },
  stop: { type: 'stop' },
  ended: { type: 'ended', reason },
};
const allowed: readonly [ChaincodeState['at'], ChaincodeEvent['type'], ChaincodeState][] = [
  ['stopped', 'launch', states.launching],
  ['launching', 'registered', states.ready],
  ['launching', 'stop', states.stopping],
  ['ready', 'stop', states.stopping],
];

describe('next', () => {
  it.each(allowed)('from %s by %s', (at, type, expected) => {
    expect(next(states[at], events[type])).toEqual(expected);
  });

  it('stops from every state, with the reason if there is one', () => {
    for (const state of Object.values(states)) {
      expect(next(state, events.ended)).toEqual({ at: 'stopped', reason });
      expect(next(state, { type: 'ended' })).toEqual({ at: 'stopped' });
    }
  });

  it('refuses everything else', () => {
    for (const [at, state] of Object.entries(states))
      for (const [type, event] of Object.entries(events)) {
        if (type === 'ended' || allowed.some(([from, by]) => from === at && by === type)) continue;
        expect(() => next(state, event)).toThrow(`chaincode is ${at}; ${type} is not expected`);
      }
  });
});
