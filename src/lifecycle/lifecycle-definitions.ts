import { type Channels, hasLifecycleV20 } from '../channel/channel.ts';
import { SelvageError } from '../common/errors.ts';
import { prefixed } from '../common/prefixed.ts';
import type { ChaincodeDefinition, Definitions, StateReads } from './definitions.ts';
import type { KnownChaincode, LifecycleCache } from './lifecycle-cache.ts';
import { LIFECYCLE, readSequence } from './records.ts';

export interface LifecycleDefinitionsParts {
  readonly channels: Channels;
  readonly cache: Pick<LifecycleCache, 'find' | 'forget'>;
  /** For channels that have not the 2.x lifecycle, and chaincodes that were not defined by it. */
  readonly legacy: Definitions;
  /** `chaincode.mode: dev`: chaincode that is not installed is what the user starts as `name:version`. */
  readonly userRunsChaincode: boolean;
}

/**
 * Definitions of the 2.x lifecycle before those of the legacy one. What the organisation of this peer did not approve, or what is not
 * installed, cannot be run.
 * @see ChaincodeEndorsementInfoSource in hyperledger/fabric v2.5, core/chaincode/lifecycle/endorsement_info.go, whose texts these are
 */
export class LifecycleDefinitions implements Definitions {
  readonly #parts: LifecycleDefinitionsParts;

  constructor(parts: LifecycleDefinitionsParts) {
    this.#parts = parts;
  }

  /**
   * @throws {SelvageError} `CHAINCODE_NOT_FOUND` when it is defined and cannot be run here; `DEFINITION_CHANGED` when `state` is older
   *   than what is in force: to be tried again on newer state
   */
  async find(state: StateReads, name: string, channelId: string): Promise<ChaincodeDefinition | undefined> {
    const { channels, legacy } = this.#parts;
    if (!hasLifecycleV20(channels.get(channelId))) return legacy.find(state, name, channelId);
    if (name === '') return undefined; // an empty name is in no key
    const sequence = await this.#sequence(state, name, channelId);
    if (sequence === 0n) return legacy.find(state, name, channelId);
    const { definition, approved, installed } = await this.#known(channelId, name, sequence);
    if (!approved) {
      const text = `chaincode definition for '${name}' at sequence ${sequence} on channel '${channelId}' has not yet been approved by this org`;
      throw new SelvageError('CHAINCODE_NOT_FOUND', text, {
        details: { chaincode: name, channel: channelId, sequence: sequence.toString() },
        advice: 'Approve exactly this definition for the organisation of this peer.',
      });
    }
    const { version, initRequired, endorsementPlugin, validationPlugin, validationParameter } = definition;
    const ccid = installed?.packageId ?? this.#startedByUser(name, version);
    return { name, version, ccid, initRequired, endorsementPlugin, validationPlugin, validationParameter };
  }

  async checkRunnable(definition: ChaincodeDefinition): Promise<void> {
    if (definition.legacy !== undefined) await this.#parts.legacy.checkRunnable(definition);
  }

  async #sequence(state: StateReads, name: string, channelId: string): Promise<bigint> {
    try {
      return await readSequence(name, { get: (key) => state.getState(LIFECYCLE, key) });
    } catch (thrown) {
      throw prefixed(`could not get current sequence for chaincode '${name}' on channel '${channelId}': `, thrown);
    }
  }

  /** A cache that is behind is read again: the block that changed it may be committed this very moment. */
  async #known(channelId: string, name: string, sequence: bigint): Promise<KnownChaincode> {
    const known = await this.#cached(channelId, name);
    if (known.definition.sequence === sequence) return known;
    this.#parts.cache.forget(channelId);
    const newer = await this.#cached(channelId, name);
    if (newer.definition.sequence === sequence) return newer;
    const text = `chaincode cache at sequence ${newer.definition.sequence} but current sequence is ${sequence}`;
    throw new SelvageError('DEFINITION_CHANGED', `${text}, chaincode definition for '${name}' changed during invoke`, {
      details: { chaincode: name, channel: channelId },
    });
  }

  async #cached(channelId: string, name: string): Promise<KnownChaincode> {
    try {
      return await this.#parts.cache.find(channelId, name);
    } catch (thrown) {
      throw prefixed('could not get approved chaincode info from cache: ', thrown);
    }
  }

  #startedByUser(name: string, version: string): string {
    if (this.#parts.userRunsChaincode) return `${name}:${version}`;
    throw new SelvageError('CHAINCODE_NOT_FOUND', `chaincode definition for '${name}' exists, but chaincode is not installed`, {
      details: { chaincode: name },
      advice: 'Install the package that was approved on this peer, or approve the definition again with a package that is installed.',
    });
  }
}
