import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { deployLegacy } from './deploy-legacy.ts';
import { deployByLifecycle } from './deploy-lifecycle.ts';
import type { Deployment, DevChaincode } from './deployment.ts';
import type { DevClients } from './dev-clients.ts';

/**
 * Brings a chaincode onto the channel by the channel's lifecycle, or its new content when that changed.
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's reason; `CHAINCODE_PACKAGE_INVALID`; `SETTING_INVALID` for a package of
 *   the other lifecycle
 */
export async function deployChaincode(clients: DevClients, chaincode: DevChaincode, options: Cancellable): Promise<Deployment> {
  if (clients.lifecycle === 2) return deployByLifecycle(clients, chaincode, options);
  if ('folder' in chaincode) return deployLegacy(clients, chaincode, options);
  throw new SelvageError(
    'SETTING_INVALID',
    `${chaincode.packageFile} is a package of the 2.x lifecycle, and this network has that of 1.x`,
    {
      advice: 'Use --lifecycle 2, in a new --data folder.',
    },
  );
}
