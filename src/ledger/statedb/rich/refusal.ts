import { SelvageError } from '../../../common/errors.ts';

/** What CouchDB answers to a request that it refuses. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly reason: string;
}

/**
 * An error of CouchDB as chaincode sees it.
 * @see handleRequest in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/statedb/statecouchdb/couchdb.go
 */
export function refused({ status, error, reason }: Refusal): SelvageError {
  return new SelvageError(
    'SIMULATION_FAILED',
    `error handling CouchDB request. Error:${error},  Status Code:${status},  Reason:${reason}`,
    { details: { status, error, reason } },
  );
}

/** The refusal of status 400, which is nearly every one. */
export const badRequest = (error: string, reason: string): SelvageError => refused({ status: 400, error, reason });

/** What no CouchDB would refuse, but a peer has to: it would take more memory or time than one query may. */
export const beyondBounds = (what: string): SelvageError => new SelvageError('SIMULATION_FAILED', `rich query refused: ${what}`);
