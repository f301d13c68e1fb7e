/** The `chaincode` commands of the stock `peer`: what they take. What they do is loaded when one of them runs. */
import { type Command, Option } from 'commander';
import { durationFlag, type PeerFlags, type SourceFlags, withOrderer, withPeers, withSource, withUnusedOrderer } from '../flags.ts';
import { IDENTITY_HELP } from '../help.ts';
import { expectOperands } from '../operands.ts';
import type { Terminal } from '../terminal.ts';
import type { DeployFlags, InvokeFlags, ListFlags, LogsFlags, PackageFlags, QueryFlags } from './chaincode-flags.ts';

export function chaincodeCommands(program: Command, terminal: Terminal): void {
  const chaincode = program
    .command('chaincode')
    .description('Operate a chaincode: install|instantiate|invoke|package|query|signpackage|upgrade|list|logs.')
    .addHelpText('afterAll', IDENTITY_HELP);
  installCommand(chaincode, terminal);
  deployCommand(chaincode, terminal, {
    name: 'instantiate',
    verb: 'deploy',
    description: 'Deploy the specified chaincode to the network.',
  });
  invokeCommand(chaincode, terminal);
  packageCommands(chaincode, terminal);
  queryCommand(chaincode, terminal);
  deployCommand(chaincode, terminal, { name: 'upgrade', verb: 'upgrade', description: 'Upgrade chaincode.' });
  listCommand(chaincode, terminal);
  for (const each of chaincode.commands) withUnusedTransient(each);
  logsCommand(chaincode, terminal);
}

const onChannel = (command: Command): Command =>
  command.option('-C, --channelID <channel>', 'the channel on which this command is executed', '');

const withCall = (command: Command): Command =>
  onChannel(command)
    .option('-n, --name <name>', 'name of the chaincode', '')
    .option('-c, --ctor <json>', 'function and arguments in JSON', '{}')
    .option('--transient <json>', 'transient map in JSON, values in base64');

/** The stock `peer` takes it on all of them, and uses it for calls. */
function withUnusedTransient(command: Command): void {
  if (!command.options.some(({ long }) => long === '--transient')) command.addOption(new Option('--transient <json>').hideHelp());
}

/** `chaincode query`: asks one peer and prints what the chaincode answered. */
function queryCommand(parent: Command, terminal: Terminal): void {
  withUnusedOrderer(withPeers(withCall(parent.command('query').description('Query using the specified chaincode.'))))
    .option('-r, --raw', 'print the result as its bytes, in decimal: [118 49]')
    .option('-x, --hex', 'print the result in hexadecimal')
    .action(async (flags: QueryFlags) => (await import('./calls.ts')).query(flags, terminal));
}

/** `chaincode invoke`: endorse, order, and with --waitForEvent wait until the peers have committed it. */
function invokeCommand(parent: Command, terminal: Terminal): void {
  withOrderer(withPeers(withCall(parent.command('invoke').description('Invoke the specified chaincode.'))))
    .option('-I, --isInit', 'is this invocation for init (useful for supporting legacy chaincodes in the new lifecycle)')
    .option('--waitForEvent', 'wait until each peer has committed the transaction')
    .addOption(new Option('--no-waitForEvent', 'do not wait').hideHelp())
    .addOption(
      durationFlag('--waitForEventTimeout <duration>', 'how long to wait for it, from the moment the orderer has the transaction', '30s'),
    )
    .action(async (flags: InvokeFlags) => (await import('./calls.ts')).invoke(flags, terminal));
}

/** `chaincode instantiate` and `chaincode upgrade`: Init runs in the transaction that writes the definition. */
function deployCommand(
  parent: Command,
  terminal: Terminal,
  { name, verb, description }: { readonly name: string; readonly verb: 'deploy' | 'upgrade'; readonly description: string },
): void {
  withOrderer(withPeers(onChannel(withSource(parent.command(name).description(description)))))
    .option('-P, --policy <policy>', "the endorsement policy of this chaincode, like OR('Org1MSP.member','Org2MSP.member')")
    .option('-E, --escc <name>', 'the name of the endorsement plugin')
    .option('-V, --vscc <name>', 'the name of the validation plugin')
    .option('--collections-config <file>', 'private data collections in JSON')
    .action(async (flags: DeployFlags) => (await import('./deploy.ts')).deploy(verb, flags, terminal));
}

/** `chaincode install`: a package file, or the sources named by -n, -v and -p. */
function installCommand(parent: Command, terminal: Terminal): void {
  withUnusedOrderer(withPeers(withSource(parent.command('install [package]').description('Install a chaincode on a peer.')))).action(
    async (file: string | undefined, flags: SourceFlags & PeerFlags) =>
      (await import('./packages.ts')).installPackage(file, flags, terminal),
  );
}

/** `chaincode package`: a deployment spec, or with -s an envelope that owners can sign; `chaincode signpackage` signs it. */
function packageCommands(parent: Command, terminal: Terminal): void {
  withUnusedOrderer(withSource(parent.command('package [outputfile]').description('Package a chaincode into a deployment spec.')))
    .option('-s, --cc-package', 'create a package that can be signed by its owners')
    .option('-S, --sign', 'with -s: sign the package as the local MSP')
    .option('-i, --instantiate-policy <policy>', 'with -s: who may instantiate (default: the admins of CORE_PEER_LOCALMSPID)')
    .action(async (output: string, flags: PackageFlags, command: Command) => {
      const refusal = 'output file not specified or invalid number of args (filename should be the only arg)';
      expectOperands(command, { least: 1, most: 1 }, refusal);
      await (await import('./packages.ts')).writePackage(output, flags, terminal);
    });
  withUnusedOrderer(parent.command('signpackage [inputfile] [outputfile]').description('Sign the specified chaincode package.')).action(
    async (input: string, output: string, _: unknown, command: Command) => {
      expectOperands(command, { least: 2, most: Infinity }, 'signpackage needs two files: signpackage <inputpackage> <outputpackage>');
      await (await import('./packages.ts')).signPackage(input, output, terminal);
    },
  );
}

/** `chaincode list --installed` (on the peer) or `--instantiated -C CHANNEL`. */
function listCommand(parent: Command, terminal: Terminal): void {
  withUnusedOrderer(withPeers(onChannel(parent.command('list'))))
    .description('Get the instantiated chaincodes on a channel or installed chaincodes on a peer.')
    .option('--installed', 'get the installed chaincodes on a peer')
    .option('--instantiated', 'get the instantiated chaincodes on a channel')
    .action(async (flags: ListFlags) => (await import('./list.ts')).list(flags, terminal));
}

/** `chaincode logs NAME`: what the chaincode and its builds printed, from the files that the peer on this machine keeps. */
function logsCommand(parent: Command, terminal: Terminal): void {
  parent
    .command('logs <name>')
    .description(
      "Print what a chaincode printed, from the data folder of this machine's peer. With the 2.x lifecycle NAME is the label of its package.",
    )
    .option('-f, --follow', 'go on with what it prints from now on')
    .option('--tx <id>', 'only what belongs to this transaction; the beginning of the id is enough')
    .option('--data <dir>', 'the folder that selvage dev --data was given (default: peer.fileSystemPath of core.yaml)')
    .action(async (name: string, flags: LogsFlags) => (await import('./logs.ts')).logs(name, flags, terminal));
}
