import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type AddressSettings, chaincodeAddresses } from './chaincode-addresses.ts';

const card = (address: string, { family = 'IPv4', internal = false }: { family?: 'IPv4' | 'IPv6'; internal?: boolean } = {}) =>
  ({ address, family, internal, netmask: '', mac: '', cidr: null, ...(family === 'IPv6' && { scopeid: 0 }) }) as NetworkInterfaceInfo;

const INTERFACES = {
  lo: [card('127.0.0.1', { internal: true })],
  eth0: [card('fe80::1', { family: 'IPv6' }), card('10.0.0.5')],
};

const of = (settings: Partial<AddressSettings>) =>
  chaincodeAddresses({
    address: 'peer0.org1.example.com:7051',
    autoDetect: false,
    chaincodeAddress: '',
    chaincodeListenAddress: '',
    mode: 'net',
    interfaces: INTERFACES,
    ...settings,
  });

describe('the address that chaincode is told', () => {
  it('is peer.chaincodeAddress where that is set', () => {
    expect(of({ chaincodeAddress: 'cc.example.com:9052', chaincodeListenAddress: '0.0.0.0:7052' })).toEqual({
      chaincodeListenAddress: '0.0.0.0:7052',
      chaincodeAddress: 'cc.example.com:9052',
    });
  });

  it.each(['0.0.0.0:7052', '[::]:7052', ':7052'])('cannot be %s', (chaincodeAddress) => {
    expect(() => of({ chaincodeAddress })).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message: `invalid endpoint for chaincode to connect: ${chaincodeAddress}` }),
    );
  });

  it('falls back to 0.0.0.0:7052 in development mode', () => {
    expect(of({ chaincodeAddress: '0.0.0.0:9052', mode: 'dev' }).chaincodeAddress).toBe('0.0.0.0:7052');
  });

  it('is where the peer listens for chaincode', () => {
    expect(of({ chaincodeListenAddress: '10.1.1.1:9052' }).chaincodeAddress).toBe('10.1.1.1:9052');
  });

  it.each(['0.0.0.0:9052', '[::]:9052', ':9052'])('is the own host with the port of %s', (chaincodeListenAddress) => {
    expect(of({ chaincodeListenAddress }).chaincodeAddress).toBe('peer0.org1.example.com:9052');
  });

  it('is the own host with port 7052 when nothing is set', () => {
    expect(of({})).toEqual({
      chaincodeListenAddress: 'peer0.org1.example.com:7052',
      chaincodeAddress: 'peer0.org1.example.com:7052',
    });
  });

  it('keeps the brackets of an IPv6 host', () => {
    expect(of({ address: '[2001:db8::1]:7051' }).chaincodeAddress).toBe('[2001:db8::1]:7052');
  });
});

describe('the own host', () => {
  it('is detected where peer.address names all interfaces, or when that is asked for', () => {
    expect(of({ address: '0.0.0.0:7051' }).chaincodeAddress).toBe('10.0.0.5:7052');
    expect(of({ autoDetect: true }).chaincodeAddress).toBe('10.0.0.5:7052');
  });

  it('is the loopback on a machine without another', () => {
    expect(of({ address: '0.0.0.0:7051', interfaces: { lo: INTERFACES.lo } }).chaincodeAddress).toBe('127.0.0.1:7052');
  });
});
