import { goResponse } from '../../client/go-text.ts';
import { evaluate, submit } from '../../client/submit.ts';
import { hex, textOf } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { Connections } from '../connections.ts';
import { required } from '../operands.ts';
import { refuseInvalid, submitParts } from '../sending.ts';
import { chaincodeTargets } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import type { InvokeFlags, QueryFlags } from './chaincode-flags.ts';
import { constructorArguments, transientMap } from './constructor-arguments.ts';

export async function query(flags: QueryFlags, terminal: Terminal): Promise<void> {
  const spec = specOf(flags);
  if (flags.raw && flags.hex) throw new SelvageError('SETTING_INVALID', 'options --raw (-r) and --hex (-x) are not compatible');
  using connections = new Connections(terminal);
  const { peer, signer } = await connections.caller(chaincodeTargets({ command: 'query', flags, channelId: spec.channelId }, connections));
  const { payload } = await evaluate(peer, signer, spec, { signal: terminal.signal, refusal: refused('query') });
  if (flags.raw)
    terminal.out(`[${payload.join(' ')}]`); // as Go prints bytes
  else terminal.out(flags.hex ? hex(payload) : textOf(payload));
}

export async function invoke(flags: InvokeFlags, terminal: Terminal): Promise<void> {
  const spec = { ...specOf(flags), isInit: flags.isInit };
  using connections = new Connections(terminal);
  const { channelId } = spec;
  const peers = await connections.peers(chaincodeTargets({ command: 'invoke', flags, channelId }, connections));
  const parts = { ...(await submitParts(connections, { endorsers: peers, flags, channelId }, terminal)), refusal: refused('invoke') };
  const submission = await submit(parts, spec, terminal);
  refuseInvalid(submission);
  terminal.say(`Chaincode invoke successful. result: ${goResponse(submission.response)}`);
}

/** @see chaincodeInvokeOrQuery in hyperledger/fabric v2.5, internal/peer/chaincode/common.go */
const refused =
  (verb: 'query' | 'invoke') =>
  (response: Parameters<typeof goResponse>[0]): string =>
    `endorsement failure during ${verb}. response: ${goResponse(response)}`;

function specOf({ channelID, name, ctor, transient }: QueryFlags | InvokeFlags) {
  required('channelID', channelID, '-C');
  if (name === '') throw new SelvageError('SETTING_INVALID', 'must supply value for chaincode name parameter', { advice: 'Add -n NAME.' });
  return { channelId: channelID, chaincode: name, args: constructorArguments(ctor), transient: transientMap(transient) };
}
