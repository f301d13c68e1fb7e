import type { Cancellable } from '../../common/cancel.ts';
import { installedPackages, installPackage } from '../lifecycle-calls.ts';
import type { Caller } from '../system-calls.ts';

/** The peers that do not have a package yet, in the same order. Each caller must be an Admin of its peer. */
export async function withoutPackage<T extends Caller>(
  callers: readonly T[],
  packageId: string,
  options: Cancellable,
): Promise<readonly T[]> {
  const lists = await Promise.all(callers.map((caller) => installedPackages(caller, options)));
  return callers.filter((_, at) => lists[at]?.installedChaincodes.some((each) => each.packageId === packageId) !== true);
}

/** Installs a package: on one peer first, which builds it, then on the others, which on the same machine find what was built. */
export async function installOn([first, ...others]: readonly Caller[], packageBytes: Uint8Array, options: Cancellable): Promise<void> {
  if (first !== undefined) await installPackage(first, packageBytes, options);
  await Promise.all(others.map((caller) => installPackage(caller, packageBytes, options)));
}
