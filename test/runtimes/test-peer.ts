/** The chaincode half of a peer, with state in memory, for chaincode that runs for real. */
import { ChaincodeSupport, type ChaincodeSupportParts } from '../../src/chaincode/chaincode-support.ts';
import type { ChaincodeOutcome } from '../../src/chaincode/chaincodes.ts';
import type { LaunchablePackages } from '../../src/chaincode/launch.ts';
import type { ChaincodeRuntime } from '../../src/chaincode/ports/runtime.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { listen } from '../../src/comm/server.ts';
import type { ServerTls } from '../../src/comm/tls.ts';
import { textOf, utf8 } from '../../src/common/bytes.ts';
import type { Logger } from '../../src/common/log.ts';
import { silent } from '../../src/common/log.ts';
import { Scope } from '../../src/common/scope.ts';
import { protos } from '../../src/protos/messages.ts';
import { chaincodeSupportService } from '../../src/services/chaincode-support-service.ts';
import { MemorySimulator } from '../fakes/memory-simulator.ts';
import { readFixture } from '../fixtures.ts';

export interface TestPeerOptions {
  readonly runtime: ChaincodeRuntime;
  readonly code?: Awaited<ReturnType<LaunchablePackages['load']>>;
  readonly tls?: ServerTls;
  readonly log?: Logger;
  readonly parts?: Partial<ChaincodeSupportParts>;
}

export interface Called extends ChaincodeOutcome {
  readonly text: string;
  /** What it wrote, like `put cc/key=value`. */
  readonly writes: readonly string[];
}

export interface TestPeer extends AsyncDisposable {
  readonly support: ChaincodeSupport;
  /** Where chaincode that dials the peer finds it. */
  readonly address: string;
  call(ccid: string, ...args: readonly string[]): Promise<Called>;
}

const never = new AbortController().signal;
const NOTHING = { platform: 'node', codePackage: new Uint8Array(0), path: '' };

export async function testPeer({ runtime, code = NOTHING, tls, log = silent, parts }: TestPeerOptions): Promise<TestPeer> {
  await using scope = new Scope();
  const values = new Map<string, Uint8Array>();
  const streams = { serve: (connection: Parameters<ChaincodeSupport['serve']>[0]): Promise<unknown> => support.serve(connection) };
  const server = scope.use(await listen({ address: '127.0.0.1:0', tls, methods: chaincodeSupportService(streams), log }));
  const channel = { id: 'ch', bundle: () => ({}) } as unknown as Channel;
  const support: ChaincodeSupport = new ChaincodeSupport({
    system: [],
    channels: { get: () => channel, list: () => [] },
    acl: { check: async () => undefined, checkLocal: async () => undefined },
    definitions: { find: async () => undefined, checkRunnable: async () => undefined },
    collections: { permissions: async () => ({ read: true, write: true }) },
    runtime,
    packages: { load: async () => code },
    userRunsChaincode: false,
    peerAddress: `127.0.0.1:${server.port}`,
    startupTimeoutMs: 200_000,
    executeTimeoutMs: 200_000,
    totalQueryLimit: 1000,
    logger: log,
    ...parts,
  });
  scope.use(support);
  const owned = scope.move();
  let transactions = 0;
  return {
    support,
    address: `127.0.0.1:${server.port}`,
    call: async (ccid, ...args) => {
      transactions += 1;
      const txId = `tx${transactions}`;
      await using simulator = new MemorySimulator({ values }, { txId });
      const [name = '', version = ''] = ccid.split(':');
      const outcome = await support.execute(
        {
          chaincode: { name, version, ccid },
          kind: 'transaction',
          input: { args: args.map((arg) => utf8(arg)) },
          proposal: { signedProposal: recordedProposal(), channelId: 'ch', txId, creator: utf8('') },
          simulator,
        },
        { signal: never },
      );
      for (const [, key = '', value = ''] of simulator.writes.map((each) => /^put (.*?)=(.*)$/s.exec(each) ?? []))
        values.set(key, utf8(value));
      return { ...outcome, text: textOf(outcome.response.payload), writes: simulator.writes };
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Shims take creator and timestamp from the proposal, so it has to be a real one. */
const recordedProposal = (): protos.SignedProposal =>
  protos.SignedProposal.decode(readFixture('v1.1/calls/28-invoke-put/endorse.request.pb'));
