/** Requests for snapshots, which a peer makes of a channel at a block that is still to come. */
import { randomBytes } from 'node:crypto';
import type { Cancellable } from '../common/cancel.ts';
import { protos } from '../protos/messages.ts';
import type { Caller } from './system-calls.ts';

/** A channel and a block; block 0 is the last one that is there. */
export interface SnapshotAt {
  readonly channelId: string;
  readonly blockNumber: bigint;
}

/** @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text */
export async function submitSnapshotRequest(caller: Caller, at: SnapshotAt, options: Cancellable): Promise<void> {
  await caller.peer.snapshot('Generate', await signed(caller, protos.SnapshotRequest.encode({ ...header(caller), ...at })), options);
}

/** @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text */
export async function cancelSnapshotRequest(caller: Caller, at: SnapshotAt, options: Cancellable): Promise<void> {
  await caller.peer.snapshot('Cancel', await signed(caller, protos.SnapshotRequest.encode({ ...header(caller), ...at })), options);
}

/** The blocks at which snapshots are still to be made. @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text */
export async function pendingSnapshots(caller: Caller, channelId: string, options: Cancellable): Promise<readonly bigint[]> {
  const query = protos.SnapshotQuery.encode({ ...header(caller), channelId });
  const answer = await caller.peer.snapshot('QueryPendings', await signed(caller, query), options);
  return protos.QueryPendingSnapshotsResponse.decode(answer).blockNumbers;
}

const header = ({ signer }: Caller) => ({ signatureHeader: { creator: signer.serialized, nonce: randomBytes(24) } });

const signed = async ({ signer }: Caller, request: Uint8Array): Promise<Uint8Array> =>
  protos.SignedSnapshotRequest.encode({ request, signature: await signer.sign(request) });
