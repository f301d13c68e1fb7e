/** The `snapshot` commands of the stock `peer`: what they take. What they do is loaded when one of them runs. */
import type { Command } from 'commander';
import { integerFlag } from './flags.ts';
import { IDENTITY_HELP } from './help.ts';
import type { SnapshotFlags } from './snapshot-flags.ts';
import type { Terminal } from './terminal.ts';

export function snapshotCommands(program: Command, terminal: Terminal): void {
  const snapshot = program
    .command('snapshot')
    .description('Manage requests for snapshots on a peer that makes them: submitrequest|cancelrequest|listpending.')
    .addHelpText('afterAll', IDENTITY_HELP);
  withBlock(onPeer(snapshot.command('submitrequest').description('Submit a request for a snapshot at the specified block.'))).action(
    async (flags: SnapshotFlags) => (await import('./snapshots.ts')).submitRequest(flags, terminal),
  );
  withBlock(onPeer(snapshot.command('cancelrequest').description('Cancel a request for a snapshot at the specified block.'))).action(
    async (flags: SnapshotFlags) => (await import('./snapshots.ts')).cancelRequest(flags, terminal),
  );
  onPeer(snapshot.command('listpending').description('List pending requests for snapshots.')).action(async (flags: SnapshotFlags) =>
    (await import('./snapshots.ts')).listPending(flags, terminal),
  );
}

const onPeer = (command: Command): Command =>
  command
    .option('-c, --channelID <channel>', 'the channel', '')
    .option('--peerAddress <host:port>', 'peer to connect to instead of CORE_PEER_ADDRESS', '')
    .option('--tlsRootCertFile <file>', 'TLS root certificate file of that peer; needed with TLS', '');

const withBlock = (command: Command): Command =>
  command.addOption(integerFlag('-b, --blockNumber <number>', 'the block (default, for submitrequest: the last one)', 'uint'));
