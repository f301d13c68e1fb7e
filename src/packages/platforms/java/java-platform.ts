import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SelvageError } from '../../../common/errors.ts';
import { silent } from '../../../common/log.ts';
import { packFolder } from '../../archive/pack.ts';
import { buildKey } from '../build-key.ts';
import { exists } from '../files.ts';
import { type ImageParts, LanguagePlatform } from '../language-platform.ts';
import { RUNNABLE } from '../package-rules.ts';
import type { DockerBuild, HostCommand, HostPlan, InstallStep, PackageSubject, PackPlatformOptions, Platform } from '../platform.ts';
import { findTool, identityOf, type ToolEnvironment } from '../tools.ts';
import { explainJavaBuild, WITHOUT } from './java-verdicts.ts';

export interface JavaPlatformParts extends ImageParts {
  /** The peer's environment: where `java`, `mvn` and `gradle` are found, by `JAVA_HOME` and `PATH`. */
  readonly host?: ToolEnvironment;
  /** Arguments of every JVM that runs chaincode, like `-Xmx256m`. */
  readonly jvmArguments?: readonly string[];
}

const SOURCES = 'src';
/** Where the jar goes, below the folder that it is built in. */
const OUTPUT = '.selvage';
/** What Fabric's own Java image wants the built jar to be called. */
const JAR = 'chaincode.jar';
/** Where Maven and Gradle put what they build. */
const RESULTS = { maven: ['target'], gradle: ['build/libs', 'build'] } as const;
const WORK = { maven: 'the Maven build', gradle: 'the Gradle build' } as const;
/** Jars of a build that are not the program. */
const BESIDE = /^original-|-(sources|javadoc|tests|test-fixtures|plain)\.jar$/;
/** Folders of any depth. @see GetDeploymentPayload in hyperledger/fabric v2.5, core/chaincode/platforms/java/platform.go */
const NEVER_PACKED = /(^|\/)(target|build|out|\.git)$/;
/** What Gradle and the usual editors keep beside the sources, which a build does not need. */
const KEPT_BY_TOOLS = /(^|\/)(\.gradle|\.idea|\.settings|\.vscode)$|^bin$/;

/** Chaincode in Java (or another language of the JVM): `src/pom.xml`, `src/build.gradle`, or a jar with its dependencies in `src`. */
export class JavaPlatform extends LanguagePlatform implements Platform {
  readonly name = 'java';
  readonly #host: ToolEnvironment;
  readonly #jvmArguments: readonly string[];

  constructor({ host = process.env, jvmArguments = [], ...images }: JavaPlatformParts = {}) {
    super(images, RUNNABLE);
    this.#host = host;
    this.#jvmArguments = jvmArguments;
  }

  /** All but the results of builds: a Gradle wrapper and settings of tools that the build file names come along. */
  async pack(path: string, { log = silent, sourcesOnly = false }: PackPlatformOptions = {}): Promise<Uint8Array> {
    await this.validateSpec(path);
    const skip = (file: string, kind: 'file' | 'folder'): boolean =>
      kind === 'file' ? file.endsWith('.class') : NEVER_PACKED.test(file) || (sourcesOnly && KEPT_BY_TOOLS.test(file));
    return packFolder(path, { skip, log });
  }

  async packagePath(path: string): Promise<string> {
    return path;
  }

  dockerfile(): readonly string[] {
    const { javaDockerfile } = this.images;
    const first = javaDockerfile === '' ? `FROM ${this.#image()}` : this.image(javaDockerfile);
    return [first, 'ADD binpackage.tar /root/chaincode-java/chaincode'];
  }

  async dockerBuild({ codePackage }: PackageSubject): Promise<DockerBuild> {
    const image = this.#image();
    return {
      image,
      command: './build.sh',
      env: {},
      input: codePackage,
      output: 'binpackage.tar',
      runtimeImage: image,
      explain: explainJavaBuild,
    };
  }

  dockerCommand(peerAddress: string): readonly string[] {
    return ['/root/chaincode-java/start', '--peerAddress', peerAddress];
  }

