import type { Command } from 'commander';
import { withPeers } from '../flags.ts';
import { EXPLAIN_HELP, IDENTITY_HELP } from '../help.ts';
import { expectOperands } from '../operands.ts';
import type { Terminal } from '../terminal.ts';
import type { ExplainQueryFlags } from './query-flags.ts';

/** `query explain`: how a peer answers a JSON query. */
export function queryCommands(program: Command, terminal: Terminal): void {
  const query = program.command('query').description('JSON queries of chaincode: explain.');
  withPeers(query.command('explain'))
    .argument('<query>', 'like {"selector":{"owner":"tom"}}, as chaincode would send it')
    .description('Run a query on the state of a chaincode and say which index answered it, and what would serve it better.')
    .requiredOption('-C, --channelID <channel>', 'the channel')
    .requiredOption('-n, --name <chaincode>', 'the chaincode')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', EXPLAIN_HELP)
    .addHelpText('after', IDENTITY_HELP)
    .action(async (text: string, flags: ExplainQueryFlags, command: Command) => {
      expectOperands(command, { least: 1, most: 1 }, 'one query is expected');
      await (await import('./explain-query.ts')).explainQuery(text, flags, terminal);
    });
}
