import { SelvageError } from '../common/errors.ts';

/** Whose rules and texts are meant where Fabric's versions disagree: `1.1`, or `1.4`, which also stands for what came later. */
export type FabricTexts = '1.1' | '1.4';

const NAME = { '1.1': /^[A-Za-z0-9_-]+$/, '1.4': /^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/ } as const;
const VERSION = /^[A-Za-z0-9_.+-]+$/;

/** What a file system takes as one name; a package is stored as `<name>.<version>`. */
const MAX_FILE_NAME = 255;

/**
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text
 * @see core/scc/lscc in hyperledger/fabric v1.1.0 and v1.4
 */
export function checkChaincodeName(name: string, texts: FabricTexts = '1.4'): void {
  if (NAME[texts].test(name)) return;
  throw refused(texts === '1.1' ? nameText11(name) : nameText14(name));
}

/** @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text */
export function checkChaincodeVersion(name: string, version: string, texts: FabricTexts = '1.4'): void {
  if (!VERSION.test(version)) throw refused(texts === '1.1' ? versionText11(name, version) : versionText14(version));
  if (name.length + 1 + version.length > MAX_FILE_NAME)
    throw refused(`chaincode name and version are longer than ${MAX_FILE_NAME - 1} characters`);
}

const nameText11 = (name: string): string =>
  name === '' ? 'chaincode name not provided' : `invalid chaincode name '${name}'. Names can only consist of alphanumerics, '_', and '-'`;

const nameText14 = (name: string): string =>
  `invalid chaincode name '${name}'. Names must start with an alphanumeric character and can only consist of alphanumerics, '_', and '-'`;

const versionText11 = (name: string, version: string): string =>
  version === ''
    ? `version not provided for chaincode with name '${name}'`
    : `invalid chaincode version '${version}'. Versions can only consist of alphanumerics, '_',  '-', '+', and '.'`;

const versionText14 = (version: string): string =>
  `invalid chaincode version '${version}'. Versions must not be empty and can only consist of alphanumerics, '_',  '-', '+', and '.'`;

const refused = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);
