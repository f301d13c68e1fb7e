import { type Channels, hasLifecycleV20 } from '../channel/channel.ts';
import { SelvageError } from '../common/errors.ts';
import { type MaybePromise, rethrown, whenKnown } from '../common/maybe.ts';
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
  find(state: StateReads, name: string, channelId: string): MaybePromise<ChaincodeDefinition | undefined> {
    const { channels, legacy } = this.#parts;
    if (!hasLifecycleV20(channels.get(channelId))) return legacy.find(state, name, channelId);
    if (name === '') return undefined; // an empty name is in no key
    return whenKnown(this.#sequence(state, name, channelId), (sequence) => {
      if (sequence === 0n) return legacy.find(state, name, channelId);
      return whenKnown(this.#known(channelId, name, sequence), (known) => this.#runnable(known, { name, channelId }));
    });
  }

  checkRunnable(definition: ChaincodeDefinition): MaybePromise<void> {
    return definition.legacy === undefined ? undefined : this.#parts.legacy.checkRunnable(definition);
  }

  #runnable(
    { definition, approved, installed }: KnownChaincode,
    { name, channelId }: { readonly name: string; readonly channelId: string },
  ): ChaincodeDefinition {
    const { version, sequence, initRequired, endorsementPlugin, validationPlugin, validationParameter } = definition;
    if (!approved) {
      const text = `chaincode definition for '${name}' at sequence ${sequence} on channel '${channelId}' has not yet been approved by this org`;
      throw new SelvageError('CHAINCODE_NOT_FOUND', text, {
        details: { chaincode: name, channel: channelId, sequence: sequence.toString() },
        advice: 'Approve exactly this definition for the organisation of this peer.',
      });
    }
    const ccid = installed?.packageId ?? this.#startedByUser(name, version);
    return { name, version, ccid, initRequired, endorsementPlugin, validationPlugin, validationParameter };
  }

  #sequence(state: StateReads, name: string, channelId: string): MaybePromise<bigint> {
    return rethrown(
      () => readSequence(name, { get: (key) => state.getState(LIFECYCLE, key) }),
      (thrown) => prefixed(`could not get current sequence for chaincode '${name}' on channel '${channelId}': `, thrown),
    );
  }

  /** A cache that is behind is read again: the block that changed it may be committed this very moment. */
  #known(channelId: string, name: string, sequence: bigint): MaybePromise<KnownChaincode> {
    return whenKnown(this.#cached(channelId, name), (known) =>
      known.definition.sequence === sequence ? known : this.#newer(channelId, name, sequence),
    );
  }

  async #newer(channelId: string, name: string, sequence: bigint): Promise<KnownChaincode> {
    this.#parts.cache.forget(channelId);
    const newer = await this.#cached(channelId, name);
    if (newer.definition.sequence === sequence) return newer;
    const text = `chaincode cache at sequence ${newer.definition.sequence} but current sequence is ${sequence}`;
    throw new SelvageError('DEFINITION_CHANGED', `${text}, chaincode definition for '${name}' changed during invoke`, {
      details: { chaincode: name, channel: channelId },
    });
  }

  #cached(channelId: string, name: string): MaybePromise<KnownChaincode> {
    return rethrown(
      () => this.#parts.cache.find(channelId, name),
      (thrown) => prefixed('could not get approved chaincode info from cache: ', thrown),
    );
  }

  #startedByUser(name: string, version: string): string {
    if (this.#parts.userRunsChaincode) return `${name}:${version}`;
    throw new SelvageError('CHAINCODE_NOT_FOUND', `chaincode definition for '${name}' exists, but chaincode is not installed`, {
      details: { chaincode: name },
      advice: 'Install the package that was approved on this peer, or approve the definition again with a package that is installed.',
    });
  }
}
