import type { BuildVerdict } from '../platform.ts';
import { type Sign, scarcity, verdictOf } from '../verdict.ts';

/** How to do without a build on this machine. */
export const WITHOUT =
  'To do without: build the jar with its dependencies elsewhere, and name a folder that holds it as chaincode.jar and no build file.';

const SIGNS: readonly Sign[] = [
  ...scarcity('the folders of the peer, of Maven or Gradle and of TMPDIR'),
  {
    pattern: /Downloading (\S+\.zip)[\s\S]*Exception[\s\S]*org\.gradle\.wrapper\./,
    cause: 'the Gradle that its wrapper asks for is not on this machine and could not be got: $1',
    advice: `Let this machine reach that address, or let distributionUrl in gradle/wrapper/gradle-wrapper.properties name a copy that it reaches, as with file:///. Or remove gradlew and install Gradle. ${WITHOUT}`,
  },
  {
    pattern: /Verification of Gradle distribution failed/,
    cause: 'the Gradle that its wrapper got is not the one that it asks for: its checksum differs',
    advice:
      'Correct distributionUrl or distributionSha256Sum in gradle/wrapper/gradle-wrapper.properties, and remove the file that the output names.',
  },
  {
    pattern: /No compiler is provided in this environment|does not provide the required capabilities: \[JAVA_COMPILER\]/,
    cause: 'there is a Java runtime but no compiler',
    advice: 'Install a JDK for the peer and let JAVA_HOME name it.',
  },
  {
    pattern: /(?:invalid target release|invalid source release|release version|Source option|Target option):? ?(\S+)/,
    cause: 'this Java cannot compile for Java $1',
    advice: 'Install a JDK of that version for the peer, or change the version in the build file.',
  },
  {
    pattern: /class file has wrong version (\S+)|UnsupportedClassVersionError: (\S+)/,
    cause: 'a dependency, or a plugin of the build, is made for a newer Java than the one here: $1',
    advice: 'Install that Java for the peer, or take an older version of the dependency.',
  },
  {
    pattern: /Checksum validation failed[^\n]*/,
    cause: 'a dependency is not what its repository says: its checksum differs',
    advice: 'Find out why its content changed before you trust it; a proxy in between may answer with a page of its own.',
  },
  {
    pattern: /(?:status code|Received status code):? (40[13][^\n]*)|(Not authorized[^\n]*|authentication failed[^\n]*)/,
    cause: 'the repository does not let us in: $1',
    advice: 'Put its credentials into the Maven or Gradle settings of the user that runs the peer.',
  },
  {
    pattern:
      /Non-parseable POM \S*\.m2\S*|Invalid (?:artifact|POM)[^\n]*html|Unrecognised tag: 'html'|DOCTYPE is disallowed|expected START_TAG or END_TAG not TEXT/,
    cause: 'what answered is no Maven repository',
    advice:
      'A web page came where a dependency was asked for: correct the repository in the build file or the settings; a proxy or a login page may be in between.',
  },
  {
    pattern:
      /UnknownHostException|Unknown host|Connection refused|Network is unreachable|timed out|No route to host|Cannot access \S+ \([^)]*\) in offline mode/,
    cause: 'a dependency could not be got, because the repository was not reached',
    advice: 'Check the network, the proxies and the mirrors in the Maven or Gradle settings of the user that runs the peer.',
  },
  {
    pattern: /Could not (?:find|transfer) (?:artifact )?(\S+)|Could not resolve all (?:files|dependencies)/,
    cause: 'a dependency is not in the repository: $1',
    advice: 'Check its name and version in the build file, and the repositories that the build file and the user’s settings name.',
  },
  {
    pattern: /(?:COMPILATION ERROR|Compilation fail(?:ed|ure))[\s\S]*?([^\s/]+\.(?:java|kt):\S+.*)/,
    cause: 'the sources do not compile: $1',
    advice: 'Correct the lines shown; the same build in the folder of the chaincode shows all of them.',
  },
  {
    pattern: /Non-parseable POM|Malformed POM|Could not compile build file|Could not (?:open|find) .*build\.gradle/,
    cause: 'the build file cannot be read',
    advice: 'Correct pom.xml or build.gradle where the output points.',
  },
];

const OTHERWISE: BuildVerdict = {
  cause: 'the Java build did not succeed',
  advice: 'Run the same build in the folder of the chaincode to see the whole output, or package a jar with its dependencies.',
};

/** Maven’s own advice on how to read Maven. */
const CHATTER = /^\[ERROR\]\s*$|\[Help \d+\] http|Re-run Maven|To see the full stack trace|For more information about the errors/;

export const explainJavaBuild = (output: readonly string[]): BuildVerdict =>
  verdictOf(
    output.filter((line) => !CHATTER.test(line)),
    SIGNS,
    OTHERWISE,
  );
