import { describe, expect, it } from 'vitest';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { SelvageError } from '../common/errors.ts';
import { failedChannels } from './health.ts';

const channel = (id: string, halted?: Error) => ({ id, halted: () => halted }) as unknown as JoinedChannel;

describe('the health of channels', () => {
  it('is bad for those that could not be opened and those that are halted', () => {
    const channels = {
      list: () => [channel('well'), channel('stuck', new Error('disk'))],
      failures: () => new Map([['lost', new SelvageError('LEDGER_CORRUPT', 'broken block')]]),
    };
    expect(failedChannels(channels)).toEqual([
      { component: 'channel.lost', reason: 'broken block' },
      { component: 'channel.stuck', reason: 'disk' },
    ]);
  });

  it('is good otherwise', () => {
    expect(failedChannels({ list: () => [channel('well')], failures: () => new Map() })).toEqual([]);
  });
});
