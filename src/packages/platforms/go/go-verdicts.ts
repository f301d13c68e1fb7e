import type { BuildVerdict } from '../platform.ts';
import { type Sign, scarcity, verdictOf } from '../verdict.ts';

const VENDOR = 'run "go mod tidy" and "go mod vendor" where the chaincode is developed, and package it again.';

const SIGNS: readonly Sign[] = [
  ...scarcity('the folders of the peer, of GOCACHE and of TMPDIR'),
  {
    pattern: /cgo: C compiler "?([^"\s]+)"? not found|exec: "(?:gcc|cc|clang|g\+\+)": executable file not found/,
    cause: 'a native dependency needs a C compiler, and there is none',
    advice: 'Install gcc for the peer, or build with CGO_ENABLED=0 in its environment if the dependency can do without.',
  },
  {
    pattern: /requires go >= ?(\S+)|toolchain not available|invalid go version '([^']+)'/,
    cause: 'the chaincode or a dependency needs a newer Go',
    advice: 'Install that Go version for the peer, or lower the version in go.mod.',
  },
  {
    pattern: /verifying (\S+): checksum mismatch|SECURITY ERROR/,
    cause: 'a dependency is not the one that go.sum knows: $1',
    advice: 'Find out why its content changed before you trust it; then correct go.sum.',
  },
  {
    pattern: /(?:x509: |tls: failed to verify certificate)(.*)/,
    cause: 'the certificate of the module proxy is not trusted: $1',
    advice: 'Name the authority that issued it in SSL_CERT_FILE in the environment of the peer.',
  },
  {
    pattern: /invalid character '<'|unexpected end of JSON input|zip: not a valid zip file|unrecognized import path .*parse https/,
    cause: 'what answered is no module proxy',
    advice: `A web page came where a module was asked for: correct the GOPROXY of the peer (a proxy or a login page may be in between); or, to need none, ${VENDOR}`,
  },
  {
    pattern:
      /no such host|i\/o timeout|connection refused|network is unreachable|connection reset|proxyconnect|TLS handshake timeout|module lookup disabled by GOPROXY=off/,
    cause: 'a dependency could not be got, because the module proxy was not reached',
    advice: `Check the network and the GOPROXY of the peer; or, to need no network, ${VENDOR}`,
  },
  {
    pattern:
      /updates to go\.(?:mod|sum) needed|missing go\.sum entry|no required module provides package|import lookup disabled by -mod|inconsistent vendoring/,
    cause: 'go.mod, go.sum and the sources do not fit together',
    advice: `To bring them together ${VENDOR}`,
  },
  {
    pattern:
      /(\S+@\S+): (?:reading|invalid version|unknown revision)|404 Not Found|410 Gone|40[13] (?:Forbidden|Unauthorized)|unknown revision|Repository not found|could not read Username/,
    cause: 'a dependency is not to be had under that name and version: $1',
    advice: 'Check the name and version in go.mod, and GOPROXY and GOPRIVATE of the peer for modules that are not public.',
  },
  {
    pattern:
      /(?:package|cannot find package) "?([^\s":]+)"? (?:is not in (?:std|GOROOT)|in any of)|cannot find module providing package (\S+)/,
    cause: 'a package that the sources import is nowhere: $1',
    advice: `Add its module to go.mod: ${VENDOR}`,
  },
  {
    pattern: /^(?:\.\/)?(\S+\.go:\d+(?::\d+)?: .+)$/m,
    cause: 'the sources do not compile: $1',
    advice: 'Correct the lines shown; "go build" in the folder of the chaincode shows all of them.',
  },
  {
    pattern: /no Go files in|build constraints exclude all Go files|directory not found|main module .* does not contain package (\S+)/,
    cause: 'there are no Go sources at the path of the chaincode',
    advice: 'The path of the chaincode must be the import path of its main package.',
  },
];

const OTHERWISE: BuildVerdict = {
  cause: 'go build did not succeed',
  advice: 'Run "go build" in the folder of the chaincode to see the whole output.',
};

export const explainGoBuild = (output: readonly string[]): BuildVerdict => verdictOf(output, SIGNS, OTHERWISE);
