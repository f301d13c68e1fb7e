import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProposal } from '../../src/client/proposal.ts';
import { evaluate, submit } from '../../src/client/submit.ts';
import { PrometheusMetrics } from '../../src/node/metrics.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';

/** What dashboards made for a Go peer look for: names and labels as a peer of 2.5 serves them, after ordinary work and a few refusals. */
const SERVED: Readonly<Record<string, readonly string[]>> = {
  chaincode_launch_duration: ['chaincode', 'success'],
  chaincode_shim_request_duration: ['chaincode', 'channel', 'success', 'type'],
  chaincode_shim_requests_completed: ['chaincode', 'channel', 'success', 'type'],
  chaincode_shim_requests_received: ['chaincode', 'channel', 'type'],
  deliver_blocks_sent: ['channel', 'data_type', 'filtered'],
  deliver_requests_completed: ['channel', 'data_type', 'filtered', 'success'],
  deliver_requests_received: ['channel', 'data_type', 'filtered'],
  deliver_streams_closed: [],
  deliver_streams_opened: [],
  endorser_duplicate_transaction_failures: ['chaincode', 'channel'],
  endorser_endorsement_failures: ['chaincode', 'chaincodeerror', 'channel'],
  endorser_proposal_duration: ['chaincode', 'channel', 'success'],
  endorser_proposal_simulation_failures: ['chaincode', 'channel'],
  endorser_proposal_validation_failures: [],
  endorser_proposals_received: [],
  endorser_successful_proposals: [],
  fabric_version: ['version'],
  gossip_state_commit_duration: ['channel'],
  gossip_state_height: ['channel'],
  grpc_comm_conn_closed: [],
  grpc_comm_conn_opened: [],
  grpc_server_stream_messages_received: ['method', 'service'],
  grpc_server_stream_messages_sent: ['method', 'service'],
  grpc_server_stream_request_duration: ['code', 'method', 'service'],
  grpc_server_stream_requests_completed: ['code', 'method', 'service'],
  grpc_server_stream_requests_received: ['method', 'service'],
  grpc_server_unary_request_duration: ['code', 'method', 'service'],
  grpc_server_unary_requests_completed: ['code', 'method', 'service'],
  grpc_server_unary_requests_received: ['method', 'service'],
  ledger_block_processing_time: ['channel'],
  ledger_blockchain_height: ['channel'],
  ledger_blockstorage_and_pvtdata_commit_time: ['channel'],
  ledger_blockstorage_commit_time: ['channel'],
  ledger_statedb_commit_time: ['channel'],
  ledger_transaction_count: ['chaincode', 'channel', 'transaction_type', 'validation_code'],
};

describe('metrics under Fabric’s names', () => {
  let running: TestNetwork;
  let served: string;

  beforeAll(async () => {
    const metrics = new PrometheusMetrics({ process: false });
    running = await testNetwork({ metrics });
    await running.deploy('kv', 'kv-node');
    const { user, orderer, channel } = running.clients;
    const { peer } = user;
    const call = (...args: string[]) => ({ channelId: channel, chaincode: 'kv', args });
    const parts = { signer: user.signer, endorsers: [peer], orderer, listeners: [peer] };
    const { proposal } = await submit(parts, call('put', 'a', '1'), { signal: never });
    const refused = [
      peer.endorse(proposal.signed, { signal: never }), // it is on the ledger
      evaluate(peer, user.signer, call('nonsense'), { signal: never }),
      evaluate(peer, user.signer, { ...call('get'), chaincode: 'absent' }, { signal: never }),
      createProposal(user.signer, call('get', 'a')).then(({ signed }) =>
        peer.endorse({ ...signed, signature: new Uint8Array(8) }, { signal: never }),
      ),
    ];
    expect((await Promise.allSettled(refused)).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    await running[Symbol.asyncDispose]();
    served = await metrics.text();
  });

  afterAll(() => running?.[Symbol.asyncDispose]());

  const linesOf = (name: string): readonly string[] =>
    served.split('\n').filter((line) => new RegExp(`^${name}(_count)?[{ ]`).test(line) && !line.includes('_bucket'));

  it.each(Object.entries(SERVED))('has %s', (name, labels) => {
    const [line = ''] = linesOf(name);
    expect(line).not.toBe('');
    expect([...line.matchAll(/(\w+)="/g)].map(([, label]) => label).sort()).toEqual(labels);
  });

  it('says what happened, in Fabric’s words', () => {
    const value = (text: string): number | undefined => {
      const line = served.split('\n').find((each) => each.startsWith(`${text} `));
      return line === undefined ? undefined : Number(line.split(' ').at(-1));
    };
    expect(linesOf('ledger_transaction_count')).toContain(
      'ledger_transaction_count{channel="mychannel",transaction_type="ENDORSER_TRANSACTION",chaincode="kv:1",validation_code="VALID"} 1',
    );
    expect(linesOf('chaincode_shim_requests_completed')).toContain(
      'chaincode_shim_requests_completed{type="PUT_STATE",channel="mychannel",chaincode="kv:1",success="true"} 1',
    );
    expect(value('endorser_duplicate_transaction_failures{channel="mychannel",chaincode="kv"}')).toBe(1);
    expect(value('endorser_endorsement_failures{channel="mychannel",chaincode="kv",chaincodeerror="true"}')).toBe(1);
    expect(value('endorser_proposal_simulation_failures{channel="mychannel",chaincode="absent"}')).toBe(1);
    expect(value('endorser_proposal_validation_failures')).toBe(1);
    expect(
      value('deliver_requests_completed{channel="mychannel",filtered="true",data_type="filtered_block",success="true"}'),
    ).toBeUndefined();
    expect(value('grpc_server_unary_requests_completed{service="protos_Endorser",method="ProcessProposal",code="Unknown"}')).toBe(2);
    expect(value('grpc_comm_conn_closed')).toBe(value('grpc_comm_conn_opened'));
    expect(value('deliver_streams_closed')).toBe(value('deliver_streams_opened'));
    expect(value('endorser_proposals_received')).toBeGreaterThan(value('endorser_successful_proposals') ?? 0);
  });
});
