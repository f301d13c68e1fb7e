import { evaluate, submit } from '../../client/submit.ts';
import { hex, textOf } from '../../common/bytes.ts';
import { Deadline } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { tellCommit } from '../commit-told.ts';
import { Connections } from '../connections.ts';
import { durationFlag } from '../durations.ts';
import type { Terminal } from '../terminal.ts';
import type { InvokeFlags, QueryFlags } from './chaincode-commands.ts';
import { constructorArguments, transientMap } from './constructor-arguments.ts';

export async function query(flags: QueryFlags, terminal: Terminal): Promise<void> {
  if (flags.raw && flags.hex) throw new SelvageError('SETTING_INVALID', 'options --raw (-r) and --hex (-x) are not compatible');
  using connections = new Connections(terminal);
  const peer = connections.onePeer('query', flags);
  const { payload } = await evaluate(peer, await connections.signer(), specOf(flags), terminal);
  if (flags.raw) terminal.write(payload);
  else terminal.out(flags.hex ? hex(payload) : textOf(payload));
}

export async function invoke(flags: InvokeFlags, terminal: Terminal): Promise<void> {
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
  const spec = { ...specOf(flags), isInit: flags.isInit };
  const { response, commit, proposal } = await submit(parts, spec, { signal: deadline.signal });
  if (commit !== undefined) tellCommit(proposal.txId, commit, terminal, endorsers);
  const payload = response.payload.length > 0 ? ` payload:${JSON.stringify(textOf(response.payload))}` : '';
  terminal.say(`Chaincode invoke successful. result: status:${response.status}${payload}`);
}

const specOf = ({ channelID, name, ctor, transient }: QueryFlags | InvokeFlags) => ({
  channelId: channelID,
  chaincode: name,
  args: constructorArguments(ctor),
  transient: transientMap(transient),
});
