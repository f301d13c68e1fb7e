import { endOf } from '../last-output.ts';
import type { Exit } from '../launch-spec.ts';
import type { BuildVerdict } from './platform.ts';
import { NO_MEMORY, NO_THREADS } from './scarcity.ts';
import { type Sign, verdictOf } from './verdict.ts';

const AUTHORITY = 'CORE_PEER_TLS_ROOTCERT_FILE names its certificate';
const CREDENTIALS = 'CORE_TLS_CLIENT_KEY_FILE and CORE_TLS_CLIENT_CERT_FILE name key and certificate';
const MORE_MEMORY =
  'Give chaincode more memory (selvage.process.memory, or vm.docker.hostConfig.Memory), or let the chaincode hold less at a time.';

const NO_START_SCRIPT =
  'Add "scripts": { "start": "fabric-chaincode-node start" } for a contract, or "node your-file.js" for a plain chaincode.';

/** What of the machine ran out, whatever else was said then. */
const SCARCITY: readonly Sign[] = [
  {
    pattern: /ENOSPC|no space left on device|disk quota exceeded/i,
    cause: 'the disk is full',
    advice: 'Make room where the peer keeps chaincode (selvage.chaincodeCache) and where the chaincode writes itself.',
  },
  {
    pattern: NO_THREADS,
    cause: 'the chaincode could start no more threads or processes',
    advice:
      'Give chaincode more of them (selvage.process.processes, or what limits its container) and, as each takes memory, more of that (selvage.process.memory, or vm.docker.hostConfig.Memory), or let it start fewer.',
  },
  { pattern: NO_MEMORY, cause: 'the chaincode ran out of memory', advice: MORE_MEMORY },
];

const CRASH: BuildVerdict = {
  cause: 'the chaincode, or a native module of it, crashed',
  advice: 'Native code of another Node, language version or kind of machine does so: build it where it runs.',
};

/** A chaincode that cannot come to terms with the peer's TLS. Shims try again for long, or end. */
const CONNECTION: readonly Sign[] = [
  {
    pattern:
      /unable to (?:verify the first|get (?:local )?issuer) certificate|self[- ]signed certificate|certificate signed by unknown authority|unable to find valid certification path|certificate verify failed|UNABLE_TO_VERIFY|SELF_SIGNED_CERT/i,
    cause: 'TLS mismatch: the chaincode does not trust the certificate authority of the peer',
    advice: `It has to use the one that the peer gives to each launch: ${AUTHORITY}.`,
  },
  {
    pattern: /altnames|certificate is (?:not )?valid for|doesn't match any of the subject alternative|No subject alternative/i,
    cause: 'TLS mismatch: the name that the chaincode dials is not in the certificate of the peer',
    advice: 'It has to dial the address in CORE_PEER_ADDRESS; peer.chaincodeAddress must be a name that the certificate is made for.',
  },
  {
    pattern:
      /bad certificate|certificate required|unknown ca\b|tls: unknown certificate|alert number (?:42|46|48|116)|BAD_CERTIFICATE|didn't send certificate|not found in registry/i,
    cause: 'TLS mismatch: the peer does not accept the client certificate of the chaincode',
    advice: `It has to show the one that the peer gives to each launch: ${CREDENTIALS} (…_PATH for older shims).`,
  },
  {
    pattern:
      /first record does not look like a TLS handshake|wrong version number|socket disconnected before secure TLS|not an SSL\/TLS record|server preface|HTTP\/1\.1 400|http2: frame too large|ERR_HTTP2_ERROR|GOAWAY received|Protocol error/i,
    cause: 'TLS mismatch: one of chaincode and peer speaks TLS and the other does not',
    advice: 'The peer says which in CORE_PEER_TLS_ENABLED: look where the start script or the sources of the chaincode set it otherwise.',
  },
  {
    pattern:
      /ECONNREFUSED|connection refused|ENOTFOUND|EAI_AGAIN|no such host|UnknownHostException|network is unreachable|no route to host/i,
    cause: 'the chaincode does not reach the peer',
    advice:
      'It has to dial the address in CORE_PEER_ADDRESS. From a container that must lead to the peer: see peer.chaincodeAddress and vm.docker.hostConfig.NetworkMode.',
  },
  {
    pattern: /context deadline exceeded|DeadlineExceeded|Failed to connect before the deadline|14 UNAVAILABLE|UNAVAILABLE: io exception/i,
    cause: 'the chaincode found no way to the peer, or they do not agree on TLS',
    advice: `It has to dial CORE_PEER_ADDRESS with TLS as CORE_PEER_TLS_ENABLED says; ${AUTHORITY}, ${CREDENTIALS}.`,
  },
];

