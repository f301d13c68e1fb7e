/** `selvage dev`: what it takes. What it does is loaded when it runs. */
import type { Command } from 'commander';
import { DEV_HELP } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import type { DevFlags } from './dev-flags.ts';

/** With two parameters and no default, by which the reader of Go's command lines knows a flag that may be given several times. */
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

/** `selvage dev [CHAINCODE…]`: a whole network in this process, with the chaincodes of folders or packages deployed. */
export function devCommand(program: Command, terminal: Terminal): void {
  program
    .command('dev [chaincode...]')
    .description(
      'Run a development network with the chaincode in a folder (default: this one, if it holds chaincode), in several, or in a .tar.gz package. NAME=FOLDER gives one another name.',
    )
    .option('--channel <name>', 'name of the channel (default: mychannel); further ones, without the chaincode, when given again', collect)
    .option('--name <name>', 'name of the chaincode (default: that of its package, module or folder)')
    .option('--orgs <n>', 'number of organisations, with one peer each (default: 1, or as many as its collections name)')
    .option('--tls', 'connections by TLS (the default)')
    .option('--no-tls', 'plain connections')
    .option('--mutual-tls', 'peers that let in only those who show a certificate of TLS')
    .option('--data <dir>', 'keep the network here and go on with it next time (default: a temporary folder)')
    .option('--port-base <port>', "the orderer's port; the peers' follow it (7051, 9051, …); 0 takes free ports (default: 7050)")
    .option('--block <mode>', 'instant: cut a block as soon as nothing else waits; fabric: by count, size and timeout', 'instant')
    .option(
      '--lifecycle <1|2>',
      'how chaincode gets onto the channel: instantiated as in Fabric 1.x, or approved and committed as in 2.x (default: 2)',
    )
    .option('-P, --policy <policy>', "endorsement policy, like AND('Org1MSP.member','Org2MSP.member')")
    .option('-c, --ctor <json>', 'arguments of Init in JSON; with --lifecycle 2 Init is called when there are any (default: {"Args":[]})')
    .option('--collections-config <file>', 'private data collections (default: collections_config.json beside the sources, if it is there)')
    .option('--no-collections-config', 'leave a collections file beside the sources aside')
    .option('--user <user>', 'an identity more, like alice, alice@org2 or alice:role=auditor,level=2; may be given several times', collect)
    .option('--empty', 'a network without chaincode, also where chaincode is')
    .option('--replicas <n>', 'instances of each chaincode per peer, which share the transactions (default: 1)')
    .option('--no-rich-queries', 'refuse JSON queries, as peers with LevelDB do (by default they are answered, as by peers with CouchDB)')
    .option('--inspect', 'open the inspector of the chaincode and print its address; transactions then wait at breakpoints')
    .option('--once', 'deploy, make the calls that package.json lists, print, and exit')
    .option('--watch', 'upgrade the chaincode when its files change, world state kept (the default in a terminal)')
    .option('--no-watch', 'leave the chaincode as it was at the start')
    .option('--json', 'print one JSON object per line')
    .option('--quiet', 'leave out what chaincode prints; selvage chaincode logs has it')
    .option('--verbose', 'print all that builds print (in a terminal, only what they print last is shown while they go on)')
    .addHelpText('after', DEV_HELP)
    .action(async (paths: readonly string[], flags: DevFlags) => (await import('./run-dev.ts')).runDev(paths, flags, terminal));
}
