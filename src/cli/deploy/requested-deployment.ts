import { existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CHANNEL_POLICY } from '../../client/deployment/definition-differences.ts';
import type { WantedChaincode } from '../../client/deployment/next-definition.ts';
import { SelvageError } from '../../common/errors.ts';
import { buildLifecyclePackage, packageIdOf, parseLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { protos } from '../../protos/messages.ts';
import { readCollections } from '../chaincode/collections.ts';
import { constructorArguments } from '../chaincode/constructor-arguments.ts';
import { applicationPolicyOf } from '../chaincode/policy-flag.ts';
import { nameOfFolder, noChaincode } from '../dev/chaincode-folder.ts';
import { nameOfLabel } from '../dev/chaincode-package.ts';
import { collectionsFileIn } from '../dev/found-collections.ts';
import { checkName } from '../dev/requested-chaincodes.ts';
import { codeOf, typeOf } from '../lifecycle/sources.ts';
import { required } from '../operands.ts';
import { readBytes } from '../read-file.ts';
import type { Terminal } from '../terminal.ts';
import type { DeployFlags } from './deploy-flags.ts';

/** What is to be deployed. */
export interface RequestedDeployment {
  readonly wanted: WantedChaincode;
  /** The `.tar.gz`. */
  readonly packageBytes: Uint8Array;
  /** Arguments of Init; undefined where there is none. */
  readonly init: readonly string[] | undefined;
  /** Where the collections are from, if there are any. */
  readonly collectionsFile: string | undefined;
}

/** @throws {SelvageError} `SETTING_INVALID` naming the flag or the folder; `CHAINCODE_PACKAGE_INVALID` */
export async function requestedDeployment(path: string, flags: DeployFlags, terminal: Terminal): Promise<RequestedDeployment> {
  required('channelID', flags.channelID, '-C');
  const place = resolve(terminal.cwd, path);
  const isFile = statSync(place, { throwIfNoEntry: false })?.isFile() === true;
  const init = flags.ctor === undefined ? (flags.initRequired === true ? [] : undefined) : constructorArguments(flags.ctor);
  const policy = applicationPolicyOf(flags.signaturePolicy ?? '', flags.channelConfigPolicy ?? '');
  const collectionsFile = collectionsFileOf(place, isFile, flags, terminal);
  const collections = collectionsFile === undefined ? undefined : readCollections(collectionsFile);
  const packed = isFile ? await packageAt(place, flags) : await packageOf(path, place, flags, terminal);
  return {
    wanted: {
      channelId: flags.channelID,
      name: packed.name,
      version: flags.version || undefined,
      endorsementPlugin: flags.endorsementPlugin || 'escc',
      validationPlugin: flags.validationPlugin || 'vscc',
      validationParameter: policy === undefined ? CHANNEL_POLICY : protos.ApplicationPolicy.encode(policy),
      collections,
      initRequired: init !== undefined,
      packageId: packed.id,
    },
    packageBytes: packed.bytes,
    init,
    collectionsFile,
  };
}

interface Packed {
  readonly name: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The same sources give the same package, wherever they lie and however their folder was named. */
async function packageOf(path: string, folder: string, flags: DeployFlags, terminal: Terminal): Promise<Packed> {
  if (!existsSync(folder))
    throw new SelvageError('SETTING_INVALID', `there is no folder and no package ${folder}`, {
      advice: 'Name the folder of your chaincode, or its .tar.gz package: selvage deploy FOLDER -C CHANNEL.',
    });
  if (!flags.lang && !(await looksLikeCode(folder))) throw noChaincode(folder, terminal.cwd, 'deploy');
  const name = flags.name || nameOfFolder(folder);
  checkName(name);
  const code = await codeOf(path, flags.lang || undefined, terminal);
  const parts = { label: flags.label || name, ...code, path: code.type.toLowerCase() === 'golang' ? code.path : '' };
  const bytes = await buildLifecyclePackage(parts);
  return { name, id: packageIdOf(parts.label, bytes), bytes };
}

/** Go below GOPATH has nothing but its sources. */
const looksLikeCode = async (folder: string): Promise<boolean> =>
  (await typeOf(folder)) !== undefined || readdirSync(folder).some((name) => name.endsWith('.go'));

async function packageAt(file: string, { name, lang, label }: DeployFlags): Promise<Packed> {
  const given = [lang && '--lang', label && '--label'].find(Boolean);
  if (given !== undefined)
    throw new SelvageError('SETTING_INVALID', `${given} is for sources, and ${file} is a package`, { advice: `Leave ${given} out.` });
  const bytes = readBytes(file);
  const parsed = await parseLifecyclePackage(bytes);
  const wanted = name || nameOfLabel(parsed.label);
  checkName(wanted);
  return { name: wanted, id: parsed.packageId, bytes };
}

function collectionsFileOf(place: string, isFile: boolean, { collectionsConfig }: DeployFlags, { cwd }: Terminal): string | undefined {
  if (collectionsConfig === false) return undefined;
  if (collectionsConfig !== undefined) return resolve(cwd, collectionsConfig);
  return isFile ? undefined : collectionsFileIn(place);
}
