/** `_lifecycle` at the peers of two organisations, on one channel whose state both have. */

import { LifecycleCache } from '../../src/lifecycle/lifecycle-cache.ts';
import { InstalledPackages } from '../../src/packages/installed-packages.ts';
import { LifecyclePackageStore } from '../../src/packages/lifecycle-store.ts';
import { common, lifecycle, protos } from '../../src/protos/messages.ts';
import { Lifecycle } from '../../src/scc/lifecycle/lifecycle.ts';
import type { LifecycleParts } from '../../src/scc/lifecycle/parts.ts';
import { decodedRwset } from './decoded-results.ts';
import { lifecycleChannel } from './lifecycle-channel.ts';
import { allowAll } from './open-endorser.ts';
import { call } from './system-calls.ts';

const never = { signal: new AbortController().signal };

/** The members of a collection: any of these organisations. */
export const anyOf = (...mspIds: string[]): protos.CollectionPolicyConfigInit => ({
  signaturePolicy: {
    rule: { nOutOf: { n: 1, rules: mspIds.map((_, signedBy) => ({ signedBy })) } },
    identities: mspIds.map((mspIdentifier) => ({ principal: common.MSPRole.encode({ mspIdentifier }) })),
  },
});

/** A collection of both organisations. */
export const collection = (changed: protos.StaticCollectionConfigInit = {}): protos.CollectionConfigInit => ({
  staticCollectionConfig: { name: 'shared', memberOrgsPolicy: anyOf('Org1MSP', 'Org2MSP'), maximumPeerCount: 1, ...changed },
});

/** The channel's policy, which a definition has that names none. */
export const defaultPolicy = protos.ApplicationPolicy.encode({ channelConfigPolicyReference: '/Channel/Application/Endorsement' });

/** @param folder where packages are kept; made when the first one is installed */
export async function lifecycleNetwork(folder: string, changed: Partial<LifecycleParts> = {}) {
  const packages = await InstalledPackages.open({ store: new LifecyclePackageStore({ directory: folder }) });
  const { channels, channel, ledger, commit } = lifecycleChannel();
  let txs = 0;
  const peer = (mspId: string) => {
    const cache = new LifecycleCache({ channels, mspId, packages });
    const scc = new Lifecycle({ channels, access: allowAll, mspId, packages, cache, ...changed });
    /** Calls a function, and commits what it wrote when asked to. */
    const run = async (fn: string, args: Uint8Array, { committed = false } = {}) => {
      txs += 1;
      const simulator = await ledger.simulate(`tx${txs}`);
      const response = await scc.invoke(call([fn, args], { simulator }), never);
      if (committed && response.status === 200) {
        await commit(simulator);
        cache.forget('ch');
        return { ...response, rwset: [] };
      }
      const rwset = decodedRwset((await simulator.result()).publicRwset);
      return { ...response, rwset };
    };
    return {
      scc,
      cache,
      run,
      approve: (init: lifecycle.ApproveChaincodeDefinitionForMyOrgArgsInit, options = { committed: true }) =>
        run('ApproveChaincodeDefinitionForMyOrg', lifecycle.ApproveChaincodeDefinitionForMyOrgArgs.encode(init), options),
      commit: (init: lifecycle.CommitChaincodeDefinitionArgsInit, options = { committed: true }) =>
        run('CommitChaincodeDefinition', lifecycle.CommitChaincodeDefinitionArgs.encode(init), options),
      ready: async (init: lifecycle.CheckCommitReadinessArgsInit) => {
        const { payload, status, message } = await run('CheckCommitReadiness', lifecycle.CheckCommitReadinessArgs.encode(init));
        return status === 200 ? Object.fromEntries(lifecycle.CheckCommitReadinessResult.decode(payload).approvals) : message;
      },
    };
  };
  return { org1: peer('Org1MSP'), org2: peer('Org2MSP'), channel, ledger };
}

/** A definition as clients send it. */
export const cc = (changed: lifecycle.CommitChaincodeDefinitionArgsInit = {}) => ({ name: 'cc', version: '1.0', sequence: 1n, ...changed });

export const withPackage = (packageId: string) => ({ source: { localPackage: { packageId } } });

/** How the dispatcher tells what a function refused. */
export const backing = (fn: string, text: string) => `failed to invoke backing implementation of '${fn}': ${text}`;
export const approving = (text: string) => backing('ApproveChaincodeDefinitionForMyOrg', text);
export const committing = (text: string) => backing('CommitChaincodeDefinition', text);
