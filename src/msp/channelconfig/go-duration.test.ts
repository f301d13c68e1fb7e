import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { goDurationMs } from './go-duration.ts';

describe('a duration of Go', () => {
  it.each([
    ['700ms', 700],
    ['2s', 2_000],
    ['1m30.5s', 90_500],
    ['1h', 3_600_000],
    ['250us', 0.25],
    ['-1s', -1_000],
    ['0', 0],
    ['.5s', 500],
  ])('%s is %d ms', (text, ms) => assert.equal(goDurationMs(text), ms));

  it.each(['', '2', '2 s', 's', '2x', '1s2', '--1s'])('is not %j', (text) => assert.equal(goDurationMs(text), undefined));
});
