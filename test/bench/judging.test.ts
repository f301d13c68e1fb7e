import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { aimsTable } from '../../bench/aims.ts';
import type { EndorsingRound } from '../../bench/endorsing.ts';
import type { CommittingResult, EndorsingResult } from '../../bench/report.ts';
import { judge } from '../../bench/smoke.ts';

const round = (perSecond: number, peerCpu: number, chaincodeCpu = 1): EndorsingRound => ({
  calls: 1,
  perSecond,
  p50: 1000 / perSecond,
  p95: 1,
  p99: 1,
  peerCpu,
  chaincodeCpu,
  clientCpu: 1,
});

const result = (workload: string, theirs: readonly EndorsingRound[], ours: readonly EndorsingRound[], inFlight = 32): EndorsingResult => ({
  workload,
  inFlight,
  equalPayloads: 1,
  endorsers: [
    { endorser: 'theirs', rounds: theirs },
    { endorser: 'ours', rounds: ours },
  ],
});

describe('The table of aims', () => {
  /** The last columns: ratio, aim, met. */
  const rowsOf = (table: string, call: string): string[] =>
    table.split('\n').flatMap((line) => (line.startsWith(call) ? [line.replace(/.*ours +/, '').replace(/ +/g, ' ')] : []));

  it('says of each figure whether it is reached, by the rounds that were measured side by side', () => {
    const noop = result('noop', [round(100, 1), round(10, 10)], [round(160, 0.6), round(16, 6)]);
    assert.deepEqual(rowsOf(aimsTable('node-service', [noop], []), 'noop'), ['per second 1.60 x >= 1.5 yes', 'peer CPU 0.60 x <= 0.5 no']);
  });

  it('counts the chaincode where the peer starts it', () => {
    const put = result('one put', [round(100, 2, 8)], [round(250, 2, 1)]);
    assert.deepEqual(rowsOf(aimsTable('node-local', [put], []), 'one put'), [
      'per second 2.50 x >= 2 yes',
      'peer + chaincode CPU 0.30 x <= 0.35 yes',
    ]);
  });

  it('has latencies of one call at a time, and what could not be measured without a verdict', () => {
    const alone = result('noop', [round(100, 1)], [round(200, 1)], 1);
    assert.deepEqual(rowsOf(aimsTable('go-service', [alone], []), 'noop'), ['p50 0.50 x <= 0.6 yes']);
    const unseen = result('noop', [round(100, Number.NaN)], [round(100, 1)]);
    assert.deepEqual(rowsOf(aimsTable('go-service', [unseen], []), 'noop'), ['per second 1.00 x >= 1.5 no', 'peer CPU - <= 0.5 -']);
  });

  it('judges commits too', () => {
    const rounds = (perSecond: number, peerCpu: number) => [{ p50: 1, p95: 1, perSecond, peerCpu }];
    const commits: CommittingResult = {
      endorsedBy: 'itself',
      endorsers: [
        { endorser: 'theirs', rounds: rounds(100, 1) },
        { endorser: 'ours', rounds: rounds(130, 1.1) },
      ],
    };
    assert.deepEqual(rowsOf(aimsTable('go-service', [], [commits]), 'commit, endorsed by itself'), [
      'per second 1.30 x >= 1.2 yes',
      'peer CPU 1.10 x <= 1 no',
    ]);
  });

  it('is empty where nobody stands beside us', () => {
    const alone: EndorsingResult = { ...result('noop', [], []), endorsers: [{ endorser: 'ours', rounds: [round(1, 1)] }] };
    assert.equal(aimsTable('node-service', [alone], []), '');
  });
});

describe('A guard', () => {
  const guard = { workload: 'noop', cheaper: 'ours', than: 'theirs', cpu: 'peer', atMost: 0.9 } as const;

  it('holds by the median of the rounds: one that was disturbed does not break it', () => {
    const noop = result('noop', [round(1, 1), round(1, 1), round(1, 1)], [round(1, 0.6), round(1, 7), round(1, 0.7)]);
    assert.deepEqual(judge(guard, [noop]), []);
  });

  it('tells by how much it does not hold', () => {
    const noop = result('noop', [round(1, 1, 9)], [round(1, 0.95, 1)]);
    const told = ['noop: the CPU time of the peer with ours is 0.95 times that with theirs, and at most 0.9 are allowed'];
    assert.deepEqual(judge(guard, [noop]), told);
    assert.deepEqual(judge({ ...guard, cpu: 'chaincode' }, [noop]), []);
  });

  it('does not hold where nothing was measured', () => {
    assert.equal(judge(guard, []).length, 1);
  });
});
