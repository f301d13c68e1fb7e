import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { containerName, vmNames } from './names.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const dev = { networkId: 'dev', peerId: 'peer0.org1.example.com' };

describe('names of containers and images', () => {
  it.each([
    [dev, 'mycc:1.0', 'dev-peer0.org1.example.com-mycc-1.0', 'dev-peer0.org1.example.com-mycc-1.0'],
    [{ networkId: '', peerId: 'jdoe' }, 'mycc:1.0', 'jdoe-mycc-1.0', 'jdoe-mycc-1.0'],
    [{ networkId: 'net', peerId: '' }, 'mycc:1.0', 'net-mycc-1.0', 'net-mycc-1.0'],
    [{ networkId: '', peerId: '' }, 'mycc:1.0', 'mycc-1.0', 'mycc-1.0'],
    [{ networkId: 'Dev', peerId: 'Peer0' }, 'MyCC:1.0+x', 'Dev-Peer0-MyCC-1.0-x', 'Dev-Peer0-MyCC-1.0+x'],
    [{ networkId: 'a b', peerId: 'p@q' }, 'cc:1', 'a-b-p-q-cc-1', 'a b-p@q-cc-1'],
    [
      dev,
      `basic_1.0:${hash('x')}`,
      `dev-peer0.org1.example.com-basic_1.0-${hash('x')}`,
      `dev-peer0.org1.example.com-basic_1.0-${hash('x')}`,
    ],
  ])('of %j and %s', (peer, ccid, container, hashed) => {
    expect(vmNames(peer, ccid)).toEqual({ container, image: `${container}-${hash(hashed)}`.toLowerCase() });
  });

  it('differ between names that look the same when cleaned', () => {
    expect(vmNames(dev, 'cc:1+0').image).not.toBe(vmNames(dev, 'cc:1-0').image);
    expect(vmNames(dev, 'CC:1').image).not.toBe(vmNames(dev, 'cc:1').image);
  });

  it.each([
    [dev, 'a--b:1', 'dev-peer0.org1.example.com-a--b-1'],
    [dev, 'cc:1.0-', 'dev-peer0.org1.example.com-cc-1.0-'],
    [{ networkId: '-', peerId: '' }, 'cc:1', '--cc-1'],
  ])('are refused for %j and %s', (peer, ccid, base) => {
    expect(() => vmNames(peer, ccid)).toThrow(`Error constructing Docker VM Name. '${base}' breaks Docker's repository naming rules`);
  });

  it('are told apart for replicas: the first has the name that scripts look for', () => {
    const of = (replica?: number) => containerName(dev, { ccid: 'mycc:1.0', replica });
    expect([of(), of(1), of(2)]).toEqual([
      'dev-peer0.org1.example.com-mycc-1.0',
      'dev-peer0.org1.example.com-mycc-1.0',
      'dev-peer0.org1.example.com-mycc-1.0-replica2',
    ]);
  });
});
