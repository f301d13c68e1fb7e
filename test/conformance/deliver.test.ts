import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/common/bytes.ts';
import { fixtures } from '../fixtures.ts';
import { blockNumberIn } from './recorded-deliver.ts';
import { NETWORKS } from './recording.ts';
import { Report } from './report.ts';
import { type Walk, walked } from './walk.ts';

describe.skipIf(fixtures === undefined)('recorded deliver calls (needs the recorded fixtures)', () => {
  const report = new Report('deliver');
  afterAll(() => report.print());

  describe.each(NETWORKS)('%s', (network) => {
    let walk: Walk;
    beforeAll(async () => {
      walk = await walked(network);
    });

    it('of peers get the recorded blocks and statuses', () => {
      for (const { call, recorded, ours } of walk.delivers) {
        for (const [index, response] of recorded.entries())
          expect(hex(ours[index] ?? new Uint8Array()), `${call.name}, answer ${index}`).toBe(hex(response));
        const last = recorded.at(-1);
        if (last !== undefined && blockNumberIn(last) === undefined) expect(ours.length, call.name).toBe(recorded.length);
        report.covered(`${network} ${call.method} answers`, recorded.length);
      }
      expect(walk.delivers.length).toBeGreaterThan(0);
    });
  });
});
