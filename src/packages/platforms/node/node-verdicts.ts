import type { BuildVerdict } from '../platform.ts';
import { type Sign, scarcity, verdictOf } from '../verdict.ts';

const REGISTRY = 'set NODE_REGISTRY in the environment of the peer to a registry that has it, or put an .npmrc into the package';
const NATIVE = 'package the chaincode with its node_modules, built for this machine';

const SIGNS: readonly Sign[] = [
  ...scarcity('the folders of the peer, of npm’s cache and of TMPDIR'),
  {
    pattern: /^(?:.*\s)?(\S+\.[cm]?tsx?(?:\(\d+,\d+\): |:\d+:\d+ - )error TS\d+: .+)$/m,
    cause: 'the sources do not compile: $1',
    advice: 'Correct the lines shown; the TypeScript compiler shows them in the folder of the chaincode, too.',
  },
  {
    pattern: /\btsc: (?:command )?not found/,
    cause: 'the TypeScript compiler is not installed',
    advice:
      'List typescript under "devDependencies" in package.json and call it in a script named build; what is only called when npm installs needs it under "dependencies". Or package the compiled sources.',
  },
  {
    pattern:
      /not found: make|gyp ERR! find Python|no acceptable C compiler|(?:g\+\+|gcc|cc|c\+\+|make): (?:command )?not found|No such file or directory.*(?:g\+\+|gcc|make)/,
    cause: 'a native module needs a compiler, make and Python, and one of them is not there',
    advice: `Install a C++ compiler, make and Python for the peer, or ${NATIVE}.`,
  },
  {
    pattern: /gyp ERR! stack (?:FetchError: )?(request to \S+ failed.*|.*(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET).*)/,
    cause: 'a native module needs the header files of Node, which could not be got: $1',
    advice: `Set npm_config_nodedir in the environment of the peer to the folder that Node is installed in, or ${NATIVE}.`,
  },
  {
    pattern:
      /npm (?:error|ERR!) code EINTEGRITY[\s\S]*?(?:integrity checksum failed when using \S+: wanted \S+ but got|Verification failed while extracting (\S+))|code EINTEGRITY/,
    cause: 'a dependency is not the one that package-lock.json knows: $1',
    advice:
      'Its checksum differs: find out why its content changed before you trust it; then remove its entry from the lock file and run npm install where the chaincode is developed.',
  },
  {
    pattern:
      /npm (?:error|ERR!) code (?:E401|E403|ENEEDAUTH)[\s\S]*?(\b40[13] .*|need auth.*)|npm (?:error|ERR!) code (?:E401|E403|ENEEDAUTH)/,
    cause: 'the npm registry does not let us in: $1',
    advice: `Give npm its credentials, in the .npmrc of the user that runs the peer; or ${REGISTRY}.`,
  },
  {
    pattern: /npm (?:error|ERR!) code ETARGET[\s\S]*?No matching version found for (\S+?)\.?(?:\s|$)/,
    cause: 'a dependency is not in the npm registry in that version: $1',
    advice: `Check the version in package.json; or ${REGISTRY}.`,
  },
  {
    pattern: /npm (?:error|ERR!) code E404(?:[\s\S]*?npm (?:error|ERR!) 404\s+(?:The requested resource )?'([^']+)')?/,
    cause: 'a dependency is not in the npm registry: $1',
    advice: `Check its name and version in package.json; or ${REGISTRY}.`,
  },
  {
    pattern: /(invalid json response body at \S+)|Unexpected token '?<|is not valid JSON/,
    cause: 'what answered is no npm registry: $1',
    advice: `A web page came where a package was asked for: correct the registry (a proxy or a login page may be in between); or ${REGISTRY}.`,
  },
  {
    pattern: /npm (?:error|ERR!) code E5\d\d[\s\S]*?(50\d .*)/,
    cause: 'the npm registry does not work: $1',
    advice: `Try again later; or ${REGISTRY}.`,
  },
  {
    pattern:
      /(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT\w*|CERT_HAS_EXPIRED|ERR_TLS_CERT_ALTNAME_INVALID)/,
    cause: 'the certificate of the npm registry is not trusted: $1',
    advice: 'Name the authority that issued it in NODE_EXTRA_CA_CERTS in the environment of the peer.',
  },
  {
    pattern:
      /npm (?:error|ERR!) (?:network )?(?:\w*Error: )?request to (\S+ failed, reason: .*)|npm (?:error|ERR!) (?:code|errno) (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENOTCACHED|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT)/,
    cause: 'a dependency could not be got, because the npm registry was not reached: $1',
    advice: `Check the network and the proxy variables of the peer; or ${REGISTRY}. Packaged with its node_modules the chaincode needs no registry.`,
  },
  {
    pattern: /npm ci.*can only install|npm (?:error|ERR!) code EUSAGE|package-lock\.json are in sync/i,
    cause: 'package-lock.json does not fit package.json',
    advice: 'To bring them together, run npm install where the chaincode is developed and package it again.',
  },
  {
    pattern:
      /npm (?:error|ERR!) code ERESOLVE[\s\S]*?(?:Could not resolve dependency|Conflicting peer dependency)[\s\S]*?npm (?:error|ERR!) (\S.*)/,
    cause: 'the dependencies contradict each other: $1',
    advice: 'Make npm install work where the chaincode is developed, and package its package-lock.json, too.',
  },
  {
    pattern: /npm (?:error|ERR!) code EBADPLATFORM[\s\S]*?Unsupported platform for (\S+)/,
    cause: 'a dependency is for another kind of machine: $1',
    advice: 'Take another dependency, or list it under "optionalDependencies" in package.json.',
  },
  {
    pattern: /npm (?:error|ERR!) code EBADENGINE[\s\S]*?Not compatible with your version of node\/npm: (\S+)/,
    cause: 'a dependency needs another Node than the one here: $1',
    advice: 'Install that Node for the peer, or take a version of the dependency for this one.',
  },
  {
    pattern: /npm (?:error|ERR!) code (?:EACCES|EPERM|EROFS)[\s\S]*?path (\S+)/,
    cause: 'the user that runs the peer may not write to $1',
    advice: 'Give it to that user, or set npm_config_cache in the environment of the peer to a folder that is its own.',
  },
  {
    pattern: /gyp ERR!|node-gyp/,
    cause: 'a native module did not build',
    advice: `The compiler's words say why; the tools of a newer or older system may be needed. Or ${NATIVE}.`,
  },
  {
    pattern: /npm (?:error|ERR!) command sh -c (.+)/,
    cause: 'an install script failed: $1',
    advice: 'Its own words stand before npm’s. Run npm install where the chaincode is developed to see all of them.',
  },
];

const OTHERWISE: BuildVerdict = {
  cause: 'npm did not succeed',
  advice: 'Run the same npm command in the chaincode’s folder to see the whole output, or package the chaincode with its node_modules.',
};

export const explainNpm = (output: readonly string[]): BuildVerdict => verdictOf(output, SIGNS, OTHERWISE);
