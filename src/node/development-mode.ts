import type { Debuggers } from '../chaincode/ports/debugging.ts';
import { splitAddress } from '../common/address.ts';
import type { Logger } from '../common/log.ts';
import { LinuxDebuggers } from '../runtimes/debugging/linux-debuggers.ts';
import type { PeerConfig } from './config/peer-config.ts';

/** In development mode every process that reaches the port for chaincode may be any chaincode: fine on this machine only. */
export function warnOfOpenPort({ chaincode, chaincodeListenAddress: address }: PeerConfig, log: Logger): void {
  const { host = '' } = splitAddress(address) ?? {};
  if (chaincode.mode !== 'dev' || isLoopback(host)) return;
  log.warn('development mode: whoever reaches this address can register as any chaincode, without TLS', {
    address,
    advice: 'Set peer.chaincodeListenAddress to 127.0.0.1:7052, unless the chaincode runs on another machine.',
  });
}

const isLoopback = (host: string): boolean => /^(127\.\d+\.\d+\.\d+|localhost|::1)$/.test(host);

/**
 * Who sees whether chaincode is debugged. Where debuggers cannot be seen, chaincode that was started for one has all the time; other
 * chaincode has the usual time.
 */
export function debuggersFor(
  { chaincode: { mode, inspect } }: PeerConfig,
  platform: NodeJS.Platform = process.platform,
): Debuggers | undefined {
  if (platform === 'linux') return new LinuxDebuggers();
  return mode === 'dev' || inspect ? { attached: () => Promise.resolve(true) } : undefined;
}
