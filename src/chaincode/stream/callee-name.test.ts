import { describe, expect, it } from 'vitest';
import { parseCalleeName } from './callee-name.ts';

describe('parseCalleeName', () => {
  it('reads all four forms', () => {
    expect(parseCalleeName('cc')).toEqual({ name: 'cc', version: '', channelId: '' });
    expect(parseCalleeName('cc/ch')).toEqual({ name: 'cc', version: '', channelId: 'ch' });
    expect(parseCalleeName('cc:1.0')).toEqual({ name: 'cc', version: '1.0', channelId: '' });
    expect(parseCalleeName('cc:1.0/ch')).toEqual({ name: 'cc', version: '1.0', channelId: 'ch' });
  });
});
