/** The `lifecycle chaincode` commands of the stock `peer`: what they take. What they do is loaded when one of them runs. */
import type { Command } from 'commander';
import { durationFlag, integerFlag, withOrderer, withPeers, withUnusedOrderer } from '../flags.ts';
import { IDENTITY_HELP, LIFECYCLE_HELP } from '../help.ts';
import { expectOperands } from '../operands.ts';
import type { TargetFlags } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import type {
  ApprovedFlags,
  ApproveFlags,
  CommitFlags,
  CommittedFlags,
  GetPackageFlags,
  InstalledFlags,
  OutputFlags,
  PackageFlags,
  ReadinessFlags,
} from './lifecycle-flags.ts';

export function lifecycleCommands(program: Command, terminal: Terminal): void {
  const chaincode = program
    .command('lifecycle')
    .description('The chaincode lifecycle of Fabric 2.x: chaincode.')
    .command('chaincode')
    .description(
      'Perform chaincode operations: package|install|queryinstalled|getinstalledpackage|calculatepackageid|approveformyorg|queryapproved|checkcommitreadiness|commit|querycommitted.',
    )
    .addHelpText('after', LIFECYCLE_HELP)
    .addHelpText('afterAll', IDENTITY_HELP);
  packageCommand(chaincode, terminal);
  calculateCommand(chaincode, terminal);
  installCommand(chaincode, terminal);
  queryInstalledCommand(chaincode, terminal);
  getInstalledCommand(chaincode, terminal);
  approveCommand(chaincode, terminal);
  queryApprovedCommand(chaincode, terminal);
  readinessCommand(chaincode, terminal);
  commitCommand(chaincode, terminal);
  queryCommittedCommand(chaincode, terminal);
}

const withTargets = (command: Command): Command =>
  withPeers(command).option('--targetPeer <name>', 'with --connectionProfile: the peer of it to connect to, where no channel is named');

const withOutput = (command: Command): Command => command.option('-O, --output <format>', 'json, instead of text for people');

const onChannel = (command: Command): Command =>
  command.option('-C, --channelID <channel>', 'the channel on which this command is executed', '');

const withName = (command: Command): Command => onChannel(command).option('-n, --name <name>', 'name of the chaincode', '');

const withDefinition = (command: Command): Command =>
  withName(command)
    .option('-v, --version <version>', 'version of the chaincode', '')
    .addOption(integerFlag('--sequence <number>', 'number of the definition: 1, and one more for each change of it'))
    .option('-E, --endorsement-plugin <name>', 'the name of the endorsement plugin (default: escc)')
    .option('-V, --validation-plugin <name>', 'the name of the validation plugin (default: vscc)')
    .option('--signature-policy <policy>', "endorsement policy in words, like OR('Org1MSP.member','Org2MSP.peer')")
    .option('--channel-config-policy <name>', 'endorsement policy by its name in the channel (default: /Channel/Application/Endorsement)')
    .option('--init-required', 'the chaincode has to be invoked with --isInit first')
    .option('--collections-config <file>', 'private data collections in JSON');

const withWait = (command: Command): Command =>
  command
    .option('--waitForEvent', 'wait until each peer has committed the transaction', true)
    .option('--no-waitForEvent', 'hand it to the orderer and leave it at that; the same as --waitForEvent=false')
    .addOption(
      durationFlag('--waitForEventTimeout <duration>', 'how long to wait for it, from the moment the orderer has the transaction', '30s'),
    );

function packageCommand(parent: Command, terminal: Terminal): void {
  withUnusedOrderer(withTargets(parent.command('package [outputfile]').description('Package a chaincode and write the package to a file.')))
    .option('-p, --path <folder>', 'folder of the chaincode; with ccaas of its connection.json, with k8s of its image.json')
    .option('-l, --lang <type>', 'golang, node, java, ccaas or k8s (default: what the folder holds)')
    .option('--label <label>', 'what the package id begins with, like NAME_VERSION')
    .action(async (output: string, flags: PackageFlags, command: Command) => {
      expectOperands(command, { least: 1, most: 1 }, 'invalid number of args. expected only the output file');
      await (await import('./packages.ts')).writePackage(output, flags, terminal);
    });
}

function calculateCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('calculatepackageid [package]').description('Calculate the package ID for a packaged chaincode.');
  withUnusedOrderer(withTargets(withOutput(command))).action(async (file: string, flags: OutputFlags, { args }: Command) => {
    expectOperands({ args }, { least: 1, most: 1 }, 'invalid number of args. expected only the packaged chaincode file');
    await (await import('./packages.ts')).calculatePackageId(file, flags, terminal);
  });
}

function installCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('install [package]').description('Install a chaincode package on a peer, which builds it.');
  withUnusedOrderer(withTargets(command)).action(async (file: string | undefined, flags: TargetFlags) =>
    (await import('./packages.ts')).install(file, flags, terminal),
  );
}

function queryInstalledCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('queryinstalled').description('Query the installed chaincode packages on a peer.');
  withUnusedOrderer(withTargets(withOutput(command))).action(async (flags: InstalledFlags) =>
    (await import('./packages.ts')).queryInstalled(flags, terminal),
  );
}

function getInstalledCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('getinstalledpackage').description('Get an installed chaincode package from a peer, as a file.');
  withUnusedOrderer(withTargets(command))
    .option('--package-id <id>', 'the package, as install and queryinstalled name it')
    .option('--output-directory <folder>', 'where to write PACKAGE_ID.tar.gz (default: this folder)')
    .action(async (flags: GetPackageFlags) => (await import('./packages.ts')).getInstalled(flags, terminal));
}

function approveCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('approveformyorg').description('Approve the chaincode definition for my organization.');
  withOrderer(withTargets(withWait(withDefinition(command))))
    .option('--package-id <id>', "the package that this organization's peers run for it (default: none)")
    .action(async (flags: ApproveFlags) => (await import('./definitions.ts')).approve(flags, terminal));
}

function queryApprovedCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('queryapproved').description("Query an organization's approved chaincode definition from its peer.");
  withUnusedOrderer(withTargets(withOutput(withName(command))))
    .addOption(integerFlag('--sequence <number>', 'number of the definition (default: the latest)'))
    .action(async (flags: ApprovedFlags) => (await import('./definitions.ts')).queryApproved(flags, terminal));
}

function readinessCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('checkcommitreadiness').description('Check which organizations have approved a chaincode definition.');
  withUnusedOrderer(withTargets(withOutput(withDefinition(command))))
    .option('--inspect', 'say in what the other approvals differ')
    .action(async (flags: ReadinessFlags) => (await import('./definitions.ts')).checkReadiness(flags, terminal));
}

function commitCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('commit').description('Commit the chaincode definition on the channel.');
  withOrderer(withTargets(withWait(withDefinition(command)))).action(async (flags: CommitFlags) =>
    (await import('./definitions.ts')).commit(flags, terminal),
  );
}

function queryCommittedCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('querycommitted')
    .description('Query the committed chaincode definitions of a channel, or one by its name.');
  withUnusedOrderer(withTargets(withOutput(withName(command)))).action(async (flags: CommittedFlags) =>
    (await import('./definitions.ts')).queryCommitted(flags, terminal),
  );
}
