import type { InstalledPackage } from '../../packages/installed-packages.ts';
import { lifecycle } from '../../protos/messages.ts';
import { refused, retold } from '../reply.ts';
import type { Invocation, LifecycleParts } from './parts.ts';

export async function install(
  { chaincodeInstallPackage }: lifecycle.InstallChaincodeArgs,
  { parts, signal }: Invocation,
): Promise<Uint8Array> {
  const { packageId, label } = await parts.packages.install(chaincodeInstallPackage, { signal });
  return lifecycle.InstallChaincodeResult.encode({ packageId, label });
}

export async function queryInstalledOne({ packageId }: lifecycle.QueryInstalledChaincodeArgs, { parts }: Invocation): Promise<Uint8Array> {
  const found = parts.packages.get(packageId);
  if (found === undefined) throw refused(`could not find chaincode with package id '${packageId}'`);
  return lifecycle.QueryInstalledChaincodeResult.encode(await described(found, parts));
}

export async function queryInstalled(_: lifecycle.QueryInstalledChaincodesArgs, { parts }: Invocation): Promise<Uint8Array> {
  const installedChaincodes = await Promise.all(parts.packages.list().map((each) => described(each, parts)));
  return lifecycle.QueryInstalledChaincodesResult.encode({ installedChaincodes });
}

export async function installedPackage(
  { packageId }: lifecycle.GetInstalledChaincodePackageArgs,
  { parts }: Invocation,
): Promise<Uint8Array> {
  const chaincodeInstallPackage = await retold(
    (cause) => `could not load cc install package: ${cause}`,
    () => parts.packages.bytes(packageId),
  );
  return lifecycle.GetInstalledChaincodePackageResult.encode({ chaincodeInstallPackage });
}

/** With the definitions that run it, by channel. */
async function described({ packageId, label }: InstalledPackage, { cache }: LifecycleParts) {
  const references = new Map<string, lifecycle.QueryInstalledChaincodeResult_ReferencesInit>();
  for (const [channelId, chaincodes] of await cache.referencesTo(packageId)) references.set(channelId, { chaincodes });
  return { packageId, label, references };
}
