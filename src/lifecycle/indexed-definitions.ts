import { SelvageError } from '../common/errors.ts';
import type { MaybePromise } from '../common/maybe.ts';
import type { ChaincodeDefinition, Definitions, StateReads } from './definitions.ts';
import type { IndexDeployer } from './index-deployer.ts';

/**
 * Definitions that are found once their indexes are: a simulation that begins right after the commit of one queries with them, on newer
 * state than that on which it looked.
 */
export class IndexedDefinitions implements Definitions {
  readonly #definitions: Definitions;
  readonly #indexes: Pick<IndexDeployer, 'settled'>;

  constructor(definitions: Definitions, indexes: Pick<IndexDeployer, 'settled'>) {
    this.#definitions = definitions;
    this.#indexes = indexes;
  }

  /** @throws {SelvageError} also `DEFINITION_CHANGED` when indexes have just been deployed */
  async find(state: StateReads, name: string, channelId: string): Promise<ChaincodeDefinition | undefined> {
    const settled = this.#indexes.settled(channelId);
    if (settled !== undefined) {
      await settled;
      throw new SelvageError('DEFINITION_CHANGED', `the indexes of ${channelId} changed while '${name}' was looked up`, {
        details: { chaincode: name, channel: channelId },
      });
    }
    return this.#definitions.find(state, name, channelId);
  }

  checkRunnable(definition: ChaincodeDefinition): MaybePromise<void> {
    return this.#definitions.checkRunnable(definition);
  }
}
