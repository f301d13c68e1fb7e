import type { GrpcClient } from '../src/comm/client.ts';
import type { ClientStream } from '../src/comm/transport.ts';
import type { Cancellable } from '../src/common/cancel.ts';
import { common, orderer } from '../src/protos/messages.ts';

/** Hands transactions to an orderer on one stream, which answers in their order. */
export class Broadcaster {
  readonly #stream: ClientStream;
  readonly #unanswered: { resolve(): void; reject(reason: unknown): void }[] = [];

  constructor(client: GrpcClient, options: Cancellable) {
    this.#stream = client.bidi('/orderer.AtomicBroadcast/Broadcast', options);
    this.#answers().catch((reason: unknown) => {
      for (const each of this.#unanswered.splice(0)) each.reject(reason);
    });
  }

  /** Resolves when the orderer has taken it. @throws {Error} with the orderer's status when it refuses */
  async hand(envelope: Uint8Array): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => this.#unanswered.push({ resolve, reject }));
    await this.#stream.send(envelope);
    return answered;
  }

  async #answers(): Promise<void> {
    for await (const bytes of this.#stream.incoming) {
      const { status, info } = orderer.BroadcastResponse.decode(bytes);
      const next = this.#unanswered.shift();
      if (status === common.Status.SUCCESS) next?.resolve();
      else next?.reject(new Error(`the orderer refused with status ${status}: ${info}`));
    }
    throw new Error('the orderer ended the stream');
  }
}
