import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { chaincodeName, type DevelopedChaincode } from './chaincode-folder.ts';

/** Whether what was named is a package: a file, not a folder. */
export const isPackage = (path: string, cwd: string): boolean => statSync(resolve(cwd, path), { throwIfNoEntry: false })?.isFile() === true;

/** A `.tar.gz` package of the 2.x lifecycle. @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text */
export async function readChaincodePackage(path: string, cwd: string): Promise<DevelopedChaincode> {
  const packageFile = resolve(cwd, path);
  const { label } = await parseLifecyclePackage(await readFile(packageFile));
  return { packageFile, label, name: nameOfLabel(label), tour: [] };
}

/** Labels are `NAME_VERSION` by custom, and may hold what names may not. */
export function nameOfLabel(label: string): string {
  const name = label.replace(/(?<=.)[_-]v?\d[\w.+-]*$/, '');
  return /^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/.test(name) ? name : chaincodeName(name);
}
