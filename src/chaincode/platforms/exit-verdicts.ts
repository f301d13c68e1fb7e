import type { BuildVerdict } from './platform.ts';
import { type Sign, verdictOf } from './verdict.ts';

/** Why a chaincode process ended before it was of use, by what it said last. One table for all languages: their words differ. */
const SIGNS: readonly Sign[] = [
  {
    pattern: /no main manifest attribute/,
    cause: 'the jar has no main class',
    advice: 'Let the build write Main-Class into the manifest of the jar.',
  },
  {
    pattern: /Could not find or load main class (\S+)/,
    cause: 'the main class $1 is not in the jar',
    advice: 'Correct the main class in the build file, and let the build make one jar with all dependencies.',
  },
  {
    pattern: /Main method not found in class (\S+?),/,
    cause: 'the main class $1 has no main method',
    advice: 'Name the class with "public static void main(String[] args)" as the main class in the build file.',
  },
  {
    pattern: /NoClassDefFoundError: (\S+)|ClassNotFoundException: (\S+)/,
    cause: 'a class is missing in the jar: $1',
    advice: 'Let the build make one jar with all dependencies: with Maven’s shade or Gradle’s shadow plugin.',
  },
  {
    pattern: /UnsupportedClassVersionError|compiled by a more recent version of the Java Runtime/,
    cause: 'the jar is built for a newer Java than the one here',
    advice: 'Install that Java for the peer, or build for an older one.',
  },
  {
    pattern: /exec format error|cannot execute binary file|wrong ELF class/i,
    cause: 'the program is built for another kind of machine',
    advice: 'Build the chaincode, or its native modules, on or for the machine that runs it.',
  },
  {
    pattern: /ERR_DLOPEN_FAILED|was compiled against a different Node\.js version|invalid ELF header/,
    cause: 'a native module was built for another Node or another kind of machine',
    advice: 'Leave node_modules out of the package, so that the peer installs it, or build it with the same Node.',
  },
  {
    pattern:
      /heap out of memory|OutOfMemoryError|Native memory allocation|Array buffer allocation failed|runtime: out of memory|cannot allocate memory/,
    cause: 'the chaincode ran out of memory',
    advice: 'Give chaincode processes more memory, or let the chaincode hold less at a time.',
  },
  {
    pattern: /Cannot find (?:module|package) '([^']+)'/,
    cause: 'a module is missing: $1',
    advice: 'List it under "dependencies" in package.json; development dependencies are not installed.',
  },
  {
    pattern: /^(?:\w*Error: )?(SyntaxError: .+)$/m,
    cause: 'the sources have an error: $1',
    advice: 'Correct the line shown.',
  },
  {
    pattern: /(?:sh: |: )(\S+?): (?:command )?not found/,
    cause: 'the start script runs a program that is not there: $1',
    advice: 'Correct "start" under "scripts" in package.json, or add what it runs to "dependencies".',
  },
  {
    pattern: /(panic: .+)/,
    cause: 'the chaincode failed while it started: $1',
    advice: 'The trace shows where.',
  },
];

/** Undefined when the output tells nothing that we know. */
export function explainExit(lastOutput: readonly string[]): BuildVerdict | undefined {
  const verdict = verdictOf(lastOutput, SIGNS, { cause: '', advice: '' });
  return verdict.cause === '' ? undefined : verdict;
}
