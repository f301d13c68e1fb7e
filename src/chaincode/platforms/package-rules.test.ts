import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { protos } from '../../protos/messages.ts';
import { buildDeploymentSpec } from '../packaging/build-package.ts';
import { platformNameOf, validateDeploymentSpec } from './package-rules.ts';

async function specOf(type: keyof typeof protos.ChaincodeSpec_Type, files: readonly (string | { name: string; mode: number })[]) {
  const archive = pack();
  for (const file of files) archive.entry(typeof file === 'string' ? { name: file } : file, 'x');
  archive.finalize();
  const codePackage = files.length === 0 ? new Uint8Array() : gzipSync(await buffer(archive));
  return protos.ChaincodeDeploymentSpec.decode(buildDeploymentSpec({ name: 'cc', version: '1', path: 'p', type, codePackage }));
}

describe('the rules for code packages', () => {
  it('accept what Fabric accepts', async () => {
    await validateDeploymentSpec(await specOf('NODE', ['src/package.json', '/src/a.js', 'META-INF/statedb/couchdb/indexes/a.json']));
    await validateDeploymentSpec(await specOf('GOLANG', ['src/example.com/cc/main.go']));
    await validateDeploymentSpec(await specOf('JAVA', ['src/pom.xml', 'src/src/main/java/A.java']));
    await validateDeploymentSpec(await specOf('NODE', []));
    await validateDeploymentSpec(await specOf('CAR', ['anything']));
  });

  it('refuse the rest with Fabric’s texts', async () => {
    await expect(validateDeploymentSpec(await specOf('NODE', ['src/package.json', 'other/a.js']))).rejects.toThrow(
      'illegal file detected in payload: "other/a.js"',
    );
    await expect(validateDeploymentSpec(await specOf('NODE', ['src/package.json', { name: 'src/run', mode: 0o755 }]))).rejects.toThrow(
      'illegal file mode detected for file src/run: 755',
    );
    await expect(validateDeploymentSpec(await specOf('NODE', ['src/lib/package.json']))).rejects.toThrow(
      'no package.json found at the root of the chaincode package',
    );
    await expect(validateDeploymentSpec(await specOf('JAVA', ['src/pom.xml', 'src/src/A.class']))).rejects.toThrow(
      'illegal file detected in payload: "src/src/A.class"',
    );
    await expect(validateDeploymentSpec(await specOf('UNDEFINED', []))).rejects.toThrow('Unknown chaincodeType: UNDEFINED');
  });

  it('name the platform of a type', () => {
    expect([1, 2, 4].map(platformNameOf)).toEqual(['golang', 'node', 'java']);
    expect(() => platformNameOf(3)).toThrow('CAR packages are not run: they can only be built by chaintool');
    expect(() => platformNameOf(0)).toThrow('Unknown chaincodeType: UNDEFINED');
  });
});
