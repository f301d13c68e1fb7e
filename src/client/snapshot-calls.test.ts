import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../comm/server.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import type { Signer } from '../msp/identity.ts';
import { protos } from '../protos/messages.ts';
import { PeerClient } from './peer-client.ts';
import { cancelSnapshotRequest, pendingSnapshots, submitSnapshotRequest } from './snapshot-calls.ts';

const never = { signal: new AbortController().signal };
const signer: Signer = { mspId: 'Org1MSP', serialized: utf8('creator'), sign: (message) => utf8(`signed ${message.length}`) };

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

/** A peer that keeps what it is asked. */
async function snapshotPeer() {
  const asked: [method: string, request: Uint8Array][] = [];
  const method = (name: string, answer: Uint8Array) => ({
    kind: 'unary' as const,
    path: `/protos.Snapshot/${name}`,
    handle: async (bytes: Uint8Array) => {
      const { request, signature } = protos.SignedSnapshotRequest.decode(bytes);
      expect(textOf(signature)).toBe(`signed ${request.length}`);
      asked.push([name, request]);
      if (name === 'Cancel') throw new SelvageError('PROPOSAL_REFUSED', 'no snapshot request exists for block number 9');
      return answer;
    },
  });
  const pending = protos.QueryPendingSnapshotsResponse.encode({ blockNumbers: [5n, 2n ** 64n - 1n] });
  const methods = [method('Generate', new Uint8Array(0)), method('Cancel', new Uint8Array(0)), method('QueryPendings', pending)];
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods, log: silent }));
  const peer = scope.use(new PeerClient({ address: `127.0.0.1:${server.port}` }));
  return { caller: { peer, signer }, asked };
}

describe('a request for a snapshot', () => {
  it('is signed over what it asks for, by whom', async () => {
    const { caller, asked } = await snapshotPeer();
    await submitSnapshotRequest(caller, { channelId: 'mychannel', blockNumber: 7n }, never);
    const [[method, request] = ['', new Uint8Array(0)]] = asked;
    const { signatureHeader, ...rest } = protos.SnapshotRequest.decode(request);
    expect([method, rest]).toEqual(['Generate', { channelId: 'mychannel', blockNumber: 7n }]);
    expect(textOf(signatureHeader?.creator ?? utf8(''))).toBe('creator');
    expect(signatureHeader?.nonce).toHaveLength(24);
  });

  it('that is refused has the words of the peer', async () => {
    const { caller } = await snapshotPeer();
    await expect(cancelSnapshotRequest(caller, { channelId: 'mychannel', blockNumber: 9n }, never)).rejects.toThrow(
      'no snapshot request exists for block number 9',
    );
  });

  it('that is pending is told by its block', async () => {
    const { caller, asked } = await snapshotPeer();
    expect(await pendingSnapshots(caller, 'mychannel', never)).toEqual([5n, 2n ** 64n - 1n]);
    expect(protos.SnapshotQuery.decode(asked[0]?.[1] ?? new Uint8Array(0)).channelId).toBe('mychannel');
  });
});