/** Why a chaincode process ended before it was of use, by what it said last. One table for all languages: their words differ. */
const SIGNS: readonly Sign[] = [
  ...SCARCITY,
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
    pattern: /UnsupportedClassVersionError|compiled by a more recent version of the Java Runtime/,
    cause: 'the jar is built for a newer Java than the one here',
    advice: 'Install that Java for the peer, or build for an older one.',
  },
  {
    pattern: /NoClassDefFoundError: (\S+)|ClassNotFoundException: (\S+)/,
    cause: 'a class is missing in the jar: $1',
    advice: 'Let the build make one jar with all dependencies: with Maven’s shade or Gradle’s shadow plugin.',
  },
  {
    // What the system does not know as a program, some wrappers give to a shell.
    pattern:
      /exec format error|cannot execute binary file|wrong ELF class|cannot execute: required file not found|\x7fELF|\.selvage\/chaincode: \d+: /i,
    cause: 'the program is built for another kind of machine',
    advice: 'Build the chaincode, or its native modules, on or for the machine that runs it.',
  },
  {
    pattern: /ERR_DLOPEN_FAILED|was compiled against a different Node\.js version|invalid ELF header/,
    cause: 'a native module was built for another Node or another kind of machine',
    advice:
      'Leave node_modules out of the package, so that the peer installs it, or build it with the same Node on the same kind of machine.',
  },
  {
    pattern: /Cannot find (?:module|package) '(?!\S*\/node_modules\/)(?:file:\/\/)?(?:\.\/)?((?:[\w@.-]+\/)*[\w@.-]+\.[cm]?[jt]sx?)'/,
    cause: 'a module is missing: $1',
    advice:
      'That is a file that is not in the package. If it comes from TypeScript, compile before packaging, or give package.json a script that the install runs ("build" beside a tsconfig.json). If not, package it, or correct "main" or the line that loads it.',
  },
  {
    pattern: /Cannot find (?:module|package) '((?:\.{1,2}\/|\/|file:)[^']+)'/,
    cause: 'a module is missing: $1',
    advice: 'It is a file: package it, or correct the line that loads it; the trace says which.',
  },
  {
    pattern: /Cannot find (?:module|package) '([^']+)'/,
    cause: 'a module is missing: $1',
    advice: 'It is a package: list it under "dependencies" in package.json. Development dependencies are not there when chaincode runs.',
  },
  {
    // Node shows the line before the error.
    pattern: /^(?:\w*Error: )?(?:file:\/\/)?(?:\.\/)?(\S+?:\d+)\n(?:(?!^\S*Error: ).*\n){0,6}?(SyntaxError: .+)$/m,
    cause: 'the sources have an error: $1: $2',
    advice: 'Correct that line.',
  },
  {
    pattern: /^(?:\w*Error: )?(SyntaxError: .+)$/m,
    cause: 'the sources have an error: $1',
    advice: 'Correct the line shown.',
  },
  {
    pattern:
      /^([A-Za-z]*Error \[ERR_REQUIRE_ESM\]|ReferenceError: (?:require|module|exports|__dirname) is not defined in ES module scope)/m,
    cause: 'the sources mix CommonJS and ES modules: $1',
    advice: 'Set "type" in package.json to what the sources are: "module" for import, "commonjs" for require.',
  },
  {
    pattern: /npm (?:error|ERR!) Missing script: "?start"?/,
    cause: 'package.json of the chaincode has no start script',
    advice: NO_START_SCRIPT,
  },
  {
    pattern: /(?:sh: |: )(\S+?): (?:command )?not found/,
    cause: 'the start script runs a program that is not there: $1',
    advice: 'Correct "start" under "scripts" in package.json, or add what it runs to "dependencies".',
  },
  {
    pattern: /(\S+): Permission denied/,
    cause: 'the start script runs a file that is not executable: $1',
    advice: 'Start it through its interpreter, like "node file.js" or "sh file.sh".',
  },
  {
    pattern: /EADDRINUSE[^\n]*|address already in use/,
    cause: 'the chaincode wants to listen on a port that is taken',
    advice: 'Chaincode that the peer starts need not listen: CHAINCODE_SERVER_ADDRESS is for services.',
  },
  ...CONNECTION,
  {
    pattern: /(panic: .+)/,
    cause: 'the chaincode failed while it started: $1',
    advice: 'The trace shows where.',
  },
  {
    pattern: /^(fatal error: .+)/m, // of the Go runtime
    cause: 'the chaincode failed while it started: $1',
    advice: 'The trace shows where.',
  },
  { pattern: /^SIG[A-Z]+: .+\nPC=/m, ...CRASH }, // the same, where it catches what would kill others
  {
    pattern: /^(?:Exception in thread "[^"]*" )?((?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error)(?:: .+)?)$/m,
    cause: 'the chaincode failed while it started: $1',
    advice: 'The trace shows where.',
  },
  {
    pattern: /^((?:Uncaught )?[A-Z]\w*Error(?: \[\w+\])?: .+)$/m,
    cause: 'the chaincode failed while it started: $1',
    advice: 'The trace shows where.',
  },
];

