import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChaincodeCall } from '../../src/chaincode/chaincodes.ts';
import { LegacyDefinitions } from '../../src/chaincode/lifecycle/legacy-definitions.ts';
import { parsePackage } from '../../src/chaincode/packaging/chaincode-package.ts';
import { PackageStore } from '../../src/chaincode/packaging/package-store.ts';
import { textOf } from '../../src/common/bytes.ts';
import { Endorser } from '../../src/endorser/endorser.ts';
import { DEFAULT_HANDLERS, loadHandlers } from '../../src/endorser/handlers/library.ts';
import { AclProvider } from '../../src/msp/acl-provider.ts';
import { ccprovider, protos } from '../../src/protos/messages.ts';
import { Lscc } from '../../src/scc/lscc/lscc.ts';
import { never } from '../fakes/open-endorser.ts';
import { channelsOf, memoryChannel, recordedBundle, recordedLocalMsp } from '../fakes/recorded-channel.ts';
import { hashingSigner, recordedAction } from '../fakes/recorded-endorser.ts';
import { type RecordedProposal, recordedProposals } from '../fakes/recorded-steps.ts';
import { ok, ScriptedChaincodes } from '../fakes/scripted-chaincodes.ts';
import { fixtures, readFixture } from '../fixtures.ts';

/** The recorded chaincode's Init: pairs of key and value. */
function init({ input, simulator, chaincode }: ChaincodeCall) {
  const [, ...pairs] = (input.args ?? []).map(textOf);
  for (let at = 0; at + 1 < pairs.length; at += 2)
    simulator?.putState(chaincode.name, pairs[at] ?? '', new TextEncoder().encode(pairs[at + 1]));
  return ok();
}

describe.skipIf(!fixtures)('the recorded deployments through endorser, lscc, packages and simulation (need the fixtures)', () => {
  const recorded = fixtures === undefined ? [] : recordedProposals('v1.1');
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'instantiate-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const step = (name: string): RecordedProposal => {
    const found = recorded.find((each) => each.step === name);
    if (found === undefined) throw new Error(`no step ${name}`);
    return found;
  };

  async function peer(mspId: string, installed: readonly string[]) {
    const localMsp = recordedLocalMsp('v1.1', mspId);
    const access = new AclProvider({ localMsp });
    const channel = memoryChannel(recordedBundle('v1.1'));
    const channels = channelsOf(channel);
    const packages = new PackageStore({ directory: mkdtempSync(join(folder, 'peer-')), texts: '1.1' });
    for (const file of installed) await packages.install(parsePackage(readFixture(`v1.1/packages/${file}`)));
    const plugins = { endorsementPlugins: new Set(['escc']), validationPlugins: new Set(['vscc']) };
    const lscc = new Lscc({ channels, access, packages, isSystem: (name) => name === 'lscc', ...plugins });
    const chaincodes = new ScriptedChaincodes(
      async (call, options) =>
        call.chaincode.name === 'lscc' ? { response: await lscc.invoke(call, options), event: undefined } : init(call),
      ['lscc'],
    );
    const endorser = new Endorser({
      channels,
      localMsp,
      access,
      signer: hashingSigner,
      chaincodes,
      definitions: new LegacyDefinitions({ packages, texts: '1.1' }),
      systemChaincodes: [lscc],
      handlers: await loadHandlers(DEFAULT_HANDLERS, { clock: { now: () => new Date('2027-01-01') } }),
      options: { systemVersion: 'development build' },
    });
    const send = (each: RecordedProposal) => endorser.processProposal(protos.SignedProposal.decode(each.signed), never);
    return { send, chaincodes, state: channel.ledger.state };
  }

  it.each([
    ['21-instantiate-node', 'Org1MSP', ['kvnode-1.0.cds.pak'], 'kvnode:1.0'],
    ['22-instantiate-go', 'Org2MSP', ['kvgo-1.0.cds.pak'], 'kvgo:1.0'],
  ] as const)('%s endorses the recorded bytes', async (name, mspId, installed, ccid) => {
    const { send, chaincodes } = await peer(mspId, installed);
    const { payload } = await send(step(name));
    expect(Buffer.from(payload ?? []).toString('hex')).toBe(Buffer.from(step(name).response?.payload ?? []).toString('hex'));
    expect(chaincodes.events.slice(1)).toEqual([`ready ${ccid}`, 'transaction lscc:development build', `init ${ccid}`]);
  });

  it('a chaincode that was deployed runs with the package it was deployed from, and with no other', async () => {
    const { send, state, chaincodes } = await peer('Org1MSP', ['kvnode-1.0.cds.pak']);
    const data = recordedAction(step('21-instantiate-node'))?.response?.payload ?? new Uint8Array();
    state.put('lscc', 'kvnode', data, [3n, 0n]);
    expect((await send(step('28-invoke-put'))).endorsement).toBeDefined();
    expect(chaincodes.events).toEqual(['ready kvnode:1.0', 'transaction kvnode:1.0']);
    const other = { ...ccprovider.ChaincodeData.decode(data), data: new Uint8Array([1]) };
    state.put('lscc', 'kvnode', ccprovider.ChaincodeData.encode(other), [4n, 0n]);
    const message = 'chaincode fingerprint mismatch data mismatch';
    expect(await send(step('28-invoke-put'))).toEqual({ response: { status: 500, message } });
  });
});
