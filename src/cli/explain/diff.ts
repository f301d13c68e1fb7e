import { basename, resolve } from 'node:path';
import { channelGroup } from '../../client/channel-config.ts';
import type { PeerClient } from '../../client/peer-client.ts';
import { createProposal } from '../../client/proposal.ts';
import { SelvageError } from '../../common/errors.ts';
import { differenceLines } from '../../explain/difference-lines.ts';
import { likelyCause } from '../../explain/likely-cause.ts';
import { type ResponseDifference, responseDifferences } from '../../explain/response-differences.ts';
import { bytesText } from '../../explain/shown.ts';
import { readChannel } from '../../msp/channelconfig/channel-values.ts';
import { mspIdOf } from '../../msp/identities/serialized-identity.ts';
import type { protos } from '../../protos/messages.ts';
import { constructorArguments, transientMap } from '../chaincode/constructor-arguments.ts';
import { Connections } from '../connections.ts';
import { required } from '../operands.ts';
import { chaincodeTargets } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import type { DiffFlags } from './explain-flags.ts';
import { jsonLine } from './json-line.ts';
import { readResponse } from './read-response.ts';

/** Who answered what. */
interface Answer {
  readonly who: string;
  /** `ProposalResponsePayload` bytes. */
  readonly payload: Uint8Array;
}

/**
 * Compares two answers in files, or those of endorsers that are asked the same now, with the first of them.
 * @throws {SelvageError} `REFUSED_BY_PEER` at the end when they differ
 */
export async function diff(files: readonly string[], flags: DiffFlags, terminal: Terminal): Promise<void> {
  const answers = files.length === 0 ? await asked(flags, terminal) : fromFiles(files, terminal);
  const [first, ...others] = answers;
  let differing = 0;
  for (const each of others) {
    const differences = first === undefined ? [] : responseDifferences(first.payload, each.payload);
    if (differences.length > 0) differing += 1;
    tell({ first: first?.who ?? '', second: each.who, differences }, flags, terminal);
  }
  if (differing > 0)
    throw new SelvageError(
      'REFUSED_BY_PEER',
      `${differing} of ${answers.length} answers ${differing === 1 ? 'differs' : 'differ'} from the first`,
    );
}

function tell(
  compared: { first: string; second: string; differences: readonly ResponseDifference[] },
  { json }: DiffFlags,
  { out }: Terminal,
): void {
  if (json !== true) {
    for (const line of differenceLines(compared)) out(line);
    return;
  }
  const side = (value: ResponseDifference['before']) =>
    value && { kind: value.kind, ...(value.value && { value: bytesText(value.value, 2_000) }) };
  const differences = compared.differences.map((each) => ({ ...each, before: side(each.before), after: side(each.after) }));
  out(jsonLine({ ...compared, differences, likely: differences.length > 0 ? likelyCause(compared.differences) : undefined }));
}

function fromFiles(files: readonly string[], { cwd }: Terminal): readonly Answer[] {
  if (files.length === 1)
    throw new SelvageError('SETTING_INVALID', 'one file cannot be compared', {
      advice: 'Name two, or none and a call with -C, -n and -c.',
    });
  return files.map((file) => ({ who: basename(file), payload: readResponse(resolve(cwd, file)) }));
}

/** One proposal, to the peers that are named, or to one of each organisation that can be found. */
async function asked(flags: DiffFlags, terminal: Terminal): Promise<readonly Answer[]> {
  const { channelID: channelId, name, ctor, transient } = flags;
  required('channelID', channelId, '-C');
  required('name', name, '-n');
  using connections = new Connections(terminal);
  const signer = await connections.signer();
  const peers = await endorsers(flags, connections, terminal);
  if (peers.length < 2)
    throw new SelvageError('SETTING_INVALID', `only one peer of channel ${channelId} was found to ask`, {
      advice: 'Name more with --peerAddresses and, with TLS, --tlsRootCertFiles, once for each.',
    });
  const spec = { channelId, chaincode: name, args: constructorArguments(ctor), transient: transientMap(transient) };
  const proposal = await createProposal(signer, spec);
  const answers = await Promise.all(peers.map(async (peer) => ({ peer, answer: await peer.endorse(proposal.signed, terminal) })));
  return answers.map(({ peer, answer }) => answerOf(peer, answer));
}

function answerOf({ address }: PeerClient, { response, endorsement, payload }: protos.ProposalResponse): Answer {
  const mspId = endorsement && mspIdOf(endorsement.endorser);
  const who = mspId === undefined ? address : `${mspId} (${address})`;
  if (endorsement !== undefined && payload.length > 0) return { who, payload };
  throw new SelvageError('REFUSED_BY_PEER', `${who} did not endorse: ${response?.status ?? 0} ${response?.message ?? ''}`, {
    advice: 'A refusal is not signed, so that it cannot be compared; see the log of that peer and of its chaincode.',
  });
}

async function endorsers(flags: DiffFlags, connections: Connections, terminal: Terminal): Promise<readonly PeerClient[]> {
  const { channelID: channelId } = flags;
  const named = chaincodeTargets({ command: 'invoke', flags, channelId }, connections);
  if (flags.peerAddresses !== undefined || named.length > 1) return connections.peers(named);
  const caller = await connections.caller(named);
  const { application } = readChannel(await channelGroup(caller, channelId, terminal));
  const mspIds = (application?.orgs ?? []).map(({ mspId }) => mspId).filter((mspId) => mspId !== connections.config.mspId);
  const found = await connections.discovered(channelId, caller, mspIds);
  return [caller.peer, ...found.values()];
}
