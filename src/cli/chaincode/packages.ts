import { resolve } from 'node:path';
import { install } from '../../client/system-calls.ts';
import { utf8 } from '../../common/bytes.ts';
import { systemClock } from '../../common/clock.ts';
import { SelvageError } from '../../common/errors.ts';
import { readClientConfig } from '../../node/config/client-config.ts';
import { addOwner, buildDeploymentSpec, buildSignedPackage } from '../../packages/build-package.ts';
import { parsePackage } from '../../packages/chaincode-package.ts';
import { packPath } from '../../packages/platforms/platforms.ts';
import { Connections } from '../connections.ts';
import type { PeerFlags, SourceFlags } from '../flags.ts';
import { readBytes } from '../read-file.ts';
import { saying } from '../saying.ts';
import { chaincodeTargets } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import { writeWhole } from '../written-file.ts';
import type { PackageFlags } from './chaincode-flags.ts';
import { constructorArguments } from './constructor-arguments.ts';
import { languageOf } from './language.ts';
import { policyFlag } from './policy-flag.ts';

/** Installs a package file as it is, or the sources that the flags name. */
export async function installPackage(file: string | undefined, flags: SourceFlags & PeerFlags, terminal: Terminal): Promise<void> {
  const bytes = file === undefined ? await deploymentSpecWithCode(flags, terminal) : readPackage(file, flags, terminal);
  using connections = new Connections(terminal);
  const caller = await connections.caller(chaincodeTargets({ command: 'install', flags, channelId: '' }, connections));
  const response = await install(caller, bytes, terminal);
  terminal.say(`Installed remotely response:<status:${response.status} payload:"OK" >`);
}

/**
 * A package that is what the flags say, if they say so. Deployment specs are no gzip, packages of the 2.x lifecycle are.
 * @see getChaincodePackageMessage in hyperledger/fabric v2.5, internal/peer/chaincode/install.go
 */
function readPackage(file: string, { name, version }: SourceFlags, { cwd }: Terminal): Uint8Array {
  const bytes = readBytes(resolve(cwd, file));
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    throw new SelvageError('SETTING_INVALID', `${file} is a package of the 2.x lifecycle, which this command does not know`, {
      advice: `Write: selvage lifecycle chaincode install ${file}`,
    });
  const found = parsePackage(bytes);
  if (name !== '' && name !== found.name)
    throw new SelvageError('SETTING_INVALID', `chaincode name ${name} does not match name ${found.name} in package`);
  if (version !== '' && version !== found.version)
    throw new SelvageError('SETTING_INVALID', `chaincode version ${version} does not match version ${found.version} in packages`);
  return bytes;
}

export async function writePackage(output: string, flags: PackageFlags, terminal: Terminal): Promise<void> {
  writeWhole(resolve(terminal.cwd, output), await makePackage(flags, terminal));
  terminal.say(`Wrote ${output}`);
}

async function makePackage(flags: PackageFlags, terminal: Terminal): Promise<Uint8Array> {
  const plain = await deploymentSpecWithCode(flags, terminal);
  if (!flags.ccPackage) return plain;
  const policy = flags.instantiatePolicy ?? `AND('${readClientConfig(terminal.env).mspId}.admin')`; // as the stock command has it
  const signable = buildSignedPackage(plain, policyFlag(policy), { clock: systemClock });
  if (!flags.sign) return signable;
  using connections = new Connections(terminal);
  return addOwner(signable, await connections.signer());
}

/** Adds this owner's signature. */
export async function signPackage(input: string, output: string, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const signed = await addOwner(readBytes(resolve(terminal.cwd, input)), await connections.signer());
  writeWhole(resolve(terminal.cwd, output), signed);
  terminal.out(`Wrote signed package to ${output} successfully`);
}

/** `ChaincodeDeploymentSpec` bytes with the sources packed. @throws {SelvageError} `SETTING_INVALID` for a missing flag */
async function deploymentSpecWithCode({ name, version, path, lang, ctor }: SourceFlags, terminal: Terminal): Promise<Uint8Array> {
  if (name === '' || version === '' || path === undefined)
    throw new SelvageError('SETTING_INVALID', 'must supply value for chaincode name, path and version parameters', {
      advice: 'Add -n NAME -v VERSION -p FOLDER.',
    });
  const sources = await packPath(path, LANGUAGES[languageOf(lang)], { cwd: terminal.cwd, log: saying(terminal.say) });
  return buildDeploymentSpec({
    name,
    version,
    ...sources,
    ...(sources.type !== 'GOLANG' && { path }),
    args: constructorArguments(ctor, []).map(utf8),
  });
}

const LANGUAGES = { GOLANG: 'golang', NODE: 'node', JAVA: 'java' } as const;
