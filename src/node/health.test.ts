import { describe, expect, it } from 'vitest';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { SelvageError } from '../common/errors.ts';
import { failedChannels } from './health.ts';

const channel = (id: string, halted?: Error, stalled?: Error) =>
  ({ id, halted: () => halted, stalled: () => stalled }) as unknown as JoinedChannel;

describe('the health of channels', () => {
  it('is bad for those that could not be opened, those that are halted and those whose commits fail', () => {
    const channels = {
      list: () => [channel('well'), channel('stuck', new Error('disk')), channel('full', undefined, new Error('no space'))],
      failures: () => new Map([['lost', new SelvageError('LEDGER_CORRUPT', 'broken block')]]),
    };
    expect(failedChannels(channels)).toEqual([
      { component: 'channel.lost', reason: 'broken block' },
      { component: 'channel.stuck', reason: 'disk' },
      { component: 'channel.full', reason: 'no space' },
    ]);
  });

  it('is good otherwise', () => {
    expect(failedChannels({ list: () => [channel('well')], failures: () => new Map() })).toEqual([]);
  });
});
