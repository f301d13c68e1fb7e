import { describe, expect, it } from 'vitest';
import { isUnspecified, joinAddress, splitAddress } from './address.ts';

describe('an address', () => {
  it.each([
    ['localhost:7051', 'localhost', 7051],
    ['0.0.0.0:7051', '0.0.0.0', 7051],
    [':7051', '', 7051],
    ['[::1]:7051', '::1', 7051],
    ['peer0.org1.example.com:65535', 'peer0.org1.example.com', 65535],
  ])('%s has a host and a port', (text, host, port) => {
    expect(splitAddress(text)).toEqual({ host, port });
    expect(joinAddress({ host, port })).toBe(text);
  });

  it.each(['', 'localhost', 'localhost:', 'localhost:port', '::1:7051', 'localhost:65536', 'http://localhost:7051', 'a b:1'])(
    '%j is none',
    (text) => expect(splitAddress(text)).toBeUndefined(),
  );

  it('may stand for all interfaces', () => {
    expect(['0.0.0.0', '::', ''].every(isUnspecified)).toBe(true);
    expect(isUnspecified('127.0.0.1')).toBe(false);
  });
});
