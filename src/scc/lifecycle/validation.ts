import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import { legacyCollections } from '../../lifecycle/legacy-collection-access.ts';
import { LSCC } from '../../lifecycle/legacy-definitions.ts';
import { readDefinition } from '../../lifecycle/lifecycle-definition.ts';
import { isSystemChaincode } from '../../lifecycle/system-chaincodes.ts';
import type { protos } from '../../protos/messages.ts';
import { refused, retold } from '../reply.ts';
import { checkCollections, checkSuccession, staticCollections } from './collection-rules.ts';
import type { Invocation } from './parts.ts';
import { publicRecords } from './simulated-records.ts';

const NAME = /^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/;
const VERSION = /^[A-Za-z0-9_.+-]+$/;

interface Request {
  readonly name: string;
  readonly version: string;
  readonly collections: protos.CollectionConfigPackage | undefined;
}

/**
 * Checks what a client wants to approve or commit, before anything is compared. Reads the committed definition, or the legacy one,
 * in every case: other peers' read-write sets have these reads.
 * @throws {SelvageError} `CHAINCODE_FAILED`
 * @see validateInput in hyperledger/fabric v2.5, core/chaincode/lifecycle/scc.go
 */
export async function checkRequest(request: Request, invocation: Invocation): Promise<void> {
  await retold(
    (cause) => `error validating chaincode definition: ${cause}`,
    () => check(request, invocation),
  );
}

async function check({ name, version, collections }: Request, { bundle, call: { simulator, proposal } }: Invocation): Promise<void> {
  if (!NAME.test(name)) {
    const rule = "Names can only consist of alphanumerics, '_', and '-' and can only begin with alphanumerics";
    throw refused(`invalid chaincode name '${name}'. ${rule}`);
  }
  if (isSystemChaincode(name)) throw refused(`chaincode name '${name}' is the name of a system chaincode`);
  if (!VERSION.test(version))
    throw refused(`invalid chaincode version '${version}'. Versions can only consist of alphanumerics, '_', '-', '+', and '.'`);
  const proposed = staticCollections(collections);
  if (bundle === undefined || simulator === undefined) throw refused(`could not get channelconfig for channel '${proposal.channelId}'`);
  checkCollections(proposed, bundle);
  checkSuccession(proposed, await committedCollections(name, simulator));
}

/** Of the definition in force, whichever lifecycle it comes from. */
async function committedCollections(name: string, simulator: TxSimulator): Promise<readonly protos.CollectionConfigInit[]> {
  const committed = await retold(
    (cause) => `could not retrieve committed definition for chaincode '${name}': ${cause}`,
    () => readDefinition(name, publicRecords(simulator)),
  );
  if (committed !== undefined) return committed.collections.config ?? [];
  if ((await simulator.getState(LSCC, name)) === undefined) return [];
  return (await legacyCollections(simulator, name)) ?? [];
}
