/** A peer's chaincode half with a chaincode of a few lines on the real Node shim, as a process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaincodeSupportParts } from '../../src/chaincode/chaincode-support.ts';
import type { Logger } from '../../src/common/log.ts';
import type { Scope } from '../../src/common/scope.ts';
import type { OutputLine } from '../../src/packages/output.ts';
import { allPlatforms } from '../../src/packages/platforms/platforms.ts';
import { ProcessRuntime } from '../../src/runtimes/process/process-runtime.ts';
import { chaincodeFolder } from '../journeys/faulty-chaincode.ts';
import { chaincodeCache } from '../journeys/network.ts';
import { type TestPeer, testPeer } from './test-peer.ts';

export interface ShimPeerOptions {
  /** index.js of the chaincode. */
  readonly script: string;
  readonly parts?: Partial<ChaincodeSupportParts>;
  readonly log?: Logger;
  readonly graceMs?: number;
  /** Of the runtime. */
  readonly localTransport?: boolean;
}

export interface ShimPeer extends TestPeer {
  /** What the chaincode printed so far. */
  readonly printed: readonly string[];
}

/** The scope owns the peer. Dependencies are those of the sample, which are installed once for all tests. */
export async function shimPeer(
  scope: Scope,
  { script, parts = {}, log, graceMs = 5_000, localTransport = true }: ShimPeerOptions,
): Promise<ShimPeer> {
  const parent = await mkdtemp(join(tmpdir(), 'selvage-shim-'));
  scope.defer(() => rm(parent, { recursive: true, force: true, maxRetries: 3 }));
  const platforms = allPlatforms({ host: process.env });
  const node = platforms.find(({ name }) => name === 'node');
  const codePackage = (await node?.pack(await chaincodeFolder(parent, 'cc', { 'index.js': script }))) ?? new Uint8Array(0);
  const runtime = scope.use(
    new ProcessRuntime({
      directory: chaincodeCache,
      platforms,
      host: process.env,
      mspId: 'Org1MSP',
      graceMs,
      localTransport,
      ...(log && { log }),
    }),
  );
  const printed: string[] = [];
  const line = ({ text }: OutputLine): void => void printed.push(text);
  const output = { open: async () => ({ line, [Symbol.asyncDispose]: async () => undefined }) };
  const peer = scope.use(
    await testPeer({
      runtime,
      code: { platform: 'node', codePackage, path: '' },
      ...(log && { log }),
      parts: { output, startupTimeoutMs: 240_000, ...parts },
    }),
  );
  return Object.assign(peer, { printed });
}
