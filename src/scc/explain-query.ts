import { utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { indexFileFor } from '../ledger/statedb/query-advice.ts';
import { refused } from './reply.ts';

/** A query that gives more is not followed to its end. */
const MOST_RESULTS = 100_000;

/**
 * Runs a rich query on the public state of a chaincode and says, as JSON, how it was answered and what that took; nothing of the documents.
 * @throws {SelvageError} `CHAINCODE_FAILED` with the text that chaincode would see, and the file of the index that is missing
 */
export async function explainQuery(ledger: Pick<Ledger, 'indexes' | 'snapshot'>, chaincode: string, query: string): Promise<Uint8Array> {
  if (ledger.indexes === undefined) throw refused('this peer answers no rich queries: selvage.richQueries is false');
  if (chaincode === '' || /[$\0]/.test(chaincode)) throw refused(`'${chaincode}' is no name of a chaincode`);
  using snapshot = ledger.snapshot();
  using results = snapshot.query(chaincode, query);
  try {
    let found = 0;
    while (found < MOST_RESULTS && (await results.next()) !== undefined) found += 1;
    if (results.cost === undefined) throw refused('the state database does not say how it answers queries');
    const { plan, documentsExamined, scannedAll } = results.cost;
    const advice = scannedAll ? indexFileFor(chaincode, plan) : undefined;
    return utf8(JSON.stringify({ ...plan, results: found, documentsExamined, scannedAll, advice }));
  } catch (thrown) {
    const { code, message } = SelvageError.from(thrown);
    if (code !== 'SIMULATION_FAILED') throw thrown;
    const file = results.missingIndex && indexFileFor(chaincode, { indexable: results.missingIndex });
    throw refused(file === undefined ? message : `${message} Add to the chaincode ${file.path}: ${file.content}`, thrown);
  }
}
