import { describe, expect, it } from 'vitest';
import { ScriptedRuntime } from '../../test/fakes/scripted-runtime.ts';
import { utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import { buildLegacy } from './build-legacy.ts';
import { parsePackage } from './chaincode-package.ts';

const never = new AbortController().signal;
const installed = parsePackage(
  protos.ChaincodeDeploymentSpec.encode({
    chaincodeSpec: { type: protos.ChaincodeSpec_Type.NODE, chaincodeId: { name: 'cc', version: '1.0', path: '' } },
    codePackage: utf8('code'),
  }),
);

describe('a package of the legacy lifecycle', () => {
  it('is built under the name that it will be started by', async () => {
    const builder = new ScriptedRuntime(() => undefined);
    const built: unknown[] = [];
    builder.onBuild = ({ ccid, name, version, platform }) => void built.push([ccid, name, version, platform]);
    await buildLegacy(installed, { builder }, { signal: never });
    expect(built).toEqual([['cc:1.0', 'cc', '1.0', 'node']]);
  });

  it('tells of a build that fails in Fabric’s words, with what to do', async () => {
    const builder = new ScriptedRuntime(() => undefined);
    builder.onBuild = () => Promise.reject(new SelvageError('CHAINCODE_BUILD_FAILED', 'no luck', { advice: 'Try harder.' }));
    await expect(buildLegacy(installed, { builder }, { signal: never })).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: 'chaincode installed to peer but could not build chaincode: no luck\nTry harder.',
    });
  });
});