/** What a signal says when nothing was printed that says more. */
const SIGNALS: Readonly<Record<string, BuildVerdict>> = {
  SIGKILL: {
    cause: 'the chaincode was killed from outside, as the kernel does when memory runs out',
    advice: `The kernel's log (dmesg) tells whether it was that. ${MORE_MEMORY}`,
  },
  SIGSEGV: CRASH,
  SIGBUS: CRASH,
  SIGABRT: CRASH,
  SIGFPE: CRASH,
  SIGILL: {
    cause: 'the program uses instructions that this processor does not have',
    advice: 'Build the chaincode, or its native modules, on or for the machine that runs it.',
  },
};

/** A shell adds 128 to the number of the signal that ended its command. */
const BY_SHELL: Readonly<Record<number, string>> = {
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
};

/**
 * Why a chaincode ended that never was of use: what it said last, else how it was ended, else what it said at all.
 * @returns undefined when none of that tells something that we know
 */
export function explainExit(exit: Exit): BuildVerdict | undefined {
  return explainCrash(exit) ?? found(exit.lastOutput, SIGNS);
}

/** The same of one that was of use for a while, perhaps long: what it said before its end is no part of that. */
export function explainCrash({ code, signal, lastOutput }: Exit): BuildVerdict | undefined {
  return found(endOf(lastOutput), SIGNS) ?? SIGNALS[signal ?? BY_SHELL[code ?? 0] ?? ''];
}

/** Of chaincode that runs and does not register, by what it said; undefined when that tells nothing. */
export const explainSilence = (lastOutput: readonly string[]): BuildVerdict | undefined => found(lastOutput, [...SCARCITY, ...CONNECTION]);

function found(lastOutput: readonly string[], signs: readonly Sign[]): BuildVerdict | undefined {
  const verdict = verdictOf(lastOutput, signs, { cause: '', advice: '' });
  return verdict.cause === '' ? undefined : verdict;
}
