/**
 * A development network in a process of its own, told over IPC. Says `{ addresses }` when it answers; `held` is answered with what the
 * process holds in bytes when garbage is gone, anything else ends it. Run with `--expose-gc`.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../../dist/common/log.js';
import { unmeasured } from '../../dist/common/metrics.js';
import { connectClients, joinAll } from '../../dist/node/dev/dev-clients.js';
import { startDevNetwork } from '../../dist/node/dev/dev-network.js';
import { freePorts } from '../../dist/node/dev/free-ports.js';

const signal = new AbortController().signal;
const folder = await mkdtemp(join(tmpdir(), 'selvage-memory-'));
const [operationsPort] = await freePorts(1);
const settings = { operations: { listenaddress: `127.0.0.1:${operationsPort}` } };
const options = { channel: 'mychannel', orgs: 1, tls: false, portBase: 0, block: 'instant', lifecycle: 2 };
const network = await startDevNetwork(folder, options, { log: silent, metrics: unmeasured, cacheFolder: folder, settings, signal });
const clients = await connectClients(network.folders, network.plan);
await joinAll(clients, network.folders, { signal });
clients[Symbol.dispose]();

/** Looks ten times a second until nothing has been given back for a second: threads of V8's own do so, a while after the collection. */
async function held() {
  let resident = Number.POSITIVE_INFINITY;
  for (let vain = 0; vain < 10; vain += 1) {
    globalThis.gc();
    await sleep(100);
    const now = process.memoryUsage.rss();
    if (now < resident) vain = 0;
    resident = Math.min(resident, now);
  }
  const { heapUsed, external } = process.memoryUsage();
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return { used: heapUsed + external, resident, peak: Number(peak) * 1024 };
}

process.on('message', async (asked) => {
  if (asked === 'held') return process.send(await held());
  await network[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  process.exit();
});
process.on('disconnect', () => process.exit(1));

const [peer] = network.plan.peers;
const at = (port) => `127.0.0.1:${port}`;
process.send({
  addresses: {
    peer: at(peer.port),
    chaincode: at(peer.chaincodePort),
    orderer: at(network.plan.orderer.port),
    operations: at(operationsPort),
  },
});
