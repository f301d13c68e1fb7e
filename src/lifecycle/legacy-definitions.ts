import { detach, equalBytes } from '../common/bytes.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import { type MaybePromise, whenKnown } from '../common/maybe.ts';
import type { FabricTexts } from '../packages/names.ts';
import type { InstalledChaincode, PackageStore } from '../packages/package-store.ts';
import { ccprovider } from '../protos/messages.ts';
import type { ChaincodeDefinition, Definitions, StateReads } from './definitions.ts';

/** The namespace of the legacy lifecycle; its key for a chaincode is the chaincode's name. */
export const LSCC = 'lscc';

export interface LegacyDefinitionsParts {
  readonly packages: Pick<PackageStore, 'find'>;
  readonly texts?: FabricTexts;
}

/** Definitions as LSCC's `deploy` and `upgrade` wrote them, against the packages that `install` stored. */
export class LegacyDefinitions implements Definitions {
  readonly #packages: Pick<PackageStore, 'find'>;
  readonly #texts: FabricTexts;

  constructor({ packages, texts = '1.4' }: LegacyDefinitionsParts) {
    this.#packages = packages;
    this.#texts = texts;
  }

  find(state: StateReads, name: string): MaybePromise<ChaincodeDefinition | undefined> {
    if (name === '') return undefined; // an empty key is no key
    return whenKnown(state.getState(LSCC, name), (value) =>
      value === undefined || value.length === 0 ? undefined : this.#definition(name, value),
    );
  }

  /**
   * First the instantiation policy, then the fingerprint, in Fabric's order.
   * @see CheckInstantiationPolicy and ValidateCC in hyperledger/fabric v1.1.0, core/common/ccprovider
   */
  async checkRunnable(definition: ChaincodeDefinition): Promise<void> {
    const { name, version, legacy } = definition;
    const installed = await this.#installed(name, version);
    if (legacy === undefined) throw new SelvageError('INTERNAL', `chaincode ${name} has no legacy definition`);
    const { instantiationPolicy } = installed;
    if (instantiationPolicy !== undefined && !equalBytes(instantiationPolicy, legacy.instantiationPolicy)) {
      throw invalid(`Instantiation policy mismatch for cc ${name}/${version}`, definition);
    }
    if (!equalBytes(installed.data, legacy.data)) throw this.#fingerprintMismatch(definition);
  }

  #definition(key: string, value: Uint8Array): ChaincodeDefinition {
    const data = ccprovider.ChaincodeData.decode(detach(value));
    const { name, version } = data;
    if (name !== key) throw new SelvageError('CHAINCODE_PACKAGE_INVALID', `chaincode name mismatch${this.#colon} ${key}/${name}`);
    return {
      name,
      version,
      ccid: `${name}:${version}`,
      endorsementPlugin: data.escc,
      validationPlugin: data.vscc,
      validationParameter: data.policy,
      legacy: { data: data.data, id: data.id, instantiationPolicy: data.instantiationPolicy },
    };
  }

  async #installed(name: string, version: string): Promise<InstalledChaincode> {
    const installed = await this.#packages.find(name, version).catch((cause: unknown) => {
      throw new SelvageError('CHAINCODE_PACKAGE_INVALID', unavailable(name, version, messageOf(cause)), { cause });
    });
    if (installed !== undefined) return installed;
    throw new SelvageError('CHAINCODE_NOT_FOUND', unavailable(name, version, `chaincode package ${name}.${version} is not installed`), {
      details: { chaincode: name, version },
      advice: `Install the package of ${name} ${version} on this peer, the same file as on the other peers.`,
    });
  }

  #fingerprintMismatch(definition: ChaincodeDefinition): SelvageError {
    return invalid(`chaincode fingerprint mismatch${this.#colon} data mismatch`, definition, {
      advice:
        'The installed package differs from the instantiated one. Packages made twice from the same sources differ: install the same file everywhere.',
    });
  }

  get #colon(): string {
    return this.#texts === '1.1' ? '' : ':';
  }
}

const unavailable = (name: string, version: string, why: string): string =>
  `cannot retrieve package for chaincode ${name}/${version}, error ${why}`;

const invalid = (message: string, { name, version }: ChaincodeDefinition, { advice }: { readonly advice?: string } = {}): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', message, {
    details: { chaincode: name, version },
    ...(advice !== undefined && { advice }),
  });
