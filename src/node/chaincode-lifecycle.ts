import { join } from 'node:path';
import type { ChaincodeSupport } from '../chaincode/chaincode-support.ts';
import { Custodian } from '../chaincode/custodian.ts';
import type { LaunchablePackages } from '../chaincode/launch.ts';
import type { ChaincodeRuntime } from '../chaincode/ports/runtime.ts';
import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { StateChanges } from '../channel/state-changes.ts';
import type { Cancellable } from '../common/cancel.ts';
import { removeUnfinished } from '../common/durable-files.ts';
import type { Logger } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import type { CollectionAccess } from '../lifecycle/collection-access.ts';
import type { Definitions } from '../lifecycle/definitions.ts';
import { IndexDeployer } from '../lifecycle/index-deployer.ts';
import { LegacyCollectionAccess } from '../lifecycle/legacy-collection-access.ts';
import { LegacyDefinitions } from '../lifecycle/legacy-definitions.ts';
import { LifecycleCache } from '../lifecycle/lifecycle-cache.ts';
import { LifecycleCollectionAccess } from '../lifecycle/lifecycle-collections.ts';
import { LifecycleDefinitions } from '../lifecycle/lifecycle-definitions.ts';
import { buildLegacy } from '../packages/build-legacy.ts';
import type { ChaincodePackage } from '../packages/chaincode-package.ts';
import { InstalledPackages } from '../packages/installed-packages.ts';
import { LifecyclePackageStore } from '../packages/lifecycle-store.ts';
import type { ChaincodeOutput } from '../packages/output.ts';
import { PackageStore } from '../packages/package-store.ts';
import { platformNameOf } from '../packages/platforms/package-rules.ts';
import type { PeerConfig } from './config/peer-config.ts';

export interface ChaincodeLifecycleParts {
  readonly channels: ChannelRegistry;
  readonly runtime: ChaincodeRuntime;
  readonly output: ChaincodeOutput;
  readonly changes: StateChanges;
  readonly log: Logger;
}

/** Both lifecycles: what is installed here, what channels agreed on, and what of it can run. Disposing gives up installations. */
export interface ChaincodeLifecycle extends AsyncDisposable {
  /** Packages of the legacy lifecycle. */
  readonly packages: PackageStore;
  /** Builds one of them; absent where the user runs the chaincode. */
  readonly buildLegacy: ((installed: ChaincodePackage, options: Cancellable) => Promise<void>) | undefined;
  /** Packages of the 2.x lifecycle. */
  readonly installed: InstalledPackages;
  readonly cache: LifecycleCache;
  readonly definitions: Definitions;
  readonly collections: CollectionAccess;
  /** Packages of both, as a launch wants them. */
  readonly launchable: LaunchablePackages;
}

export async function openChaincodeLifecycle(
  { fileSystemPath, localMspId: mspId, chaincode }: PeerConfig,
  { channels, runtime, output, changes, log }: ChaincodeLifecycleParts,
): Promise<ChaincodeLifecycle> {
  const userRunsChaincode = chaincode.mode === 'dev';
  const packagesLog = log.child({ module: 'chaincode.packages' });
  const [older, newer] = [join(fileSystemPath, 'chaincodes'), join(fileSystemPath, 'lifecycle', 'chaincodes')];
  for (const directory of [older, newer]) await removeUnfinished(directory);
  const packages = new PackageStore({ directory: older, texts: '1.1', log: packagesLog });
  const installed = await InstalledPackages.open({
    store: new LifecyclePackageStore({ directory: newer }),
    builder: userRunsChaincode ? undefined : runtime,
    output,
    log: packagesLog,
  });
  const cache = new LifecycleCache({ channels, mspId, packages: installed });
  const scope = new Scope();
  scope.use(installed);
  scope.use(
    changes.listen((channelId, namespaces) => {
      if (LifecycleCache.concerns(namespaces)) cache.forget(channelId);
    }),
  );
  const legacy = new LegacyDefinitions({ packages, texts: '1.1' });
  return {
    packages,
    buildLegacy: userRunsChaincode
      ? undefined
      : (parsed, options) => buildLegacy(parsed, { builder: runtime, output, log: packagesLog }, options),
    installed,
    cache,
    definitions: new LifecycleDefinitions({ channels, cache, legacy, userRunsChaincode }),
    collections: new LifecycleCollectionAccess({ channels, legacy: new LegacyCollectionAccess(channels) }),
    launchable: launchable(packages, installed),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

const launchable = (packages: PackageStore, installed: InstalledPackages): LaunchablePackages => ({
  load: async ({ name, version, ccid }) => {
    if (installed.get(ccid) !== undefined) return installed.launchable(ccid);
    const { spec, deploymentSpec } = await packages.load(name, version);
    return { platform: platformNameOf(spec.type), codePackage: deploymentSpec.codePackage, path: spec.chaincodeId?.path ?? '' };
  },
});

export interface CaretakingParts {
  readonly lifecycle: Pick<ChaincodeLifecycle, 'cache' | 'installed'>;
  readonly changes: StateChanges;
  readonly channels: ChannelRegistry;
  readonly chaincodes: ChaincodeSupport;
  readonly log: Logger;
}

/** Starts what can run, now and whenever a block, a package or a channel makes more of it, and stops what nothing refers to. */
export function takeCareOfChaincode({ lifecycle, changes, channels, chaincodes, log }: CaretakingParts): AsyncDisposable {
  const scope = new Scope();
  const custodian = scope.use(new Custodian({ cache: lifecycle.cache, chaincodes, log: log.child({ module: 'chaincode.custodian' }) }));
  scope.use(changes.listen((_, namespaces) => LifecycleCache.concerns(namespaces) && custodian.look()));
  scope.use(lifecycle.installed.onInstalled(() => custodian.look()));
  scope.use(channels.onJoined(() => custodian.look()));
  custodian.look();
  return scope;
}

/** Gives channels the indexes that their chaincode brings along, now and whenever a block, a package or a channel makes more of them. */
export function deployIndexes({ lifecycle, changes, channels, log }: Omit<CaretakingParts, 'chaincodes'>): IndexDeployer {
  const scope = new Scope();
  const { cache, installed } = lifecycle;
  const deployer = new IndexDeployer({
    channels,
    cache,
    codeOf: async (packageId) => (await installed.launchable(packageId)).codePackage,
    log: log.child({ module: 'lifecycle.indexes' }),
    owned: scope,
  });
  scope.use(changes.listen((channelId, namespaces) => LifecycleCache.concerns(namespaces) && deployer.look(channelId)));
  scope.use(installed.onInstalled(() => deployer.look()));
  scope.use(channels.onJoined(({ id }) => deployer.look(id)));
  deployer.look();
  return deployer;
}
