import { describe, expect, it } from 'vitest';
import { type LogFields, silent } from '../common/log.ts';
import { LinuxDebuggers } from '../runtimes/debugging/linux-debuggers.ts';
import { parsePeerConfig } from './config/peer-config.ts';
import { debuggersFor, warnOfOpenPort } from './development-mode.ts';

const config = (mode: 'net' | 'dev', address = '127.0.0.1:7052', inspect = false) =>
  parsePeerConfig(
    {
      raw: { peer: { mspconfigpath: '.', chaincodelistenaddress: address }, chaincode: { mode }, selvage: { inspectchaincode: inspect } },
      folder: import.meta.dirname,
    },
    undefined,
  );

function warnings(...args: Parameters<typeof config>): readonly LogFields[] {
  const heard: LogFields[] = [];
  warnOfOpenPort(config(...args), { ...silent, warn: (message, fields = {}) => void heard.push({ message, ...fields }) });
  return heard;
}

describe('the port for chaincode in development mode', () => {
  it.each(['0.0.0.0:7052', '10.1.2.3:7052', '[::]:7052', ':7052', 'peer.example.com:7052'])('at %s is warned of', (address) => {
    expect(warnings('dev', address)).toEqual([
      expect.objectContaining({ message: expect.stringContaining('can register as any chaincode'), address }),
    ]);
    expect(warnings('net', address)).toEqual([]);
  });

  it.each(['127.0.0.1:7052', 'localhost:7052', '[::1]:7052'])('at %s is for this machine only', (address) => {
    expect(warnings('dev', address)).toEqual([]);
  });
});

describe('who sees debuggers', () => {
  it('looks for them where it can', () => {
    expect(debuggersFor(config('net'), 'linux')).toBeInstanceOf(LinuxDebuggers);
  });

  it('elsewhere takes chaincode for debugged that was started for that', async () => {
    expect(debuggersFor(config('net'), 'darwin')).toBeUndefined();
    expect(await debuggersFor(config('dev'), 'darwin')?.attached({})).toBe(true);
    expect(await debuggersFor(config('net', undefined, true), 'darwin')?.attached({})).toBe(true);
  });
});
