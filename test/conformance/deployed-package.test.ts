import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Endorser } from '../../src/endorser/endorser.ts';
import { DEFAULT_HANDLERS, loadHandlers } from '../../src/endorser/handlers/library.ts';
import { LegacyDefinitions } from '../../src/lifecycle/legacy-definitions.ts';
import { AclProvider } from '../../src/msp/acl-provider.ts';
import { type ChaincodePackage, parsePackage } from '../../src/packages/chaincode-package.ts';
import { PackageStore } from '../../src/packages/package-store.ts';
import { ccprovider, protos } from '../../src/protos/messages.ts';
import { never } from '../fakes/open-endorser.ts';
import { keptHere } from '../fakes/private-data.ts';
import { channelsOf, memoryChannel, recordedBundle, recordedLocalMsp } from '../fakes/recorded-channel.ts';
import { hashingSigner } from '../fakes/recorded-endorser.ts';
import { ok, ScriptedChaincodes } from '../fakes/scripted-chaincodes.ts';
import { fixtures, manifest, readFixture } from '../fixtures.ts';
import { actionOf, recordedReply, targetOf } from './expectation.ts';
import { PROCESS_PROPOSAL, type Recording, read, recordingOf } from './recording.ts';

describe.skipIf(fixtures === undefined)('a recorded chaincode that was deployed (needs the recorded fixtures)', () => {
  const folder = fixtures === undefined ? '' : mkdtempSync(join(tmpdir(), 'selvage-deployed-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('runs with the package it was deployed from, and with no other', async () => {
    const { data, installed, proposal } = deploymentIn(recordingOf('v1.1'));
    const channel = memoryChannel(recordedBundle('v1.1'));
    const localMsp = recordedLocalMsp('v1.1');
    const packages = new PackageStore({ directory: folder, texts: '1.1' });
    await packages.install(installed);
    const ccid = `${installed.name}:${installed.version}`;
    const chaincodes = new ScriptedChaincodes(() => ok());
    const endorser = new Endorser({
      channels: channelsOf(channel),
      localMsp,
      access: new AclProvider({ localMsp }),
      signer: hashingSigner,
      chaincodes,
      definitions: new LegacyDefinitions({ packages, texts: '1.1' }),
      systemChaincodes: [],
      privateData: keptHere,
      handlers: await loadHandlers(DEFAULT_HANDLERS, { clock: { now: () => new Date(0) }, channels: channelsOf(channel) }),
    });
    channel.ledger.state.put('lscc', installed.name, data, [3n, 0n]);
    expect((await endorser.processProposal(proposal, never)).endorsement).toBeDefined();
    expect(chaincodes.events).toEqual([`ready ${ccid}`, `transaction ${ccid}`]);

    const other = { ...ccprovider.ChaincodeData.decode(data), data: new Uint8Array([1]) };
    channel.ledger.state.put('lscc', installed.name, ccprovider.ChaincodeData.encode(other), [4n, 0n]);
    const message = 'chaincode fingerprint mismatch data mismatch';
    expect(await endorser.processProposal(proposal, never)).toEqual({ response: { status: 500, message } });
  });
});

interface Deployment {
  /** What LSCC wrote about it. */
  readonly data: Uint8Array;
  readonly installed: ChaincodePackage;
  readonly proposal: protos.SignedProposal;
}

/** A deployment whose package was recorded, and the first proposal to that chaincode which was endorsed. */
function deploymentIn(recording: Recording): Deployment {
  const packages = manifest()
    .filter(({ kind, network }) => kind === 'chaincode-package' && network === recording.network)
    .map(({ file }) => parsePackage(readFixture(file)));
  const endorsed = recording.calls.filter(
    (call) => call.method === PROCESS_PROPOSAL && recordedReply(recording, call)?.endorsement !== undefined,
  );
  for (const deploy of endorsed.filter((call) => targetOf(recording, call) === 'lscc deploy')) {
    const reply = recordedReply(recording, deploy);
    const data = reply && actionOf(reply).response?.payload;
    if (data === undefined) continue;
    const { name, version } = ccprovider.ChaincodeData.decode(data);
    const installed = packages.find((each) => each.name === name && each.version === version);
    const call = endorsed.find((each) => targetOf(recording, each).startsWith(`${name} `));
    if (installed !== undefined && call !== undefined)
      return { data, installed, proposal: protos.SignedProposal.decode(read(recording.network, call.requests[0] ?? '')) };
  }
  throw new Error('no deployment of a recorded package');
}
