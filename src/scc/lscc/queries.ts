import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import { equalBytes, utf8 } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import type { InstalledChaincode } from '../../packages/package-store.ts';
import { ccprovider, protos } from '../../protos/messages.ts';
import type { ChannelAccess } from '../access.ts';
import { chaincodeInputText } from '../go-text.ts';
import { refused } from '../reply.ts';
import { collectionKey, isCollectionKey } from './collections.ts';
import type { LsccParts } from './parts.ts';
import { entryOf, simulatorOf } from './state.ts';

export interface QueriesParts {
  readonly access: ChannelAccess;
  readonly packages: Pick<LsccParts['packages'], 'find' | 'load' | 'list'>;
}

/** What LSCC tells about instantiated and installed chaincodes. Reads go through the simulation and are recorded. */
export class Queries {
  readonly #parts: QueriesParts;

  constructor(parts: QueriesParts) {
    this.#parts = parts;
  }

  async id(name: string, call: ChaincodeCall): Promise<Uint8Array> {
    await this.#readable('lscc/ChaincodeExists', call);
    return utf8((await definitionOf(call, name)).name);
  }

  async chaincodeData(name: string, call: ChaincodeCall): Promise<Uint8Array> {
    await this.#readable('lscc/GetChaincodeData', call);
    return entryOf(call, name);
  }

  /** The installed deployment spec, if it is the one that was instantiated. */
  async deploymentSpec(name: string, call: ChaincodeCall): Promise<Uint8Array> {
    await this.#readable('lscc/GetDeploymentSpec', call);
    const { version, data } = await definitionOf(call, name);
    const installed = await this.#load(name, version);
    if (!equalBytes(installed.data, data)) throw refused('chaincode fingerprint mismatch data mismatch');
    return installed.deploymentSpecBytes;
  }

  async instantiated(call: ChaincodeCall): Promise<Uint8Array> {
    const { channelId, signedProposal } = call.proposal;
    const denied = (cause: string) => `Authorization for GETCHAINCODES on channel getchaincodes has been denied with error ${cause}`;
    await this.#parts.access.channel('lscc/GetInstantiatedChaincodes', channelId, signedProposal, denied);
    const chaincodes = [];
    for await (const data of definitionsIn(simulatorOf(call))) chaincodes.push(await this.#described(data));
    return protos.ChaincodeQueryResponse.encode({ chaincodes });
  }

  async installed({ proposal }: ChaincodeCall): Promise<Uint8Array> {
    const denied = (cause: string) =>
      `Authorization for GETINSTALLEDCHAINCODES on channel getinstalledchaincodes has been denied with error ${cause}`;
    await this.#parts.access.local('lscc/GetInstalledChaincodes', proposal.signedProposal, denied);
    const installed = await this.#parts.packages.list();
    const chaincodes = installed.map(({ name, version, path, id }: InstalledChaincode) => ({ name, version, path, id }));
    return protos.ChaincodeQueryResponse.encode({ chaincodes });
  }

  async collections(name: string, call: ChaincodeCall): Promise<Uint8Array> {
    await this.#readable('lscc/GetCollectionsConfig', call);
    const config = await simulatorOf(call).getState('lscc', collectionKey(name));
    if (config === undefined) throw refused(`collections config not defined for chaincode ${name}`);
    return config;
  }

  async #readable(resource: string, { proposal: { channelId, signedProposal } }: ChaincodeCall): Promise<void> {
    const denied = (cause: string) => `Authorization request failed ${channelId}: ${cause}`;
    await this.#parts.access.channel(resource, channelId, signedProposal, denied);
  }

  async #load(name: string, version: string): ReturnType<QueriesParts['packages']['load']> {
    try {
      return await this.#parts.packages.load(name, version);
    } catch (thrown) {
      throw refused(`invalid deployment spec : ${messageOf(thrown)}`, thrown);
    }
  }

  /** Path and input are known only where the package is installed. */
  async #described({ name, version, escc, vscc }: ccprovider.ChaincodeData): Promise<protos.ChaincodeInfoInit> {
    const spec = await this.#installedSpec(name, version);
    const input = spec?.input === undefined ? '' : chaincodeInputText(spec.input);
    return { name, version, path: spec?.chaincodeId?.path, input, escc, vscc };
  }

  async #installedSpec(name: string, version: string): Promise<protos.ChaincodeSpec | undefined> {
    try {
      return (await this.#parts.packages.load(name, version)).spec;
    } catch (thrown) {
      if (thrown instanceof SelvageError) return undefined;
      throw thrown;
    }
  }
}

async function definitionOf(call: ChaincodeCall, name: string): Promise<ccprovider.ChaincodeData> {
  const data = ccprovider.ChaincodeData.decode(await entryOf(call, name));
  if (data.name !== name) throw refused(`chaincode name mismatch ${name}`);
  return data;
}

/** From U+0001, as Fabric asks: the bounds of the query are recorded. */
async function* definitionsIn(simulator: TxSimulator): AsyncGenerator<ccprovider.ChaincodeData> {
  await using entries = simulator.getStateRange('lscc', '\u0001', '');
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    if (!isCollectionKey(entry.key)) yield ccprovider.ChaincodeData.decode(entry.value);
  }
}
