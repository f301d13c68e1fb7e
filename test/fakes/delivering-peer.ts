/** A peer on the wire that delivers blocks as a script says, for commands that read blocks. */
import { once } from 'node:events';
import { PeerClient } from '../../src/client/peer-client.ts';
import { listen } from '../../src/comm/server.ts';
import { utf8 } from '../../src/common/bytes.ts';
import { deferred } from '../../src/common/deferred.ts';
import { silent } from '../../src/common/log.ts';
import type { Scope } from '../../src/common/scope.ts';
import { common, protos } from '../../src/protos/messages.ts';

/** Whoever asks: nobody looks at it. */
export const signer = { mspId: 'Org1MSP', serialized: utf8('creator'), sign: () => utf8('signed') };

/** Numbers of blocks, each delivered when it comes; without an `end` the peer hangs after them. */
export type DeliveryScript = AsyncIterable<bigint | 'end'> | Iterable<bigint | 'end'>;

const { SUCCESS } = common.Status;

/** It answers no proposal, and tells when it was asked for one. */
export async function deliveringPeer(
  script: DeliveryScript,
  scope: Scope,
): Promise<{ readonly peer: PeerClient; readonly asked: Promise<void>; readonly delivered: Promise<void> }> {
  const [asked, delivered] = [deferred<void>(), deferred<void>()];
  const server = await listen({
    address: '127.0.0.1:0',
    log: silent,
    methods: [
      {
        kind: 'bidi',
        path: '/protos.Deliver/Deliver',
        handle: async (stream, { signal }) => {
          for await (const number of script) {
            if (number === 'end') return void (await stream.send(protos.DeliverResponse.encode({ status: SUCCESS })));
            const header = { number, previousHash: utf8(''), dataHash: utf8('') };
            await stream.send(protos.DeliverResponse.encode({ block: { header } }));
          }
          delivered.resolve();
          if (!signal.aborted) await once(signal, 'abort');
        },
      },
      {
        kind: 'unary',
        path: '/protos.Endorser/ProcessProposal',
        handle: async (_, { signal }) => {
          asked.resolve();
          if (!signal.aborted) await once(signal, 'abort');
          return new Uint8Array(0);
        },
      },
    ],
  });
  scope.use(server);
  const peer = scope.use(new PeerClient({ address: `127.0.0.1:${server.port}` }));
  return { peer, asked: asked.promise, delivered: delivered.promise };
}
