import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { constructorArguments } from '../chaincode/constructor-arguments.ts';
import { policyFlag } from '../chaincode/policy-flag.ts';
import type { Terminal } from '../terminal.ts';
import { type DevelopedChaincode, holdsChaincode, noChaincode, readChaincodeFolder } from './chaincode-folder.ts';
import { isPackage, readChaincodePackage } from './chaincode-package.ts';
import type { DevFlags } from './dev-flags.ts';
import { listed } from './find-chaincodes.ts';
import { type Collections, collectionsFileIn, collectionsIn } from './found-collections.ts';

/** A chaincode to deploy, with all that the flags say of it. */
export interface RequestedChaincode {
  readonly source: DevelopedChaincode;
  readonly name: string;
  /** Arguments of Init. */
  readonly init: readonly string[];
  /** `SignaturePolicyEnvelope` bytes, and how it was written. */
  readonly policy: { readonly bytes: Uint8Array; readonly text: string } | undefined;
  readonly collections: Collections | undefined;
}

/**
 * The folders and packages that were named, or this folder if it looks like chaincode; a network without chaincode is fine, too.
 * @throws {SelvageError} `SETTING_INVALID` naming the flag or the folder; `CHAINCODE_PACKAGE_INVALID`
 */
export async function requestedChaincodes(
  paths: readonly string[],
  flags: DevFlags,
  { cwd }: Pick<Terminal, 'cwd'>,
): Promise<readonly RequestedChaincode[]> {
  const init = flags.ctor === undefined ? [] : constructorArguments(flags.ctor);
  const policy = flags.policy === undefined ? undefined : { bytes: policyFlag(flags.policy), text: flags.policy };
  if (flags.empty && paths.length > 0)
    throw new SelvageError('SETTING_INVALID', `--empty is for a network without chaincode, and ${paths[0]} is named`);
  const named = flags.empty || paths.length > 0 ? paths : here(cwd);
  const sources: { readonly source: DevelopedChaincode; readonly name: string }[] = [];
  for (const each of named) sources.push(await sourceOf(each, cwd));
  refuseForSeveral(sources.length, flags);
  const chaincodes = sources.map(({ source, name }) => {
    const wanted = flags.name ?? name;
    checkName(wanted);
    return { source, name: wanted, init, policy, collections: collectionsOf(source, flags, cwd) };
  });
  refuseSameNames(chaincodes);
  return chaincodes;
}

/** Who is in a folder with several chaincodes wants one of them. */
function here(cwd: string): readonly string[] {
  if (holdsChaincode(cwd)) return ['.'];
  if (listed(cwd, cwd) !== undefined) throw noChaincode(cwd, cwd);
  return [];
}

/** `FOLDER`, `PACKAGE.tar.gz`, or either after `NAME=`. */
async function sourceOf(text: string, cwd: string) {
  const [, name, rest] = /^([\w-]+)=(.+)$/.exec(text) ?? [];
  const isName = name !== undefined && statSync(resolve(cwd, text), { throwIfNoEntry: false }) === undefined;
  const path = isName ? (rest ?? '') : text;
  const source = isPackage(path, cwd) ? await readChaincodePackage(path, cwd) : readChaincodeFolder(path, cwd);
  return { source, name: isName ? name : source.name };
}

/** What can be meant for one only. */
function refuseForSeveral(count: number, { name, ctor, collectionsConfig }: DevFlags): void {
  if (count < 2) return;
  const given = Object.entries({ '--name': name, '--ctor': ctor, '--collections-config': collectionsConfig || undefined }).find(
    ([, value]) => value !== undefined,
  )?.[0];
  if (given !== undefined)
    throw new SelvageError('SETTING_INVALID', `${given} is for one chaincode, and ${count} are named`, {
      advice: given === '--name' ? 'Write NAME=FOLDER for each that is to have another name.' : 'Run them one by one, or leave it out.',
    });
}

const NAME = /^(?!(?:lscc|cscc|qscc|escc|vscc)$)[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/;

/** @throws {SelvageError} `SETTING_INVALID` */
export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new SelvageError('SETTING_INVALID', `${name} is no name that a chaincode can have`, {
    advice: 'Write letters and digits, with single - and _ between them, and no name of a system chaincode.',
  });
}

function refuseSameNames(chaincodes: readonly RequestedChaincode[]): void {
  for (const { name, source } of chaincodes) {
    const first = chaincodes.find((each) => each.name === name);
    if (first === undefined || first.source === source) continue;
    throw new SelvageError('SETTING_INVALID', `two chaincodes would be called ${name}: ${placeOf(first.source)} and ${placeOf(source)}`, {
      advice: `Give one another name: selvage dev OTHER=${placeOf(source)}.`,
    });
  }
}

const placeOf = (source: DevelopedChaincode): string => ('folder' in source ? source.folder : source.packageFile);

function collectionsOf(source: DevelopedChaincode, { collectionsConfig }: DevFlags, cwd: string): Collections | undefined {
  if (collectionsConfig === false) return undefined;
  const file = collectionsConfig ?? ('folder' in source ? collectionsFileIn(source.folder) : undefined);
  return file === undefined ? undefined : collectionsIn(file, cwd);
}
