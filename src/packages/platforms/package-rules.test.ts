import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { protos } from '../../protos/messages.ts';
import { buildDeploymentSpec } from '../build-package.ts';
import { GoPlatform } from './go/go-platform.ts';
import { JavaPlatform } from './java/java-platform.ts';
import { NodePlatform } from './node/node-platform.ts';
import { platformNameOf, validateDeploymentSpec, validateInstalledSpec } from './package-rules.ts';

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

  it('let an install bring whatever can be run', async () => {
    await validateInstalledSpec(await specOf('NODE', ['src/package.json', '/src/a.js', 'META-INF/statedb/couchdb/indexes/a.json']));
    await validateInstalledSpec(await specOf('JAVA', ['src/pom.xml', { name: 'src/gradlew', mode: 0o755 }, 'src/gradle/wrapper/a.jar']));
    await validateInstalledSpec(await specOf('GOLANG', []));
    const refused: readonly (readonly [Parameters<typeof specOf>, string])[] = [
      [['NODE', ['src/package.json', 'other/a.js']], 'illegal file detected in payload: "other/a.js"'],
      [['NODE', ['src/index.js']], 'no package.json found at the root of the chaincode package'],
      [['GOLANG', [{ name: 'src/run', mode: 0o755 }]], 'illegal file mode detected for file src/run: 755'],
      [['GOLANG', ['src/a.go', 'src/b.go', '/src/./a.go']], 'the code package is refused: a name comes twice'],
      [['GOLANG', ['src/a', 'src/a/b/c.go']], 'the code package is refused: a name comes twice'],
      [['GOLANG', ['src/a/b/c.go', 'src/a/b']], 'the code package is refused: a name comes twice'],
      [['CAR', ['anything']], 'CAR packages are not run'],
      [['UNDEFINED', []], 'Unknown chaincodeType: UNDEFINED'],
    ];
    for (const [files, text] of refused) await expect(validateInstalledSpec(await specOf(...files))).rejects.toThrow(text);
  });

  it('ask no more of what a builder gets than that it can be unpacked', async () => {
    const files = ['./src/package.json', { name: 'src/run', mode: 0o755 }, 'README'];
    await new NodePlatform().validatePackage((await specOf('NODE', files)).codePackage);
    await new JavaPlatform().validatePackage((await specOf('JAVA', ['src/gradlew', 'src/A.class'])).codePackage);
    const twice = new GoPlatform().validatePackage((await specOf('GOLANG', ['src/a.go', 'src/a.go'])).codePackage);
    await expect(twice).rejects.toThrow('the code package is refused: a name comes twice');
    const incomplete = new NodePlatform().validatePackage((await specOf('NODE', ['src/lib/package.json'])).codePackage);
    await expect(incomplete).rejects.toThrow('no package.json found at the root of the chaincode package');
  });

  it('name the platform of a type', () => {
    expect([1, 2, 4].map(platformNameOf)).toEqual(['golang', 'node', 'java']);
    expect(() => platformNameOf(3)).toThrow('CAR packages are not run: they can only be built by chaintool');
    expect(() => platformNameOf(0)).toThrow('Unknown chaincodeType: UNDEFINED');
  });
});
