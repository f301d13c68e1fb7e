import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../common/bytes.ts';
import { unpackArchive } from '../../archive/unpack.ts';
import { IMAGE_SETTINGS } from '../image-names.ts';
import { JavaPlatform } from './java-platform.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-java-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>, mode = 0o644): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content, { mode });
  }
  return directory;
}

/** A machine whose `bin` has these programs, which are never run here. */
async function machine(...tools: readonly string[]): Promise<JavaPlatform> {
  await write(Object.fromEntries(tools.map((tool) => [`bin/${tool}`, ''])), 0o755);
  return new JavaPlatform({ host: { PATH: join(directory, 'bin') }, jvmArguments: ['-Xss1m'] });
}

const subject = { path: '', codePackage: utf8('code') };

describe('packing Java chaincode', () => {
  const packedFiles = async (sourcesOnly: boolean): Promise<readonly string[]> => {
    const platform = new JavaPlatform();
    const packed = await platform.pack(join(directory, 'cc'), { sourcesOnly });
    await platform.validatePackage(packed);
    const out = join(directory, `out-${sourcesOnly}`);
    await unpackArchive(packed, out);
    const entries = await readdir(out, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
      .sort();
  };

  it('takes all that the build may need, not what was built, as Fabric’s client does', async () => {
    await write({
      'cc/build.gradle': '',
      'cc/gradlew': '',
      'cc/gradle/wrapper/gradle-wrapper.jar': '',
      'cc/config/checkstyle/checkstyle.xml': '',
      'cc/src/main/java/A.java': '',
      'cc/src/main/java/A.class': '',
      'cc/src/main/java/build/B.java': '',
      'cc/target/chaincode.jar': '',
      'cc/build/libs/chaincode.jar': '',
      'cc/out/a': '',
      'cc/.git/HEAD': '',
      'cc/.gradle/9.1.0/fileHashes.bin': '',
      'cc/META-INF/statedb/couchdb/indexes/a.json': '{"index":{"fields":["a"]}}',
    });
    const sources = [
      'META-INF/statedb/couchdb/indexes/a.json',
      'src/build.gradle',
      'src/config/checkstyle/checkstyle.xml',
      'src/gradle/wrapper/gradle-wrapper.jar',
      'src/gradlew',
      'src/src/main/java/A.java',
    ];
    expect(await packedFiles(true)).toEqual(sources);
    expect(await packedFiles(false)).toEqual([...sources, 'src/.gradle/9.1.0/fileHashes.bin'].sort());
  });

  it('takes a jar that is ready, and passes it', async () => {
    await write({ 'cc/chaincode.jar': 'jar' });
    const platform = new JavaPlatform();
    await platform.validatePackage(await platform.pack(join(directory, 'cc')));
  });
});

describe('building Java chaincode by Docker', () => {
  it('leaves the build to the image, which also runs it', async () => {
    const platform = new JavaPlatform();
    expect(await platform.dockerBuild(subject)).toMatchObject({
      image: 'hyperledger/fabric-javaenv:2.5',
      runtimeImage: 'hyperledger/fabric-javaenv:2.5',
      command: './build.sh',
    });
    expect(platform.dockerfile()).toEqual(['FROM hyperledger/fabric-javaenv:2.5', 'ADD binpackage.tar /root/chaincode-java/chaincode']);
    expect(platform.dockerCommand('p:1')).toEqual(['/root/chaincode-java/start', '--peerAddress', 'p:1']);
  });

  it('takes the lines of a configuration of 1.1', async () => {
    const platform = new JavaPlatform({ images: { ...IMAGE_SETTINGS, javaDockerfile: 'from $(DOCKER_NS)/javaenv:mine\n' } });
    expect(platform.dockerfile()[0]).toBe('from hyperledger/javaenv:mine\n');
    expect((await platform.dockerBuild(subject)).image).toBe('hyperledger/javaenv:mine');
  });
});

describe('building Java chaincode on this machine', () => {
  it('uses Maven or Gradle by the build file, and starts the jar', async () => {
    const platform = await machine('java', 'mvn', 'gradle');
    await write({ 'src/pom.xml': '' });
    const plan = await platform.hostPlan(directory, subject);
    expect(plan.steps[0]?.command.file).toBe(join(directory, 'bin', 'mvn'));
    expect(plan.steps[0]?.command.args).toContain('package');
    expect(plan.start('p:1')).toEqual({
      file: join(directory, 'bin', 'java'),
      args: ['-Xss1m', '-jar', '.selvage/chaincode.jar', '--peerAddress', 'p:1'],
      env: {},
    });
    expect(plan.start('p:1', { memoryBytes: 1 << 30 }).args).toContain('-XX:MaxRAM=1073741824');
    await write({ 'src/build.gradle': '' });
    expect((await platform.hostPlan(directory, subject)).steps[0]?.command.file).toBe(join(directory, 'bin', 'gradle'));
    await write({ 'src/gradlew': '', 'src/gradle/wrapper/gradle-wrapper.jar': '' });
    expect((await platform.hostPlan(directory, subject)).steps[0]?.command).toMatchObject({
      file: '/bin/sh',
      args: expect.arrayContaining(['./gradlew']),
    });
  });

  it('takes the one jar that the build left, and says when there is none', async () => {
    const platform = await machine('java', 'mvn');
    await write({ 'src/pom.xml': '' });
    const {
      steps: [install],
    } = await platform.hostPlan(directory, subject);
    const folder = join(directory, 'src');
    await expect(install?.finish?.(folder)).rejects.toThrow('the build left no jar to run in target');
    await write({ 'src/target/original-cc.jar': '', 'src/target/cc-sources.jar': '', 'src/target/cc-1.jar': 'jar' });
    await install?.finish?.(folder);
    expect(await readdir(join(folder, '.selvage'))).toEqual(['chaincode.jar']);
  });

  it('runs a jar that is ready without building', async () => {
    const platform = await machine('java');
    await write({ 'src/mine.jar': '' });
    const plan = await platform.hostPlan(directory, subject);
    expect(plan.steps).toEqual([]);
    expect(plan.start('p:1').args).toContain('mine.jar');
    await write({ 'src/other.jar': '' });
    await expect(platform.hostPlan(directory, subject)).rejects.toThrow('there are several jars to run');
  });

  it('says what is missing', async () => {
    await write({ 'src/pom.xml': '' });
    await expect((await machine()).hostPlan(directory, subject)).rejects.toThrow('there is no Java on this machine');
    await expect((await machine('java')).hostPlan(directory, subject)).rejects.toThrow('there is no Maven on this machine');
    await rm(join(directory, 'src', 'pom.xml'));
    await expect((await machine('java')).hostPlan(directory, subject)).rejects.toThrow('Build file not found');
  });

  it('prefers the Java that JAVA_HOME names', async () => {
    await write({ 'home/bin/java': '', 'bin/java': '' }, 0o755);
    await write({ 'src/a.jar': '' });
    const platform = new JavaPlatform({ host: { PATH: join(directory, 'bin'), JAVA_HOME: join(directory, 'home') } });
    expect((await platform.hostPlan(directory, subject)).start('p:1').file).toBe(join(directory, 'home/bin/java'));
  });
});
