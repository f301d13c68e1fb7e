import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { addOwner, buildDeploymentSpec, buildSignedPackage } from '../../chaincode/packaging/build-package.ts';
import { packSources } from '../../chaincode/platforms/platforms.ts';
import { install } from '../../client/system-calls.ts';
import { utf8 } from '../../common/bytes.ts';
import { systemClock } from '../../common/clock.ts';
import { SelvageError } from '../../common/errors.ts';
import { Connections, readBytes } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import { constructorArguments } from './constructor-arguments.ts';
import { policyFlag } from './policy-flag.ts';

/** Flags that describe a chaincode's sources. */
export interface SourceFlags {
  readonly name: string;
  readonly version: string;
  readonly path?: string;
  readonly lang: string;
  readonly ctor: string;
}

interface PackageFlags extends SourceFlags {
  readonly ccPackage?: boolean;
  readonly sign?: boolean;
  readonly instantiatePolicy?: string;
}

export const withSource = (command: Command): Command =>
  command
    .option('-n, --name <name>', 'name of the chaincode', '')
    .option('-v, --version <version>', 'version of the chaincode', '')
    .option('-p, --path <folder>', 'folder of the chaincode')
    .option('-l, --lang <language>', 'language the chaincode is written in', 'golang')
    .option('-c, --ctor <json>', 'function and arguments of Init in JSON', '{}');

/** `chaincode package`: a deployment spec, or with -s an envelope that owners can sign. */
export function packageCommand(parent: Command, terminal: Terminal): void {
  withSource(parent.command('package <outputfile>').description('Package a chaincode into a deployment spec.'))
    .option('-s, --cc-package', 'create a package that can be signed by its owners')
    .option('-S, --sign', 'with -s: sign the package as the local MSP')
    .option('-i, --instantiate-policy <policy>', 'with -s: who may instantiate')
    .action(async (output: string, flags: PackageFlags & { readonly instantiatePolicy?: string }) => {
      writeFileSync(resolve(terminal.cwd, output), await makePackage(flags, terminal));
      terminal.say(`Wrote ${output}`);
    });
}

async function makePackage(flags: PackageFlags, terminal: Terminal): Promise<Uint8Array> {
  const plain = await deploymentSpecWithCode(flags, terminal);
  if (!flags.ccPackage) return plain;
  if (flags.instantiatePolicy === undefined)
    throw new SelvageError('SETTING_INVALID', 'a signed package needs an instantiation policy', {
      advice: `Add -i "AND('Org1MSP.admin')".`,
    });
  const signable = buildSignedPackage(plain, policyFlag(flags.instantiatePolicy), { clock: systemClock });
  if (!flags.sign) return signable;
  using connections = new Connections(terminal);
  return addOwner(signable, await connections.signer());
}

/** `chaincode signpackage`: adds this owner's signature. */
export function signPackageCommand(parent: Command, terminal: Terminal): void {
  parent
    .command('signpackage <inputfile> <outputfile>')
    .description('Sign the specified chaincode package.')
    .action(async (input: string, output: string) => {
      using connections = new Connections(terminal);
      writeFileSync(resolve(terminal.cwd, output), await addOwner(readBytes(resolve(terminal.cwd, input)), await connections.signer()));
      terminal.say(`Wrote signed package to ${output} successfully`);
    });
}

/** `chaincode install`: a package file, or the sources named by -n, -v and -p. */
export function installCommand(parent: Command, terminal: Terminal): void {
  withSource(parent.command('install [package]').description('Install a chaincode on a peer.')).action(
    async (file: string | undefined, flags: SourceFlags) => {
      using connections = new Connections(terminal);
      const bytes = file === undefined ? await deploymentSpecWithCode(flags, terminal) : readBytes(resolve(terminal.cwd, file));
      const response = await install({ peer: connections.peer(), signer: await connections.signer() }, bytes, terminal);
      terminal.say(`Installed remotely response:<status:${response.status} payload:"OK" >`);
    },
  );
}

/** `ChaincodeDeploymentSpec` bytes with the sources packed. @throws {SelvageError} `SETTING_INVALID` for a missing flag */
async function deploymentSpecWithCode({ name, version, path, lang, ctor }: SourceFlags, terminal: Terminal): Promise<Uint8Array> {
  if (name === '' || version === '' || path === undefined)
    throw new SelvageError('SETTING_INVALID', 'Must supply value for name, version and path parameters.', {
      advice: 'Add -n NAME -v VERSION -p FOLDER.',
    });
  const folder = resolve(terminal.cwd, path);
  const sources = await packSources(folder, LANGUAGES[languageOf(lang)]);
  return buildDeploymentSpec({
    name,
    version,
    ...sources,
    ...(sources.type !== 'GOLANG' && { path }),
    args: constructorArguments(ctor).map(utf8),
  });
}

const LANGUAGES = { GOLANG: 'golang', NODE: 'node', JAVA: 'java' } as const;

/** @throws {SelvageError} `SETTING_INVALID` */
export function languageOf(lang: string): 'GOLANG' | 'NODE' | 'JAVA' {
  const upper = lang.toUpperCase();
  if (upper === 'GOLANG' || upper === 'NODE' || upper === 'JAVA') return upper;
  throw new SelvageError('SETTING_INVALID', `Unknown chaincodeType: ${lang}`, { advice: 'Write golang, node or java.' });
}
