import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collection, lifecycleNetwork } from '../../../test/fakes/lifecycle-network.ts';
import { never } from '../../../test/fakes/open-endorser.ts';
import { call } from '../../../test/fakes/system-calls.ts';
import { runs } from '../../../test/runs.ts';
import { utf8 } from '../../common/bytes.ts';
import { buildLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { lifecycle } from '../../protos/messages.ts';

const FUNCTIONS = [
  'InstallChaincode',
  'QueryInstalledChaincode',
  'QueryInstalledChaincodes',
  'GetInstalledChaincodePackage',
  'ApproveChaincodeDefinitionForMyOrg',
  'QueryApprovedChaincodeDefinition',
  'CheckCommitReadiness',
  'CommitChaincodeDefinition',
  'QueryChaincodeDefinition',
  'QueryChaincodeDefinitions',
] as const;

describe('whatever the arguments', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-lifecycle-fuzz-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('_lifecycle answers', async () => {
    const { org1, ledger } = await lifecycleNetwork(folder);
    const packed = await buildLifecyclePackage({ label: 'cc', type: 'node', path: '', codePackage: utf8('code') });
    const definition = lifecycle.ApproveChaincodeDefinitionForMyOrgArgs.encode({
      name: 'cc',
      version: '1',
      sequence: 1n,
      collections: { config: [collection(), collection({ name: 'other', blockToLive: 3n })] },
      source: { localPackage: { packageId: 'a:b' } },
    });
    const whole = fc.constantFrom(definition, lifecycle.InstallChaincodeArgs.encode({ chaincodeInstallPackage: packed }));
    const dented = fc.tuple(whole, fc.nat(), fc.nat(255)).map(([bytes, at, to]) => bytes.with(at % bytes.length, to));
    const cut = fc.tuple(whole, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.length));
    const args = fc.tuple(fc.constantFrom(...FUNCTIONS), fc.oneof(whole, dented, cut, fc.uint8Array({ maxLength: 40 })));
    await fc.assert(
      fc.asyncProperty(args, fc.constantFrom('ch', ''), async ([fn, given], channelId) => {
        await using simulator = channelId === '' ? undefined : await ledger.simulate('t');
        const { status, message } = await org1.scc.invoke(call([fn, given], { channelId, ...(simulator && { simulator }) }), never);
        expect([200, 404, 500]).toContain(status);
        expect(message).not.toMatch(/internal error|undefined/);
      }),
      { numRuns: runs(1_000) },
    );
    expect(ledger.state.openSnapshots).toBe(0);
  });
});
