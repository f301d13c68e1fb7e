/** `selvage deploy`: what it takes. What it does is loaded when it runs. */
import type { Command } from 'commander';
import { durationFlag, listFlag, withOrderer } from '../flags.ts';
import { DEPLOY_HELP, IDENTITY_HELP } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import type { DeployFlags } from './deploy-flags.ts';

export function deployCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('deploy <chaincode>')
    .description(
      'Put the chaincode of a folder or a .tar.gz package on a channel: pack, install, approve, commit, Init. Run again it changes nothing.',
    )
    .option('-C, --channelID <channel>', 'the channel', '')
    .option('-n, --name <name>', 'name of the chaincode (default: that of its package, module or folder)')
    .addOption(
      listFlag(
        '--org <file>',
        "an organisation whose keys are here: its CORE_ variables (an env.sh) or its connection profile; for several repeat it (default: this shell's CORE_ variables)",
      ),
    )
    .option('-v, --version <version>', 'version of the chaincode (default: SEQUENCE.0)')
    .option('-l, --lang <type>', 'golang, node, java, ccaas or k8s (default: what the folder holds)')
    .option('--label <label>', 'what the package id begins with (default: the name)')
    .option('-E, --endorsement-plugin <name>', 'the name of the endorsement plugin (default: escc)')
    .option('-V, --validation-plugin <name>', 'the name of the validation plugin (default: vscc)')
    .option('--signature-policy <policy>', "endorsement policy in words, like OR('Org1MSP.member','Org2MSP.peer')")
    .option('--channel-config-policy <name>', 'endorsement policy by its name in the channel (default: /Channel/Application/Endorsement)')
    .option(
      '--collections-config <file>',
      'private data collections in JSON (default: collections_config.json beside the sources, if it is there)',
    )
    .option('--no-collections-config', 'leave a collections file beside the sources aside')
    .option('--init-required', 'the chaincode has to be invoked with --isInit first; it is, with the arguments of -c')
    .option('-c, --ctor <json>', 'function and arguments of Init in JSON; implies --init-required')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addOption(durationFlag('--wait <duration>', 'how long to wait for the approvals of other organisations', '0'))
    .addOption(
      durationFlag('--waitForEventTimeout <duration>', 'how long to wait for each transaction, from the moment the orderer has it', '30s'),
    )
    .addHelpText('after', DEPLOY_HELP)
    .addHelpText('after', IDENTITY_HELP);
  withOrderer(command).action(async (path: string, flags: DeployFlags) =>
    (await import('./run-deploy.ts')).runDeploy(path, flags, terminal),
  );
}
