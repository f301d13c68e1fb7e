/** An ordering node that gives what a script says, over real gRPC and TLS: honest, slow, silent or lying. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type GrpcServer, listen } from '../../src/comm/server.ts';
import { silent } from '../../src/common/log.ts';
import type { MaybePromise } from '../../src/common/maybe.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { common, orderer } from '../../src/protos/messages.ts';

export interface OrdererScript {
  /**
   * The block of that number, or a header for who asks for headers alone; undefined says that there is none, and nothing more is sent.
   * @param signal aborts when who asked has left
   */
  give(number: bigint, headersOnly: boolean, signal: AbortSignal): MaybePromise<common.Block | undefined>;
}

/** Numbers of the blocks that were asked for, in order: `blocks from 1`, `headers from 2`. */
export type Asked = string[];

export async function scriptedOrderer(
  { nodes: [node] }: Organization,
  port: number,
  script: OrdererScript,
): Promise<GrpcServer & { readonly asked: Asked }> {
  const { certificate: cert, privateKey: key } = node?.tls ?? assert.fail('no node');
  const asked: Asked = [];
  const server = await listen({
    address: `127.0.0.1:${port}`,
    tls: { key, cert },
    log: silent,
    methods: [
      {
        kind: 'bidi',
        path: '/orderer.AtomicBroadcast/Deliver',
        handle: async (stream, { signal }) => {
          for await (const message of stream.incoming) {
            const { data } = common.Payload.decode(common.Envelope.decode(message).payload);
            const { start, contentType } = orderer.SeekInfo.decode(data);
            const headersOnly = contentType === orderer.SeekInfo_SeekContentType.HEADER_WITH_SIG;
            const from = start?.specified?.number ?? assert.fail('no start');
            asked.push(`${headersOnly ? 'headers' : 'blocks'} from ${from}`);
            for (let number = from; ; number += 1n) {
              const block = await script.give(number, headersOnly, signal);
              if (block === undefined) break;
              await stream.send(orderer.DeliverResponse.encode({ block }));
            }
            if (!signal.aborted) await once(signal, 'abort');
          }
        },
      },
    ],
  });
  return Object.assign(server, { asked });
}

/** Has these blocks, of the numbers from 0 on. */
export const honest = (chain: readonly common.Block[]): OrdererScript => ({
  give: (number, headersOnly) => {
    const block = chain[Number(number)];
    return headersOnly && block !== undefined ? { ...block, data: undefined } : block;
  },
});
