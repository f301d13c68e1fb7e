import { SelvageError } from '../../../common/errors.ts';
import type { MaybePromise } from '../../../common/maybe.ts';
import type { TxSimulator } from '../../../ledger/simulator/tx-simulator.ts';
import type { CollectionAccess } from '../../../lifecycle/collection-access.ts';
import type { ApplicationCapabilities } from '../../../msp/channelconfig/channel-bundle.ts';
import type { ChaincodeCalls } from '../chaincode-calls.ts';
import type { TransactionContext } from '../transaction-context.ts';

/** What requests of chaincode need beside the transaction they belong to. */
export interface RequestParts {
  readonly collections: CollectionAccess;
  /** Undefined for a channel without application configuration. */
  readonly capabilities: (channelId: string) => ApplicationCapabilities | undefined;
  readonly calls: ChaincodeCalls;
  /** Makes the id of an iterator; Fabric's are UUIDs. */
  readonly newQueryId: () => string;
  /** `ledger.state.totalQueryLimit`: most results of one range, query or history. */
  readonly totalQueryLimit: number;
}

/** One request of a chaincode for the state of its transaction. */
export interface StateRequest {
  readonly context: TransactionContext;
  readonly simulator: TxSimulator;
  readonly payload: Uint8Array;
  readonly parts: RequestParts;
}

/** Serves one message type. @returns the payload of RESPONSE @throws {SelvageError} what becomes the text of ERROR */
export type RequestHandler = (request: StateRequest) => MaybePromise<Uint8Array>;

export const NO_PAYLOAD: Uint8Array = new Uint8Array(0);

/** @throws {SelvageError} `CHAINCODE_PROTOCOL` `unmarshal failed: …` */
export function unmarshal<T>(codec: { decode(bytes: Uint8Array): T }, payload: Uint8Array): T {
  try {
    return codec.decode(payload);
  } catch (cause) {
    throw new SelvageError('CHAINCODE_PROTOCOL', `unmarshal failed: ${SelvageError.from(cause).message}`, { cause });
  }
}
