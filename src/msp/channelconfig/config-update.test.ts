import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { computeUpdate } from '../../../test/compute-update.ts';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { common } from '../../protos/messages.ts';
import { SignatureVerifier } from '../identities/signature-verifier.ts';
import type { ConfiguredPolicy } from '../policies/policy.ts';
import { bundleFromConfig } from './bundle.ts';
import type { ChannelBundle } from './channel-bundle.ts';
import { equalGroups } from './config-tree.ts';
import { validateConfigUpdate } from './config-update.ts';

const parts = { verifier: new SignatureVerifier() };
const CASES = ['add-acl', 'anchor-remove', 'batch-size', 'batch-timeout', 'policy-change', 'remove-org'];

/** An envelope with the update; nobody has signed it. */
function updateOf(update: common.ConfigUpdateInit): common.Envelope {
  const data = common.ConfigUpdateEnvelope.encode({ configUpdate: common.ConfigUpdate.encode(update) });
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.CONFIG_UPDATE });
  return { payload: common.Payload.encode({ header: { channelHeader }, data }), signature: new Uint8Array(0) };
}

describe.skipIf(!fixtures).each(['v1.1', 'v2.4'])('applying computed updates to the recorded configuration of %s', (network) => {
  const config = (name: string) => common.Config.decode(readFixture(`pure/config-update/${network}/${name}.pb`));
  /** The recorded channel, with policies that everybody satisfies and which note who was asked. */
  function lenient(asked: string[] = []): ChannelBundle {
    const bundle = bundleFromConfig('ch', config('original'), parts);
    const { policies } = bundle;
    const get = (path: string): ConfiguredPolicy => ({
      evaluate: async () => {
        asked.push(path);
        return { ok: true };
      },
      evaluateIdentities: () => assert.fail('nobody asks about identities alone'),
    });
    return { ...bundle, policies: { get, has: (path) => policies.has(path), sub: (groups) => policies.sub(groups) } };
  }
  const change = (name: string): common.ConfigUpdate => computeUpdate(config('original'), config(`${name}.updated`), 'ch');

  it.each(CASES)('gives the configuration that was wanted: %s', async (name) => {
    const { config: next } = await validateConfigUpdate(lenient(), updateOf(change(name)));
    assert.ok(equalGroups(unversioned(next?.channelGroup), unversioned(config(`${name}.updated`).channelGroup)));
    assert.equal(next?.sequence, config('original').sequence + 1n);
  });

  it.each([
    ['batch-size', '/Channel/Orderer/Admins'],
    ['remove-org', '/Channel/Application/Admins'],
  ])('asks the policy that guards the change: %s', async (name, policy) => {
    const asked: string[] = [];
    await validateConfigUpdate(lenient(asked), updateOf(change(name)));
    assert.deepEqual(asked, [policy]);
  });

  const refusal = async (update: common.ConfigUpdateInit, message: RegExp) =>
    assert.rejects(validateConfigUpdate(lenient(), updateOf(update)), { code: 'CONFIG_INVALID', message });

  it('refuses a version that is not the next, a policy that is missing, and a new element that is not at version 0', async () => {
    const { readSet } = change('batch-size');
    const value = { version: 7n, value: new Uint8Array(0), modPolicy: 'Admins' };
    const writing = (key: string, item: common.ConfigValueInit): common.ConfigUpdateInit => ({
      channelId: 'ch',
      readSet,
      writeSet: { ...readSet, groups: new Map([['Orderer', { version: 0n, values: new Map([[key, item]]) }]]) },
    });
    await refusal(
      writing('BatchSize', value),
      /attempt to set key \[Value\] {2}\/Channel\/Orderer\/BatchSize to version 7, but key is at version 0$/,
    );
    await refusal(
      writing('Brand', value),
      /attempted to set key \[Value\] {2}\/Channel\/Orderer\/Brand to version 7, but key does not exist$/,
    );
    await refusal(
      writing('BatchSize', { ...value, version: 1n, modPolicy: '' }),
      /invalid mod_policy for element \[Value\] {2}\/Channel\/Orderer\/BatchSize: mod_policy not set$/,
    );
    await refusal(
      writing('BatchSize', { ...value, modPolicy: 'A//B' }),
      /path element at 1 is invalid: config ID illegal, cannot be empty$/,
    );
    await refusal(writing('a_b', value), /error mapping WriteSet: Illegal characters in key: \[Value\]/);
  });

  it('refuses to read what is not there', () =>
    refusal(
      { channelId: 'ch', readSet: { groups: new Map([['Nowhere', {}]]) } },
      /existing config does not contain element for \[Group\] {2}\/Channel\/Nowhere/,
    ));
});

/** Versions tell the history, not the meaning. */
function unversioned(group: common.ConfigGroup | undefined): common.ConfigGroup {
  if (group === undefined) throw new Error('no group');
  const without = <T>(items: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...items].map(([name, item]) => [name, { ...item, version: 0n }]));
  const groups = new Map([...group.groups].map(([name, inner]) => [name, unversioned(inner)] as const));
  return { ...group, version: 0n, groups, values: without(group.values), policies: without(group.policies) };
}