  async hostPlan(directory: string, { codePackage }: PackageSubject): Promise<HostPlan> {
    const folder = join(directory, SOURCES);
    const java = await this.#tool('java');
    if (java === undefined) throw missing('Java', 'a Java runtime', 'JAVA_HOME');
    const install = await this.#install(folder, codePackage, java);
    const jar = install === undefined ? await readyJar(folder) : `${OUTPUT}/${JAR}`;
    const start: HostPlan['start'] = (peerAddress, { memoryBytes } = {}) => {
      const memory = memoryBytes === undefined ? [] : [`-XX:MaxRAM=${memoryBytes}`, '-XX:MaxRAMPercentage=60']; // the rest is not heap
      return { file: java, args: [...memory, ...this.#jvmArguments, '-jar', jar, '--peerAddress', peerAddress], env: {} };
    };
    return { workingFolder: SOURCES, steps: install === undefined ? [] : [install], start };
  }

  /** The image of 1.3 and later; the `FROM` of 1.1's own Dockerfile lines where those are configured. */
  #image(): string {
    const { javaRuntime, javaDockerfile } = this.images;
    const named = /^from\s+(\S+)/im.exec(javaDockerfile)?.[1];
    return this.image(named ?? javaRuntime);
  }

  async #install(folder: string, codePackage: Uint8Array, java: string): Promise<InstallStep | undefined> {
    const builder = await this.#builder(folder);
    if (builder === undefined) return undefined;
    const { kind, command } = builder;
    const tool = command.file === '/bin/sh' ? 'wrapper' : await identityOf(command.file);
    return {
      work: WORK[kind],
      command,
      key: buildKey('java', await identityOf(java), tool, command.args.join('\n'), this.#host['MAVEN_OPTS'] ?? '', codePackage),
      needs: 'everything',
      from: undefined,
      produces: OUTPUT,
      keeps: 'produced',
      finish: (built) => collectJar(built, RESULTS[kind]),
      explain: explainJavaBuild,
    };
  }

  async #builder(folder: string): Promise<{ readonly kind: keyof typeof RESULTS; readonly command: HostCommand } | undefined> {
    if ((await exists(join(folder, 'build.gradle'))) || (await exists(join(folder, 'build.gradle.kts')))) {
      const args = ['--no-daemon', '--console=plain', 'build', '-x', 'test'];
      const wrapper = ['gradlew', join('gradle', 'wrapper', 'gradle-wrapper.jar')];
      const wrapped = await Promise.all(wrapper.map((file) => exists(join(folder, file))));
      if (wrapped.every(Boolean)) return { kind: 'gradle', command: { file: '/bin/sh', args: ['./gradlew', ...args], env: {} } };
      const gradle = await this.#tool('gradle');
      if (gradle === undefined) throw missing('Gradle', 'gradle', 'PATH');
      return { kind: 'gradle', command: { file: gradle, args, env: {} } };
    }
    if (!(await exists(join(folder, 'pom.xml')))) return undefined;
    const maven = await this.#tool('mvn');
    if (maven === undefined) throw missing('Maven', 'mvn', 'PATH');
    const args = ['--batch-mode', '--no-transfer-progress', '-Dstyle.color=never', '-Dmaven.test.skip=true', 'package'];
    return { kind: 'maven', command: { file: maven, args, env: {} } };
  }

  async #tool(name: string): Promise<string | undefined> {
    const home = this.#host['JAVA_HOME'];
    if (name === 'java' && home !== undefined && home !== '') {
      const own = await findTool(name, { PATH: join(home, 'bin') });
      if (own !== undefined) return own;
    }
    return findTool(name, this.#host);
  }
}

/** The one jar of a package without a build file. */
async function readyJar(folder: string): Promise<string> {
  const jars = await jarsIn(folder);
  const jar = jars.includes(JAR) ? JAR : jars[0];
  if (jar !== undefined && (jar === JAR || jars.length === 1)) return jar;
  throw new SelvageError('CHAINCODE_PACKAGE_INVALID', jars.length === 0 ? 'Build file not found' : 'there are several jars to run', {
    advice: `Put pom.xml, build.gradle or one jar with its dependencies, called ${JAR}, at the root of the chaincode package.`,
  });
}

/** @throws {SelvageError} `CHAINCODE_BUILD_FAILED` */
async function collectJar(folder: string, results: readonly string[]): Promise<void> {
  for (const result of results) {
    const jars = await jarsIn(join(folder, result));
    const jar = jars.includes(JAR) ? JAR : jars.length === 1 ? jars[0] : undefined;
    if (jar === undefined) continue;
    await mkdir(join(folder, OUTPUT), { recursive: true });
    await copyFile(join(folder, result, jar), join(folder, OUTPUT, JAR));
    return;
  }
  throw new SelvageError('CHAINCODE_BUILD_FAILED', `the build left no jar to run in ${results.join(' or ')}`, {
    advice: `Let the build make one jar with all dependencies, called ${JAR}: with Maven's shade or Gradle's shadow plugin.`,
  });
}

const jarsIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jar') && !BESIDE.test(name));

const missing = (name: string, what: string, where: string): SelvageError =>
  new SelvageError('CHAINCODE_BUILD_FAILED', `there is no ${name} on this machine, which the chaincode needs`, {
    advice: `Install ${what} and name it by ${where} in the environment of the peer, or run the chaincode by Docker or as a service.${what === 'a Java runtime' ? '' : ` ${WITHOUT}`}`,
  });
