import { installedChaincodes, instantiatedChaincodes } from '../../client/system-calls.ts';
import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { protos } from '../../protos/messages.ts';
import { Connections } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import type { ListFlags } from './chaincode-commands.ts';

export async function list(flags: ListFlags, terminal: Terminal): Promise<void> {
  const { installed = false, instantiated = false, channelID } = flags;
  if (installed === instantiated) throw new SelvageError('SETTING_INVALID', 'Must explicitly specify "--installed" or "--instantiated"');
  if (instantiated && channelID === '')
    throw new SelvageError('SETTING_INVALID', 'The required parameter "channelID" is empty.', { advice: 'Add -C CHANNEL.' });
  using connections = new Connections(terminal);
  const caller = { peer: connections.onePeer('list', flags), signer: await connections.signer() };
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
