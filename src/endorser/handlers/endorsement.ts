/** Endorsement plugins: what turns a proposal response payload into an endorsement. */

import type { Channels } from '../../channel/channel.ts';
import { concatBytes } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { type MaybePromise, whenKnown } from '../../common/maybe.ts';
import type { StateSnapshot } from '../../ledger/statedb/state.ts';
import type { Signer } from '../../msp/identity.ts';
import type { protos } from '../../protos/messages.ts';

export interface EndorsementResult {
  readonly endorsement: protos.EndorsementInit;
  /** The payload that was endorsed; a plugin may change it. */
  readonly payload: Uint8Array;
}

/** Signs for one channel. `payload` is `ProposalResponsePayload` bytes. */
export interface EndorsementPlugin {
  endorse(payload: Uint8Array, signed: protos.SignedProposal): MaybePromise<EndorsementResult>;
}

/** What a plugin may use. */
export interface EndorsementDeps {
  readonly channelId: string;
  readonly signer: Signer;
  /** Committed state of the channel as of now; the plugin disposes it. */
  readonly state: () => StateSnapshot;
}

export interface EndorsementPluginFactory {
  newPlugin(deps: EndorsementDeps): MaybePromise<EndorsementPlugin>;
}

/**
 * Signs payload ‖ endorser with the peer's own identity: `DefaultEndorsement`, known to chaincodes as `escc`.
 * @see core/handlers/endorsement/builtin/default_endorsement.go in hyperledger/fabric v2.5
 */
export const defaultEndorsement: EndorsementPluginFactory = {
  newPlugin: ({ signer }) => ({
    endorse(payload) {
      const endorsedWith = (signature: Uint8Array) => ({ endorsement: { endorser: signer.serialized, signature }, payload });
      return whenKnown(signer.sign(concatBytes(payload, signer.serialized)), endorsedWith);
    },
  }),
};

export interface EndorsementPluginsParts {
  /** Factories by the name that chaincode definitions use, like `escc`. */
  readonly factories: ReadonlyMap<string, EndorsementPluginFactory>;
  readonly signer: Signer;
  readonly channels: Channels;
}

/** One plugin instance per channel and name, made on first use. */
export class EndorsementPlugins {
  readonly #parts: EndorsementPluginsParts;
  readonly #instances = new Map<string, MaybePromise<EndorsementPlugin>>();

  constructor(parts: EndorsementPluginsParts) {
    this.#parts = parts;
  }

  /** @throws {SelvageError} `SETTING_INVALID` with Fabric's text when there is no such plugin or it refuses to start */
  get(channelId: string, name: string): MaybePromise<EndorsementPlugin> {
    const key = `${channelId}\0${name}`;
    const known = this.#instances.get(key);
    if (known !== undefined) return known;
    const made = this.#make(channelId, name).then(
      (plugin) => {
        this.#instances.set(key, plugin);
        return plugin;
      },
      (cause: unknown) => {
        this.#instances.delete(key); // the next proposal tries again
        throw new SelvageError('SETTING_INVALID', `plugin with name ${name} could not be used: ${messageOf(cause)}`, { cause });
      },
    );
    this.#instances.set(key, made);
    return made;
  }

  async #make(channelId: string, name: string): Promise<EndorsementPlugin> {
    const { factories, signer, channels } = this.#parts;
    const factory = factories.get(name);
    if (factory === undefined) throw new SelvageError('SETTING_INVALID', `plugin with name ${name} wasn't found`);
    const state = () => {
      const channel = channels.get(channelId);
      if (channel === undefined) throw new SelvageError('CHANNEL_NOT_FOUND', `channel does not exist: ${channelId}`);
      return channel.ledger.snapshot();
    };
    return factory.newPlugin({ channelId, signer, state });
  }
}
