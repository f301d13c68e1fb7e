import { describe, expect, it } from 'vitest';
import { StatsdMetrics } from './statsd-metrics.ts';
import { statsdName } from './statsd-names.ts';

describe('names in StatsD', () => {
  it.each([
    [
      'grpc_server_unary_requests_received',
      { service: 'protos_Endorser', method: 'ProcessProposal' },
      'grpc.server.unary_requests_received.protos_Endorser.ProcessProposal',
    ],
    ['grpc_comm_conn_opened', {}, 'grpc.comm.conn_opened'],
    ['ledger_blockstorage_and_pvtdata_commit_time', { channel: 'mychannel' }, 'ledger.blockstorage_and_pvtdata_commit_time.mychannel'],
    ['gossip_payload_buffer_size', { channel: 'c' }, 'gossip.payload_buffer.size.c'],
    ['gossip_leader_election_leader', { channel: 'c' }, 'gossip.leader_election.leader.c'],
    ['logging_entries_checked', { level: 'info' }, 'logging.entries_checked.info'],
    ['chaincode_launch_duration', { chaincode: 'cc:1.0', success: 'true' }, 'chaincode.launch_duration.cc_1_0.true'],
    ['fabric_version', { version: 'v2.5.16' }, 'fabric_version.v2_5_16'],
    ['go_mem_gc_completed_count', {}, 'go.mem.gc_completed_count'],
    ['selvage_ledger_snapshots_open', { channel: 'a b|c' }, 'selvage.ledger_snapshots_open.a_b_c'],
  ])('%s %j', (name, labels, expected) => {
    expect(statsdName(name, labels)).toBe(expected);
  });
});

describe('metrics for StatsD', () => {
  it('are counted since the last time, set as they are, and timed one by one', () => {
    const metrics = new StatsdMetrics('org1_peer0');
    const counter = metrics.counter('endorser_proposals_received', 'Proposals.');
    const gauge = metrics.gauge('ledger_blockchain_height', 'Height.', { channel: 'c' });
    const seconds = metrics.histogram('ledger_statedb_commit_time', 'Seconds.', { channel: 'c' });
    counter.add();
    counter.add(2);
    gauge.set(5);
    gauge.add(1);
    seconds.observe(0.25);
    seconds.observe(2);
    expect(metrics.take()).toEqual([
      'org1_peer0.endorser.proposals_received:3.000000|c\n',
      'org1_peer0.ledger.blockchain_height.c:6.000000|g\n',
      'org1_peer0.ledger.statedb_commit_time.c:0.250000|ms\n',
      'org1_peer0.ledger.statedb_commit_time.c:2.000000|ms\n',
    ]);
    expect(metrics.take()).toEqual([]);
    gauge.add(-2);
    expect(metrics.take()).toEqual(['org1_peer0.ledger.blockchain_height.c:4.000000|g\n']);
  });

  it('of one name are one, whoever asks, with or without a prefix', () => {
    for (const [prefix, start] of [
      ['', ''],
      ['p.', 'p.'],
    ] as const) {
      const metrics = new StatsdMetrics(prefix);
      for (const _ of [1, 2]) metrics.histogram('deliver_x', '', { channel: 'c' }).observe(1);
      for (const _ of [1, 2]) metrics.counter('deliver_y', '').add();
      expect(metrics.take()).toEqual([`${start}deliver.y:2.000000|c\n`, ...[1, 2].map(() => `${start}deliver.x.c:1.000000|ms\n`)]);
    }
  });

  it('that are observed very often are sent in part, which says how large it is', () => {
    const metrics = new StatsdMetrics('');
    const seconds = metrics.histogram('ledger_x', '');
    for (let at = 0; at < 100_000; at += 1) seconds.observe(at);
    const lines = metrics.take();
    expect(lines.length).toBeLessThanOrEqual(1_000);
    expect(lines.length).toBeGreaterThan(400);
    const rate = Number(/\|@([\d.]+)/.exec(lines[0] ?? '')?.[1]);
    expect(lines.length / rate / 100_000).toBeCloseTo(1, 1);
    seconds.observe(7);
    expect(metrics.take()).toEqual(['ledger.x:7.000000|ms\n']);
  });
});
