import { describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../test/fixtures.ts';
import { channelMsps, mspFolders, mspIdOfFolder, readYaml } from '../../test/recorded-networks.ts';
import { hex } from '../common/bytes.ts';
import { systemClock } from '../common/clock.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import { loadLocalMsp } from '../msp/local-msp.ts';
import { common, protos } from '../protos/messages.ts';
import { addOwner, buildSignedPackage, verifyOwners } from './build-package.ts';
import { parsePackage } from './chaincode-package.ts';

const recorded = (name: string): Uint8Array => readFixture(`v1.1/packages/${name}.pak`);

async function adminOf(organisation: string) {
  const folder = mspFolders('v1.1').find((path) => path.includes(`users/Admin@${organisation}`));
  if (folder === undefined) throw new Error(`no admin of ${organisation} in the fixtures`);
  const options = {
    mspId: mspIdOfFolder(folder),
    readYaml,
    verifier: new SignatureVerifier(),
    clock: systemClock,
    version: '1.1' as const,
  };
  return (await loadLocalMsp(folder, options)).signer;
}

describe.skipIf(!fixtures)('owners of a signed package', () => {
  it('are verified in the recorded packages', async () => {
    const identities = channelMsps('v1.1');
    const ownersOf = async (name: string) =>
      (await verifyOwners(parsePackage(recorded(name)), identities)).map(({ mspId, problem }) => [mspId, problem]);
    expect(await ownersOf('kvsigned-2.0.signed')).toEqual([['Org1MSP', undefined]]);
    expect(await ownersOf('kvsigned-2.0.cosigned')).toEqual([
      ['Org1MSP', undefined],
      ['Org2MSP', undefined],
    ]);
    expect(await ownersOf('kvsigned-2.1.unsigned')).toEqual([]);
    expect(await ownersOf('kvgo-1.0.cds')).toEqual([]);
  });

  it('can be added, and change the fingerprint but not the deployment spec', async () => {
    const before = recorded('kvsigned-2.1.unsigned');
    const after = await addOwner(await addOwner(before, await adminOf('org1')), await adminOf('org2'));
    const parsed = parsePackage(after);
    expect((await verifyOwners(parsed, channelMsps('v1.1'))).map(({ mspId, problem }) => [mspId, problem])).toEqual([
      ['Org1MSP', undefined],
      ['Org2MSP', undefined],
    ]);
    expect(hex(parsed.deploymentSpecBytes)).toBe(hex(parsePackage(before).deploymentSpecBytes));
    expect(hex(parsed.id)).not.toBe(hex(parsePackage(before).id));
    const headerOf = (bytes: Uint8Array) =>
      hex(common.Payload.decode(common.Envelope.decode(bytes).payload).header?.channelHeader ?? new Uint8Array());
    expect(headerOf(after)).toBe(headerOf(before));
  });

  it('are not believed when the package was changed under them', async () => {
    const { signed } = parsePackage(recorded('kvsigned-2.0.signed'));
    const other = buildSignedPackage(parsePackage(recorded('kvgo-1.0.cds')).bytes, signed?.instantiationPolicy ?? new Uint8Array(), {
      clock: systemClock,
    });
    const payload = common.Payload.decode(common.Envelope.decode(other).payload);
    const changed = { ...protos.SignedChaincodeDeploymentSpec.decode(payload.data), ownerEndorsements: signed?.ownerEndorsements };
    const forged = common.Envelope.encode({
      payload: common.Payload.encode({ ...payload, data: protos.SignedChaincodeDeploymentSpec.encode(changed) }),
    });
    const [verdict] = await verifyOwners(parsePackage(forged), channelMsps('v1.1'));
    expect(verdict).toMatchObject({ mspId: 'Org1MSP', problem: expect.stringContaining('signature') });
  });

  it('cannot be added to a plain package', async () => {
    await expect(addOwner(recorded('kvgo-1.0.cds'), await adminOf('org1'))).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID' });
  });
});
