import { cancelSnapshotRequest, pendingSnapshots, submitSnapshotRequest } from '../client/snapshot-calls.ts';
import { SelvageError } from '../common/errors.ts';
import { Connections } from './connections.ts';
import type { SnapshotFlags } from './snapshot-flags.ts';
import type { Target } from './targets.ts';
import type { Terminal } from './terminal.ts';

export async function submitRequest(flags: SnapshotFlags, terminal: Terminal): Promise<void> {
  refuseEmpty('channelID', flags.channelID, '-c');
  using connections = new Connections(terminal);
  const caller = await connections.caller(targetOf(flags, connections));
  await submitSnapshotRequest(caller, { channelId: flags.channelID, blockNumber: flags.blockNumber ?? 0n }, terminal);
  terminal.out('Snapshot request submitted successfully');
}

export async function cancelRequest(flags: SnapshotFlags, terminal: Terminal): Promise<void> {
  const { channelID, blockNumber = 0n } = flags;
  refuseEmpty('channelID', channelID, '-c');
  if (blockNumber === 0n)
    throw new SelvageError('SETTING_INVALID', "the required parameter 'blockNumber' is empty or set to 0. Rerun the command with -b flag");
  using connections = new Connections(terminal);
  const caller = await connections.caller(targetOf(flags, connections));
  await cancelSnapshotRequest(caller, { channelId: channelID, blockNumber }, terminal);
  terminal.out('Snapshot request cancelled successfully');
}

export async function listPending(flags: SnapshotFlags, terminal: Terminal): Promise<void> {
  refuseEmpty('channelID', flags.channelID, '-c');
  using connections = new Connections(terminal);
  const caller = await connections.caller(targetOf(flags, connections));
  const blocks = await pendingSnapshots(caller, flags.channelID, terminal);
  terminal.out(`Successfully got pending snapshot requests: [${blocks.join(' ')}]`);
}

/** @see validatePeerConnectionParameters in hyperledger/fabric v2.5, internal/peer/snapshot/client.go */
function targetOf({ peerAddress, tlsRootCertFile }: SnapshotFlags, { config }: Connections): readonly Target[] {
  if (config.tls) refuseEmpty('tlsRootCertFile', tlsRootCertFile, '--tlsRootCertFile');
  return [{ address: peerAddress, rootsFile: tlsRootCertFile }];
}

function refuseEmpty(parameter: string, value: string, flag: string): void {
  if (value === '')
    throw new SelvageError('SETTING_INVALID', `the required parameter '${parameter}' is empty. Rerun the command with ${flag} flag`);
}
