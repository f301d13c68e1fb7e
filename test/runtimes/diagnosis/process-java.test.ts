/** Java chaincode as a process: each failure for real, through a whole peer where the peer's own environment will do. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { allPlatforms } from '../../../src/packages/platforms/platforms.ts';
import { findTool } from '../../../src/packages/platforms/tools.ts';
import { ProcessRuntime } from '../../../src/runtimes/process/process-runtime.ts';
import { failingLaunch } from './failing-launch.ts';
import { type FailingPeer, type Files, failingPeer, folderWith } from './failing-peer.ts';
import { answering, type WebServer } from './npm-registries.ts';
import type { Symptoms } from './symptoms.ts';

const run = promisify(execFile);
const found = async (...names: readonly string[]): Promise<boolean> =>
  (await Promise.all(names.map((name) => findTool(name, process.env)))).every((place) => place !== undefined);
const maven = await found('java', 'mvn');
const jdk = await found('java', 'javac', 'jar');
const skipped = process.platform !== 'linux' || !maven || !jdk;
const NOBODY = 'http://127.0.0.1:1';
const BUILD = { code: 'CHAINCODE_BUILD_FAILED', exitCode: 1 } as const;
const EXIT = { code: 'CHAINCODE_LAUNCH_FAILED', exitCode: 1 } as const;

const pom = (repository = NOBODY, dependency = ''): string =>
  `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>example</groupId><artifactId>cc</artifactId><version>1</version>
<properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target></properties>
<repositories><repository><id>nobody</id><url>${repository}</url></repository></repositories>
<dependencies>${dependency}</dependencies>
<build><finalName>chaincode</finalName><plugins>
<plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin>
</plugins></build></project>`;
const NONE = '<dependency><groupId>example.invalid</groupId><artifactId>none</artifactId><version>1</version></dependency>';
const project = (build: string, statement = ''): Files => ({
  'pom.xml': build,
  'src/main/java/example/Main.java': `package example;\n\nclass Main {\n  public static void main(String[] args) {\n    ${statement}\n  }\n}\n`,
});

/** Programs, one class each. */
const PROGRAMS = `
class Ends { public static void main(String[] a) { System.out.println("so much for that"); System.exit(4); } }
class Throws { public static void main(String[] a) { throw new IllegalStateException("this is not what I wanted"); } }
class Fills { public static void main(String[] a) { java.util.List<byte[]> all = new java.util.ArrayList<>(); for (;;) all.add(new byte[1 << 20]); } }
class Lacks { public static void main(String[] a) { new Missing(); } }
class Missing { }
class NoMain { }
`;

