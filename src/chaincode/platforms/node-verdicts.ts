import type { BuildVerdict } from './platform.ts';
import { type Sign, verdictOf } from './verdict.ts';

const SIGNS: readonly Sign[] = [
  {
    pattern: /ENOSPC|no space left on device/i,
    cause: 'the disk is full',
    advice: 'Make room in the folders of the peer and of npm’s cache.',
  },
  {
    pattern: /^(?:.*\s)?(\S+\.[cm]?tsx?\(\d+,\d+\): error TS\d+: .+)$/m,
    cause: 'the sources do not compile: $1',
    advice: 'Correct the lines shown; the TypeScript compiler shows them in the folder of the chaincode, too.',
  },
  {
    pattern: /\btsc: (?:command )?not found/,
    cause: 'the TypeScript compiler is not installed',
    advice:
      'List typescript under "dependencies" in package.json: development dependencies are not installed. Or package the compiled sources.',
  },
  {
    pattern:
      /not found: make|gyp ERR! find Python|no acceptable C compiler|(?:g\+\+|gcc|cc|make): (?:command )?not found|No such file or directory.*(?:g\+\+|gcc|make)/,
    cause: 'a native module needs a compiler, make and Python, and one of them is not there',
    advice: 'Install a C++ compiler, make and Python for the peer, or package the chaincode with its node_modules, built for this machine.',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENOTCACHED|network/i,
    cause: 'a dependency could not be got, because the npm registry was not reached',
    advice: 'The npm registry was not reached: check the network, the proxy variables, or set NODE_REGISTRY to a registry that is.',
  },
  {
    pattern: /npm ci.*can only install|EUSAGE|in sync/i,
    cause: 'package-lock.json does not fit package.json',
    advice: 'package-lock.json does not fit package.json: run npm install where the chaincode is developed and package it again.',
  },
  {
    pattern: /E404|ETARGET|notarget/i,
    cause: 'a dependency is not in the npm registry',
    advice: 'A dependency is not in this npm registry: check its name and version, or set NODE_REGISTRY to a registry that has it.',
  },
  {
    pattern: /gyp|node-gyp/i,
    cause: 'a native module did not build',
    advice: 'A native module did not build: install a C++ compiler, make and Python, or package the chaincode with its node_modules.',
  },
];

const OTHERWISE: BuildVerdict = {
  cause: 'npm did not succeed',
  advice: 'Run the same npm command in the chaincode’s folder to see the whole output, or package the chaincode with its node_modules.',
};

export const explainNpm = (output: readonly string[]): BuildVerdict => verdictOf(output, SIGNS, OTHERWISE);
