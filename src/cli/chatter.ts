/** Lines that tools and shims print for their own makers: nobody who develops chaincode can do anything about them. */

/** npm about packages that the chaincode's author did not choose, and about itself. */
const OF_NPM = /^npm (warn|WARN) (deprecated|install-scripts|config|old lockfile|using --force)\b|^npm notice|^\s*$/;

/** Of a build. Nothing that failed is among them. */
export const isBuildChatter = (line: string): boolean => OF_NPM.test(line);

const OF_SHIMS: readonly RegExp[] = [
  /^\S+ (info|debug) +\[c-(api|fabric-shim):(\.?\/?lib\/|contracts-spi\/|fabric-shim\/)/, // fabric-shim and fabric-contract-api for Node
  /^Thread\[.*\] \S+ (INFO|FINE|CONFIG|FINER|FINEST)\s+org\.hyperledger\.fabric\./, // fabric-chaincode-shim for Java
  /DeprecationWarning: Setting the TLS ServerName to an IP address/,
  /^\(Use `node --trace-deprecation/,
  /^\+ fabric-chaincode-node start /, // a start script with set -x
  /^(Terminated|Killed)$/, // a shell about what the peer stopped
];

/** Of chaincode that works. */
export const isShimChatter = (line: string): boolean => OF_SHIMS.some((pattern) => pattern.test(line));