describe.skipIf(skipped)(`Java chaincode as a process${skipped ? ' (skipped: no JDK with Maven here)' : ''}`, () => {
  let peer: FailingPeer;
  let classes: string;
  beforeAll(async () => {
    classes = await mkdtemp(join(tmpdir(), 'selvage-classes-'));
    await folderWith(classes, { 'Programs.java': PROGRAMS, 'Newer.class': Buffer.from('cafebabe000003e7000d', 'hex') });
    await run('javac', ['--release', '11', 'Programs.java'], { cwd: classes });
    peer = await failingPeer();
  });
  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]();
    await rm(classes, { recursive: true, force: true });
  });

  /** Prints what the wrapper of Gradle 9.1.0 prints where the distribution is not to be had. */
  const WRAPPER = `#!/bin/sh
cat >&2 <<'END'
Downloading https://services.gradle.org/distributions/gradle-9.1.0-bin.zip

Exception in thread "main" java.net.UnknownHostException: services.gradle.org
\tat java.base/sun.nio.ch.NioSocketImpl.connect(NioSocketImpl.java:572)
\tat org.gradle.wrapper.Install.forceFetch(SourceFile:2)
\tat org.gradle.wrapper.GradleWrapperMain.main(SourceFile:67)
END
exit 1
`;

  it('the Gradle of the wrapper is not to be had', () =>
    peer.failure(
      { 'build.gradle': '', gradlew: WRAPPER, 'gradle/wrapper/gradle-wrapper.jar': 'the wrapper' },
      {
        ...BUILD,
        reason:
          'the Gradle that its wrapper asks for is not on this machine and could not be got: https://services.gradle.org/distributions/gradle-9.1.0-bin.zip',
        advice: /distributionUrl .* install Gradle\. To do without: .* chaincode\.jar/,
        output: /UnknownHostException: services\.gradle\.org/,
      },
    ));

  it('builds by a wrapper whose Gradle is there', async () => {
    const jar = await jarOf('Ends', ['Ends']);
    const gradlew = '#!/bin/sh\nmkdir -p build/libs && cp config/made.jar build/libs/chaincode.jar\n';
    await peer.failure(
      { 'build.gradle': '', gradlew, 'gradle/wrapper/gradle-wrapper.jar': '', 'config/made.jar': jar['chaincode.jar'] ?? '' },
      { ...EXIT, exitCode: 4, reason: /ended before it registered/, advice: /last output/, output: /so much for that/ },
    );
  });

  const jarOf = async (mainClass: string | undefined, files: readonly string[]): Promise<Files> => {
    const folder = await mkdtemp(join(classes, 'jar-'));
    const main = mainClass === undefined ? [] : ['--main-class', mainClass];
    const content = files.map((name) => `${name}.class`);
    await run('jar', [
      '--create',
      '--file',
      join(folder, 'chaincode.jar'),
      ...main,
      '-C',
      classes,
      ...content.slice(0, 1),
      ...content.slice(1).flatMap((name) => ['-C', classes, name]),
    ]);
    return { 'chaincode.jar': await readFile(join(folder, 'chaincode.jar')) };
  };

  it('that wants a dependency, and nothing listens where the repository should be', () =>
    peer.failure(project(pom(NOBODY, NONE)), {
      ...BUILD,
      reason: 'a dependency could not be got, because the repository was not reached',
      advice: /Maven or Gradle settings/,
      output: /example\.invalid:none/,
    }));

  const from = async (repository: Promise<WebServer>, symptoms: Symptoms): Promise<void> => {
    await using server = await repository;
    await peer.failure(project(pom(server.url, NONE)), symptoms);
  };

  it('that wants a dependency which the repository does not have', () =>
    from(answering(404, 'text/plain', 'not found'), {
      ...BUILD,
      reason: /^a dependency is not in the repository: example\.invalid:none/,
      advice: /name and version/,
      output: /example\.invalid:none/,
    }));

  it('that wants a dependency from a repository with a login', () =>
    from(answering(401, 'text/plain', 'who are you?'), {
      ...BUILD,
      reason: /^the repository does not let us in/,
      advice: /credentials/,
      output: /401/,
    }));

  it('that does not compile', () =>
    peer.failure(project(pom(), 'undefinedThing();'), {
      ...BUILD,
      reason: /^the sources do not compile: Main\.java:\[5,5\] cannot find symbol/,
      advice: /Correct the lines shown/,
      output: /undefinedThing/,
    }));

  it('whose main class is not there', async () => {
    await peer.failure(await jarOf('example.Absent', ['Ends']), {
      ...EXIT,
      reason: 'the main class example.Absent is not in the jar',
      advice: /main class in the build file/,
      output: /example\.Absent/,
    });
  });

  it('whose main class has no main method', async () => {
    await peer.failure(await jarOf('NoMain', ['NoMain']), {
      ...EXIT,
      reason: 'the main class NoMain has no main method',
      advice: /public static void main/,
      output: /NoMain/,
    });
  });

  it('whose jar names no main class', async () => {
    await peer.failure(await jarOf(undefined, ['Ends']), {
      ...EXIT,
      reason: 'the jar has no main class',
      advice: /manifest/,
      output: /manifest/,
    });
  });

  it('that lacks a class', async () => {
    await peer.failure(await jarOf('Lacks', ['Lacks']), {
      ...EXIT,
      reason: 'a class is missing in the jar: Missing',
      advice: /shade|shadow/,
      output: /NoClassDefFoundError/,
    });
  });

  it('that is built for a newer Java', async () => {
    await peer.failure(await jarOf('Newer', ['Newer']), {
      ...EXIT,
      reason: 'the jar is built for a newer Java than the one here',
      advice: /Install that Java/,
      output: /UnsupportedClassVersionError/,
    });
  });

  it('that ends before it registers', async () => {
    await peer.failure(await jarOf('Ends', ['Ends']), {
      ...EXIT,
      exitCode: 4,
      reason: 'the chaincode ended before it registered with the peer',
      advice: /by hand/,
      output: /^so much for that$/m,
    });
  });

  it('that throws', async () => {
    await peer.failure(await jarOf('Throws', ['Throws']), {
      ...EXIT,
      reason: 'the chaincode failed while it started: java.lang.IllegalStateException: this is not what I wanted',
      advice: /trace/,
      output: /Throws\.main/,
    });
  });

  it('that runs out of memory', async () => {
    const host = process.env;
    const limits = { memoryBytes: 300 * 1024 * 1024 };
    const runtime = (directory: string) => new ProcessRuntime({ directory, platforms: allPlatforms({ host }), host, limits });
    await failingLaunch(
      { runtime, files: await jarOf('Fills', ['Fills']) },
      { ...EXIT, reason: 'the chaincode ran out of memory', advice: /selvage\.process\.memory/, output: /OutOfMemoryError/ },
    );
  });
});
