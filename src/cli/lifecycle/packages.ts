import { join, resolve } from 'node:path';
import { installedPackage, installedPackages, installPackage } from '../../client/lifecycle-calls.ts';
import { SelvageError } from '../../common/errors.ts';
import { buildLifecyclePackage, packageIdOf, parseLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { Connections } from '../connections.ts';
import { withBuildOutput } from '../follow-build.ts';
import { required } from '../operands.ts';
import { readBytes } from '../read-file.ts';
import { lifecycleTargets, type TargetFlags } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import { writeWhole } from '../written-file.ts';
import { goJson } from './go-json.ts';
import type { GetPackageFlags, InstalledFlags, PackageFlags } from './lifecycle-flags.ts';
import { wantsJson } from './output.ts';
import { installedJson } from './results.ts';
import { codeOf } from './sources.ts';

/** Packs the sources, or for chaincode that runs elsewhere the file that says where. */
export async function writePackage(output: string, { path, lang, label }: PackageFlags, terminal: Terminal): Promise<void> {
  if (!path) throw new SelvageError('SETTING_INVALID', 'chaincode path must be specified', { advice: 'Add --path FOLDER.' });
  if (!label) throw new SelvageError('SETTING_INVALID', 'package label must be specified', { advice: 'Add --label NAME_VERSION.' });
  const bytes = await buildLifecyclePackage({ label, ...(await codeOf(path, lang, terminal)) });
  writeWhole(resolve(terminal.cwd, output), bytes);
  terminal.say(`Wrote ${output}, package id ${packageIdOf(label, bytes)}`);
}

export async function calculatePackageId(file: string, flags: { readonly output?: string }, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags, terminal);
  const { packageId } = await parseLifecyclePackage(readPackage(file, terminal));
  terminal.out(json ? goJson({ package_id: packageId }) : packageId);
}

/** The peer has built it by the time this says so. */
export async function install(file: string | undefined, flags: TargetFlags, terminal: Terminal): Promise<void> {
  if (!file) throw new SelvageError('SETTING_INVALID', 'chaincode install package must be provided');
  const bytes = readPackage(file, terminal);
  using connections = new Connections(terminal);
  const target = await connections.caller(lifecycleTargets({ command: 'install', flags, channelId: '' }, connections));
  const { packageId: wanted } = await parseLifecyclePackage(bytes);
  const { packageId } = await withBuildOutput(wanted, terminal, () => installPackage(target, bytes, terminal));
  terminal.say(`Chaincode code package identifier: ${packageId}`);
}

export async function queryInstalled(flags: InstalledFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags, terminal);
  using connections = new Connections(terminal);
  const installed = await installedPackages(
    await connections.caller(lifecycleTargets({ command: 'queryinstalled', flags, channelId: '' }, connections)),
    terminal,
  );
  if (json) return terminal.out(goJson(installedJson(installed)));
  terminal.out('Installed chaincodes on peer:');
  for (const { packageId, label } of installed.installedChaincodes) terminal.out(`Package ID: ${packageId}, Label: ${label}`);
}

export async function getInstalled(flags: GetPackageFlags, terminal: Terminal): Promise<void> {
  const { packageId = '', outputDirectory = '' } = flags;
  required('package-id', packageId, '--package-id');
  using connections = new Connections(terminal);
  const bytes = await installedPackage(
    await connections.caller(lifecycleTargets({ command: 'getinstalledpackage', flags, channelId: '' }, connections)),
    packageId,
    terminal,
  );
  const file = join(resolve(terminal.cwd, outputDirectory), `${packageId}.tar.gz`);
  writeWhole(file, bytes);
  terminal.say(`Wrote ${file}`);
}

function readPackage(file: string, { cwd }: Terminal): Uint8Array {
  return readBytes(resolve(cwd, file), { refusal: `failed to read chaincode package at '${file}'` });
}
