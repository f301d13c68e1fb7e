import { basename } from 'node:path';
import type { DevNetwork } from '../../node/dev/dev-network.ts';
import { unreachable } from '../../node/dev/policy-reach.ts';
import type { DevRequest } from './dev-request.ts';
import type { Reporter } from './reporter.ts';

/** What is good to know before chaincode is deployed: who is there, which collections it gets, and what cannot work. */
export function tellBeforehand({ chaincodes, inspect }: DevRequest, { plan, users }: DevNetwork, reporter: Reporter): void {
  for (const { name, peer, attributes } of users) {
    const list = Object.entries(attributes).map(([attribute, value]) => `${attribute}=${value}`);
    const text = `${name}@${peer.domain}${list.length > 0 ? ` with ${list.join(', ')}` : ''}`;
    reporter.step('user', text, undefined, { name, mspId: peer.mspId, attributes });
  }
  for (const { name, collections, policy } of chaincodes) {
    if (collections !== undefined) {
      const { file, names, lowered } = collections;
      reporter.step('collections', `${basename(file)}: ${names.join(', ')}`, undefined, { chaincode: name, file, collections: names });
      for (const { name: collection, asked, possible } of lowered)
        reporter.detail(`requiredPeerCount ${asked} of ${collection} counts as ${possible}: no more peers of other members are here`);
    }
    const why =
      policy &&
      unreachable(
        policy.bytes,
        plan.peers.map(({ mspId }) => mspId),
      );
    if (policy !== undefined && why !== undefined)
      reporter.problem('policy', `nobody here can meet ${policy.text}: ${why}`, { chaincode: name, policy: policy.text });
  }
  const others = chaincodes.filter(({ source }) => 'folder' in source && source.language !== 'node').map(({ name }) => name);
  if (inspect && others.length > 0)
    reporter.problem('inspect', `only Node chaincode has an inspector: ${others.join(', ')} runs without`, { chaincodes: others });
}
