import { equalBytes, textOf, utf8 } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import type { InstalledChaincode } from '../../packages/package-store.ts';
import { ccprovider, protos } from '../../protos/messages.ts';
import type { ChannelAccess } from '../access.ts';
import { chaincodeInputText } from '../go-text.ts';
import { refused } from '../reply.ts';
import { collectionKey, isCollectionKey } from './collections.ts';
import type { Asked, LsccParts } from './parts.ts';
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

  async id(asked: Asked): Promise<Uint8Array> {
    const name = await this.#readable('lscc/ChaincodeExists', asked);
    return utf8((await definitionOf(asked, name)).name);
  }

  async chaincodeData(asked: Asked): Promise<Uint8Array> {
    const name = await this.#readable('lscc/GetChaincodeData', asked);
    return entryOf(asked.call, name);
  }

  /** The installed deployment spec, if it is the one that was instantiated. */
  async deploymentSpec(asked: Asked): Promise<Uint8Array> {
    const name = await this.#readable('lscc/GetDeploymentSpec', asked);
    const { version, data } = await definitionOf(asked, name);
    const installed = await this.#load(name, version, asked);
    if (!equalBytes(installed.data, data)) throw asked.words.mismatch('data mismatch');
    return installed.deploymentSpecBytes;
  }

  async instantiated({ fn, call, words }: Asked): Promise<Uint8Array> {
    const { channelId, signedProposal } = call.proposal;
    const denied = (cause: string) => words.deniedInstantiated(fn, channelId, cause);
    await this.#parts.access.channel('lscc/GetInstantiatedChaincodes', channelId, signedProposal, denied);
    const chaincodes = [];
    for await (const data of definitionsIn(simulatorOf(call))) chaincodes.push(await this.#described(data));
    return protos.ChaincodeQueryResponse.encode({ chaincodes });
  }

  async installed({ fn, call: { proposal }, words }: Asked): Promise<Uint8Array> {
    const denied = (cause: string) => words.deniedInstalled(fn, cause);
    await this.#parts.access.local('lscc/GetInstalledChaincodes', proposal.signedProposal, denied);
    const installed = await this.#parts.packages.list();
    const chaincodes = installed.map(({ name, version, path, id }: InstalledChaincode) => ({ name, version, path, id }));
    return protos.ChaincodeQueryResponse.encode({ chaincodes });
  }

  async collections({ fn, args, call, words }: Asked): Promise<Uint8Array> {
    const { channelId, signedProposal } = call.proposal;
    const denied = (cause: string) => words.deniedCollections(fn, channelId, cause);
    await this.#parts.access.channel('lscc/GetCollectionsConfig', channelId, signedProposal, denied);
    const name = textOf(args[1] ?? NOTHING);
    const config = await simulatorOf(call).getState('lscc', collectionKey(name));
    if (config === undefined) throw refused(`collections config not defined for chaincode ${name}`);
    return config;
  }

  /**
   * The chaincode asked about, if the caller may read of the channel asked about. Fabric judges access on the channel of the
   * argument alone but reads that of the proposal; here 1.1 needs both to agree, and 2.x that the caller may read both.
   */
  async #readable(resource: string, { fn, args, call, words }: Asked): Promise<string> {
    const { channelId, signedProposal } = call.proposal;
    const [, channelArg = NOTHING, name = NOTHING] = args;
    const asked = textOf(channelArg);
    if (words.dialect === '1.1' && asked !== channelId) throw words.otherChannel(asked);
    for (const read of new Set([asked, channelId === '' ? asked : channelId]))
      await this.#parts.access.channel(resource, read, signedProposal, (cause) => words.deniedChaincode(fn, read, cause));
    if (call.simulator === undefined) throw words.noState(call);
    return textOf(name);
  }

  async #load(name: string, version: string, { words }: Asked): ReturnType<QueriesParts['packages']['load']> {
    try {
      return await this.#parts.packages.load(name, version);
    } catch (thrown) {
      throw refused(words.badSpec(messageOf(thrown)), thrown);
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

const NOTHING = new Uint8Array(0);

async function definitionOf({ call }: Asked, name: string): Promise<ccprovider.ChaincodeData> {
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
