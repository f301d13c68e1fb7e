import type { LogFields, Logger } from '../common/log.ts';
import { processReport } from '../node/process-report.ts';
import type { ProcessListener } from './watched-process.ts';

/**
 * Logs what happens to the process of a node, in Fabric's words where tools look for them: `Received signal: 15 (terminated)`, and on
 * SIGUSR1 a report.
 *
 * @param report what the node does at the moment
 * @param flush writes what the log still holds
 * @see handleSignals in hyperledger/fabric v2.5, internal/peer/node/start.go; common/diag/goroutine.go
 */
export const loggedProcess = (log: Logger, report: () => LogFields, flush: () => void): ProcessListener => ({
  signalled: ({ name, text }) => {
    log.info(`Received signal: ${text}`);
    if (name === 'SIGUSR1')
      log.info('Go routines report: there are none in Node, this is what the process does', { ...processReport(), ...report() });
  },
  failed: (cause) => log.error('something failed where nobody waited for it: the node stops', { cause: cause.cause ?? cause }),
  warned: (cause) => log.debug('Node warns', { cause }),
  cut: () => {
    log.error('the stop takes too long: the process ends now', { ...processReport(), ...report() });
    flush();
  },
});
