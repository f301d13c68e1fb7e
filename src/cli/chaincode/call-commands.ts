import type { Command } from 'commander';
import { evaluate, submit } from '../../client/submit.ts';
import { hex, textOf } from '../../common/bytes.ts';
import { Deadline } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { Connections, type OrdererFlags, type PeerFlags, withOrderer, withPeers } from '../connections.ts';
import { durationFlag } from '../durations.ts';
import type { Terminal } from '../terminal.ts';
import { constructorArguments, transientMap } from './constructor-arguments.ts';

interface CallFlags extends PeerFlags {
  readonly channelID?: string;
  readonly name: string;
  readonly ctor: string;
  readonly transient?: string;
}

interface QueryFlags extends CallFlags {
  readonly raw?: boolean;
  readonly hex?: boolean;
}

interface InvokeFlags extends CallFlags, OrdererFlags {
  readonly waitForEvent?: boolean;
  readonly waitForEventTimeout: string;
  readonly isInit?: boolean;
}

const withCall = (command: Command): Command =>
  command
    .option('-C, --channelID <channel>', 'the channel on which this command is executed', '')
    .requiredOption('-n, --name <name>', 'name of the chaincode')
    .option('-c, --ctor <json>', 'function and arguments in JSON', '{}')
    .option('--transient <json>', 'transient map in JSON, values in base64');

/** `chaincode query`: asks one peer and prints what the chaincode answered. */
export function queryCommand(parent: Command, terminal: Terminal): void {
  withPeers(withCall(parent.command('query').description('Query using the specified chaincode.')))
    .option('-r, --raw', 'print the result as raw bytes')
    .option('-x, --hex', 'print the result in hexadecimal')
    .action(async (flags: QueryFlags) => {
      using connections = new Connections(terminal);
      if (flags.raw && flags.hex) throw new SelvageError('SETTING_INVALID', 'options --raw (-r) and --hex (-x) are not compatible');
      const [peer] = connections.peers(flags);
      if (peer === undefined) return;
      const { payload } = await evaluate(peer, await connections.signer(), specOf(flags), terminal);
      if (flags.raw) process.stdout.write(payload);
      else terminal.out(flags.hex ? hex(payload) : textOf(payload));
    });
}

/** `chaincode invoke`: endorse, order, and with --waitForEvent wait until the peers have committed it. */
export function invokeCommand(parent: Command, terminal: Terminal): void {
  withOrderer(withPeers(withCall(parent.command('invoke').description('Invoke the specified chaincode.'))))
    .option('-I, --isInit', 'is this invocation for init (useful for supporting legacy chaincodes in the new lifecycle)')
    .option('--waitForEvent', 'wait until each peer has committed the transaction')
    .option('--waitForEventTimeout <duration>', 'time to wait for the event', '30s')
    .action(async (flags: InvokeFlags) => {
      using connections = new Connections(terminal);
      using deadline = new Deadline(durationFlag(flags.waitForEventTimeout), 'timed out waiting for txid on all peers', terminal.signal);
      const endorsers = connections.peers(flags);
      const parts = {
        signer: await connections.signer(),
        endorsers,
        orderer: connections.orderer(flags),
        listeners: flags.waitForEvent ? endorsers : [],
        tlsCertHash: connections.tlsCertHash(),
      };
      const { response, commit, proposal } = await submit(parts, { ...specOf(flags), isInit: flags.isInit }, { signal: deadline.signal });
      if (commit !== undefined && commit.code !== protos.TxValidationCode.VALID) {
        throw new SelvageError('REFUSED_BY_PEER', `transaction invalidated with status (${commit.codeName})`, {
          details: { txId: proposal.txId },
          advice: `Transaction ${proposal.txId} is in block ${commit.blockNumber}, but changed nothing; the peer's log says why.`,
        });
      }
      if (commit !== undefined) terminal.say(`txid [${proposal.txId}] committed with status (${commit.codeName})`);
      terminal.say(
        `Chaincode invoke successful. result: status:${response.status}${response.payload.length > 0 ? ` payload:${JSON.stringify(textOf(response.payload))}` : ''}`,
      );
    });
}

const specOf = ({ channelID = '', name, ctor, transient }: CallFlags) => ({
  channelId: channelID,
  chaincode: name,
  args: constructorArguments(ctor),
  transient: transientMap(transient),
});
