import { SelvageError } from '../../common/errors.ts';
import { canonicalValue, parseJsonObject } from './rich/document-json.ts';
import type { DocumentRules } from './state.ts';

const refused = (message: string): SelvageError => new SelvageError('SIMULATION_FAILED', message);

const isReserved = (member: string): boolean => member.startsWith('_') || member === '~version';

/**
 * What a peer with CouchDB takes and gives.
 * @see validateKey and validateValue in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/statedb/statecouchdb
 */
export const documentRules: DocumentRules = {
  checkKey(key) {
    if (key === '') throw refused('invalid key. Empty string is not supported as a key by couchdb');
    if (key.startsWith('_')) throw refused(`invalid key [${key}], cannot begin with "_"`);
  },
  checkValue(value) {
    const document = parseJsonObject(value);
    if (document === undefined || document.beyondDoubles) return; // the latter Go does not read, and so does not look into
    const reserved = Object.keys(document.members).find(isReserved);
    if (reserved !== undefined) throw refused(`field [${reserved}] is not valid for the CouchDB state database`);
  },
  inRange: canonicalValue,
};
