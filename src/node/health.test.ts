import { describe, expect, it } from 'vitest';
import { SelvageError } from '../common/errors.ts';
import { failedChannels, lostServices } from './health.ts';

describe('the health of a peer', () => {
  it('names channels that could not be opened and those that were halted', () => {
    const channels = {
      failures: () => new Map([['broken', new SelvageError('LEDGER_CORRUPT', 'no blocks')]]),
      list: () => [
        { id: 'fine', halted: () => undefined },
        { id: 'halted', halted: () => new Error('no plugin') },
      ],
    };
    expect(failedChannels(channels as unknown as Parameters<typeof failedChannels>[0])).toEqual([
      { component: 'channel.broken', reason: 'no blocks' },
      { component: 'channel.halted', reason: 'no plugin' },
    ]);
  });

  it('names chaincode services that were lost', () => {
    const lost = new Map([['basic_1.0:ab', new SelvageError('CHAINCODE_STREAM_ENDED', 'connection to basic_1.0:ab terminated')]]);
    expect(lostServices({ lostServices: () => lost })).toEqual([
      { component: 'chaincode.basic_1.0:ab', reason: 'connection to basic_1.0:ab terminated' },
    ]);
  });
});
