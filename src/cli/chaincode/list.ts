import { installedChaincodes, instantiatedChaincodes } from '../../client/system-calls.ts';
import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { protos } from '../../protos/messages.ts';
import { Connections } from '../connections.ts';
import { required } from '../operands.ts';
import { chaincodeTargets } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import type { ListFlags } from './chaincode-flags.ts';

export async function list(flags: ListFlags, terminal: Terminal): Promise<void> {
  const { installed = false, instantiated = false, channelID } = flags;
  if (instantiated) required('channelID', channelID, '-C');
  if (installed === instantiated) throw new SelvageError('SETTING_INVALID', 'must explicitly specify "--installed" or "--instantiated"');
  using connections = new Connections(terminal);
  const caller = await connections.caller(chaincodeTargets({ command: 'list', flags, channelId: channelID }, connections));
  const chaincodes = installed ? await installedChaincodes(caller, terminal) : await instantiatedChaincodes(caller, channelID, terminal);
  terminal.out(installed ? 'Get installed chaincodes on peer:' : `Get instantiated chaincodes on channel ${channelID}:`);
  for (const each of chaincodes) terminal.out(lineOf(each));
}

/** Fields in Go's order, empty ones left out. */
function lineOf({ name, version, path, input, escc, vscc, id }: protos.ChaincodeInfo): string {
  const fields = { Name: name, Version: version, Path: path, Input: input, Escc: escc, Vscc: vscc, Id: hex(id) };
  return Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ');
}
