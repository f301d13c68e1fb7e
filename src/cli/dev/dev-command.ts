/** `selvage dev`: what it takes. What it does is loaded when it runs. */
import type { Command } from 'commander';
import { DEV_HELP } from '../help.ts';
import type { Terminal } from '../terminal.ts';

export interface DevFlags {
  readonly channel: string;
  readonly name?: string;
  readonly orgs: string;
  readonly tls: boolean;
  readonly data?: string;
  readonly portBase: string;
  readonly block: string;
  readonly lifecycle?: string;
  readonly policy?: string;
  readonly ctor: string;
  readonly once?: boolean;
  readonly replicas: string;
  readonly inspect?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** `selvage dev [CHAINCODE]`: a whole network in this process, with the chaincode of a folder or package deployed. */
export function devCommand(program: Command, terminal: Terminal): void {
  program
    .command('dev [chaincode]')
    .description(
      'Run a development network with the chaincode in a folder (default: this one, if it holds chaincode), or in a .tar.gz package.',
    )
    .option('--channel <name>', 'name of the channel', 'mychannel')
    .option('--name <name>', 'name of the chaincode (default: the one in its package.json, or in the label of the package)')
    .option('--orgs <n>', 'number of organisations, with one peer each', '1')
    .option('--no-tls', 'plain connections (TLS is the default)')
    .option('--data <dir>', 'keep the network here and go on with it next time (default: a temporary folder)')
    .option('--port-base <port>', "the orderer's port; the peers' follow it (7051, 9051, …); 0 takes free ports", '7050')
    .option('--block <mode>', 'instant: cut a block as soon as nothing else waits; fabric: by count, size and timeout', 'instant')
    .option(
      '--lifecycle <1|2>',
      'how chaincode gets onto the channel: instantiated as in Fabric 1.x, or approved and committed as in 2.x (default: 2)',
    )
    .option('-P, --policy <policy>', "endorsement policy, like AND('Org1MSP.member','Org2MSP.member')")
    .option('-c, --ctor <json>', 'arguments of Init in JSON; with --lifecycle 2 Init is called when there are any', '{"Args":[]}')
    .option('--replicas <n>', 'instances of the chaincode per peer, which share the transactions', '1')
    .option('--inspect', 'open the inspector of the chaincode and print its address; transactions then wait at breakpoints')
    .option('--once', 'deploy, make the calls that package.json lists, print, and exit')
    .option('--watch', 'upgrade the chaincode when its files change, world state kept (the default in a terminal)')
    .option('--no-watch', 'leave the chaincode as it was at the start')
    .option('--json', 'print one JSON object per line')
    .option('--verbose', 'print all that builds print (in a terminal, only what they print last is shown while they go on)')
    .addHelpText('after', DEV_HELP)
    .action(async (path: string | undefined, flags: DevFlags) => (await import('./run-dev.ts')).runDev(path, flags, terminal));
}
