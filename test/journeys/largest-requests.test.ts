import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../src/common/scope.ts';
import { freePorts } from '../free-ports.ts';
import { addressOf, type LargestRequests, largestRequests } from '../largest-requests.ts';
import { testNetwork } from './network.ts';

const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that are still held by somebody, in and outside of the heap. */
async function held(): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('what strangers send', () => {
  const scope = new Scope();
  let requests: LargestRequests;

  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    const settings = { operations: { listenaddress: addressOf(port) } };
    const { network } = scope.use(await testNetwork({ tls: false, settings }));
    const [peer] = network.plan.peers;
    requests = scope.use(
      largestRequests({
        peer: addressOf(peer?.port ?? 0),
        chaincode: addressOf(peer?.chaincodePort ?? 0),
        orderer: addressOf(network.plan.orderer.port),
        operations: addressOf(port),
      }),
    );
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  it.each([
    ['Endorser', 3],
    ['Endorser, arguments alone', 2],
    ['Deliver', 40],
    ['DeliverFiltered', 40],
    ['DeliverWithPrivateData', 40],
    ['Evaluate', 2],
    ['Evaluate, arguments alone', 2],
    ['Endorse', 2],
    ['Submit', 2],
    ['CommitStatus', 40],
    ['ChaincodeEvents', 40],
    ['GossipStream', 500],
    ['Discovery', 40],
    ['Deliver of the orderer', 40],
    ['Broadcast', 2],
    ['ChaincodeSupport', 2],
    ['operations', 200],
  ])('to %s, as large as it may be, is gone when it is answered', async (service, count) => {
    const send = requests.byService[service];
    await send?.(0); // what is made once is made
    const before = await held();
    for (let number = 1; number <= count; number += 1) await send?.(number);
    expect((await held()) - before).toBeLessThan(30 * MIB);
  });
});
